// Numbers, money and times as the reader writes them.

const locale = navigator.languages;

const whole = new Intl.NumberFormat(locale);
const compact = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const percents = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
const dates = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
const days = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" });
const shortDays = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
const months = new Intl.DateTimeFormat(locale, { month: "long", year: "numeric", timeZone: "UTC" });
const shortMonths = new Intl.DateTimeFormat(locale, { month: "short", year: "2-digit", timeZone: "UTC" });
const moments = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });

export const count = (value: number) => whole.format(value);

export const plural = (value: number, one: string, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

export const percent = (value: number) => percents.format(value);

/** An amount, which reports write as a decimal text, so that none of it is lost. */
export const money = (amount: number | string | null | undefined, currency = "USD") => {
  if (amount === null || amount === undefined) return "–";
  const format = new Intl.NumberFormat(locale, {
    style: "currency",
    currency,
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: 2,
    maximumFractionDigits: 4,
  });
  return format.format(amount as number);
};

const cents = new Intl.NumberFormat(locale, { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol", maximumFractionDigits: 2 });

/** An amount to compare with: as many decimals as it takes to tell it from nothing. */
export const rough = (amount: number) => (amount >= 0.1 || amount === 0 ? cents.format(amount) : money(amount));

const SIZES = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

export const bytes = (value: number) => {
  const power = Math.min(Math.floor(Math.log10(Math.max(value, 1)) / 3), SIZES.length - 1);
  const unit = SIZES[power] ?? "byte";
  // "433 byte" is how the short form of a language says it; the long one has a plural.
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: power ? "short" : "long", maximumFractionDigits: 1 }).format(
    value / 1000 ** power,
  );
};

export const seconds = (value: number) => {
  const minutes = Math.floor(value / 60);
  if (minutes) return `${minutes}:${String(Math.floor(value % 60)).padStart(2, "0")}`;
  return `${compact.format(value)} s`;
};

export const date = (value: string) => dates.format(new Date(value));

const utc = (value: string) => new Date(`${value}T00:00:00Z`);

/** A date without a time, as reports have them. */
export const day = (value: string) => days.format(utc(value));

export const shortDay = (value: string) => shortDays.format(utc(value));
export const month = (value: string) => months.format(utc(value));
export const shortMonth = (value: string) => shortMonths.format(utc(value));

/** From one day to another, both included; one day by itself. */
export const span = (first: string, last: string) => days.formatRange(utc(first), utc(last));

export const moment = (value: string) => moments.format(new Date(value));

const STEPS: readonly (readonly [number, Intl.RelativeTimeFormatUnit])[] = [
  [60, "second"],
  [60, "minute"],
  [24, "hour"],
  [7, "day"],
];

/** "5 min. ago"; a date after a week. */
export const ago = (value: string) => {
  let distance = (new Date(value).getTime() - Date.now()) / 1000;
  for (const [size, unit] of STEPS) {
    if (Math.abs(distance) < size) return relative.format(Math.round(distance), unit);
    distance /= size;
  }
  return date(value);
};
