// Small things that every page is made of.
import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { Refused } from "../api";
import { settings } from "../settings";
import { type Asked, curl } from "../requests";
import { ago, moment } from "../format";
import { say } from "./notices";

const ICONS = {
  plus: "M8 3v10M3 8h10",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9M10.5 10.5l3 3",
  play: "M5.5 3.5v9l7-4.5z",
  sound: "M2.5 6v4M5.25 4v8M8 2.5v11M10.75 4.5v7M13.5 6.5v3",
  image: "M2.5 3h11v10h-11zM2.5 11l3.5-3.5 3 3 1.8-1.8 2.7 2.6",
  left: "M10 3 5 8l5 5",
  right: "m6 3 5 5-5 5",
  close: "m4 4 8 8M12 4l-8 8",
  check: "m3 8.5 3.2 3.2L13 4.5",
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
  menu: "M2 4h12M2 8h12M2 12h12",
  people: "M6 7.5a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6M1.8 13c.3-2.6 2-3.8 4.2-3.8s3.9 1.2 4.2 3.8M10.5 7.3a2 2 0 1 0-.6-3.9M12 9.5c1.3.5 2.1 1.7 2.3 3.5",
  code: "m5.5 4.5-3.5 3.5 3.5 3.5M10.5 4.5l3.5 3.5-3.5 3.5",
  down: "m4 6 4 4 4-4",
} as const;

export type IconName = keyof typeof ICONS;

export const Icon = ({ name }: { name: IconName }) => (
  <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path d={ICONS[name]} />
  </svg>
);

interface ButtonProps extends Omit<JSX.IntrinsicElements["button"], "icon" | "loading"> {
  kind?: "plain" | "primary" | "danger" | "quiet";
  icon?: IconName;
  busy?: boolean;
  children?: ComponentChildren;
}

export const Button = ({ kind = "plain", icon, busy = false, children, class: more = "", ...rest }: ButtonProps) => (
  <button type="button" class={`button ${kind} ${more as string}`} aria-busy={busy} aria-disabled={busy} {...rest}>
    {icon && <Icon name={icon} />}
    {children}
  </button>
);

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  /** What the API says about this field. */
  error?: string | undefined;
  children: (id: string, describedBy: string | undefined) => ComponentChildren;
}

/** A label and its control, with what there is to say about it. */
export const Field = ({ label, hint, error, children }: FieldProps) => {
  const id = useId();
  const about = hint || error ? `${id}-about` : undefined;
  return (
    <div class={error ? "field wrong" : "field"}>
      <label for={id}>{label}</label>
      {children(id, about)}
      {about && (
        <p class="about" id={about}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
};

/** What a refusal says about one field of the body (`name`), or one parameter. */
export const faultOf = (refused: Refused | undefined, name: string) =>
  refused?.problem.errors?.find((each) => each.pointer === `/${name}` || each.parameter === name)?.detail;

/** An error in the problem's own words, with what to tell whoever runs the server. */
export const Trouble = ({ refused, again }: { refused: Refused | undefined; again?: () => void }) => {
  if (!refused) return null;
  const { problem, sent } = refused;
  return (
    <div class="trouble" role="alert">
      <p class="title">{problem.title}</p>
      <p>{problem.detail}</p>
      {problem.request_id && (
        <p class="dim">
          Request <code>{problem.request_id}</code>
        </p>
      )}
      <div class="row">
        {again && <Button onClick={again}>Try again</Button>}
        {sent && <CopyCurl of={() => ({ method: sent.method, path: sent.path, body: sent.body, headers: sent.headers })} />}
      </div>
    </div>
  );
};

/** The request behind an action, for a shell. */
export const CopyCurl = ({ of, label = "Copy as curl" }: { of: () => Asked; label?: string }) => (
  <Button
    kind="quiet"
    class="curl"
    icon="code"
    title={label}
    onClick={() => {
      void navigator.clipboard.writeText(curl(of(), settings.signIn !== "none")).then(
        () => say("Copied: the request as a line for your shell."),
        () => say("The browser does not let this page copy.", "error"),
      );
    }}
  >
    {label}
  </Button>
);

export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="empty">
    <p class="title">{title}</p>
    {children}
  </div>
);

export const Loading = ({ rows = 3 }: { rows?: number }) => (
  <div class="loading" role="status" aria-label="Loading">
    {Array.from({ length: rows }, (_, index) => (
      <span key={index} />
    ))}
  </div>
);

export const Time = ({ at }: { at: string }) => (
  <time dateTime={at} title={moment(at)}>
    {ago(at)}
  </time>
);

export const Status = ({ is }: { is: string }) => <span class={`status ${is}`}>{is}</span>;

/** Five stars to choose from, or to look at. */
export const Stars = ({ value, onRate }: { value: number | null; onRate?: (value: number | null) => void }) => {
  if (!onRate) {
    return value ? (
      <span class="stars" role="img" aria-label={`Rated ${value} of 5`}>
        {"★".repeat(value)}
      </span>
    ) : null;
  }
  return (
    <span class="stars rate" role="group" aria-label="Rating">
      {[1, 2, 3, 4, 5].map((each) => (
        <button
          key={each}
          type="button"
          aria-pressed={value !== null && each <= value}
          aria-label={value === each ? "Remove the rating" : `Rate ${each} of 5`}
          onClick={() => onRate(value === each ? null : each)}
        >
          {value !== null && each <= value ? "★" : "☆"}
        </button>
      ))}
    </span>
  );
};

/** A bar of 0 to 1, or of what is not known yet. */
export const Progress = ({ value, label }: { value: number | null | undefined; label: string }) => (
  <progress max={1} aria-label={label} {...(value === null || value === undefined ? {} : { value })} />
);

/** A search that asks when its text has settled. */
export const Search = ({ value, label, onSearch }: { value: string; label: string; onSearch: (text: string) => void }) => {
  const timer = useSignal(0);
  return (
    <span class="search">
      <Icon name="search" />
      <input
        type="search"
        aria-label={label}
        placeholder={label}
        defaultValue={value}
        onInput={({ currentTarget }) => {
          clearTimeout(timer.value);
          timer.value = setTimeout(() => onSearch(currentTarget.value.trim()), 250) as unknown as number;
        }}
      />
    </span>
  );
};

interface FiltersProps {
  /** How many of them are set: said where they are folded away. */
  set: number;
  label?: string;
  class?: string;
  /** What stays in sight on a narrow screen. */
  first: ComponentChildren;
  children: ComponentChildren;
  /** What was found, and the request behind it. */
  found: ComponentChildren;
}

/** A bar of filters. On a narrow screen all but the first are folded away, so that what they filter is in sight. */
export const Filters = ({ set, label, class: more = "", first, children, found }: FiltersProps) => {
  const isOpen = useSignal(false);
  return (
    <div class={`filters folds ${isOpen.value ? "open" : ""} ${more}`} {...(label ? { role: "group" as const, "aria-label": label } : {})}>
      {first}
      <Button class="fold" icon="down" aria-expanded={isOpen.value} onClick={() => (isOpen.value = !isOpen.value)}>
        Filters{set > 0 && ` (${set})`}
      </Button>
      {children}
      <span class="found">{found}</span>
    </div>
  );
};

interface ChoiceProps {
  label: string;
  value: string;
  options: readonly (readonly [string, string])[];
  onChoose: (value: string) => void;
}

/** A list to choose one thing from, as in a bar of filters. */
export const Choice = ({ label, value, options, onChoose }: ChoiceProps) => (
  <label class="choice">
    <span>{label}</span>
    <select value={value} onChange={({ currentTarget }) => onChoose(currentTarget.value)}>
      {options.map(([each, name]) => (
        <option key={each} value={each}>
          {name}
        </option>
      ))}
    </select>
  </label>
);
