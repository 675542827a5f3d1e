import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { type Schema, type TaskType, type Whole, api, ok } from "../api";
import { Button, Choice, CopyCurl, Empty, Filters as FilterBar, Loading, Time, Trouble } from "../components/basics";
import { type Bar, Bars } from "../components/bars";
import { Page } from "../components/page";
import { type Choosable, Picker, findCampaigns, findClients } from "../components/picker";
import { bytes, count, day, month, percent, plural, rough, seconds, shortDay, shortMonth, span } from "../format";
import { useAction, useLoaded } from "../loading";
import { nameOf } from "../names";
import { withQuery } from "../requests";
import { place, setQuery, to } from "../router";
import { received } from "../session";
import { TYPES, TYPE_CHOICES } from "../types";

type Report = Whole<Schema["UsageReport"]>;
type Row = Whole<Schema["UsageRow"]>;
type Group = Schema["Group"];

const GROUPS: readonly (readonly [Group, string])[] = [
  ["client", "Client"],
  ["campaign", "Campaign"],
  ["type", "Type"],
  ["provider", "Provider"],
  ["model", "Model"],
  ["status", "Status"],
  ["created_by", "User"],
];
const MOST_GROUPS = 3;
const RANGES = [
  ["today", "Today"],
  ["7", "Last 7 days"],
  ["", "This month"],
  ["last-month", "Last month"],
  ["30", "Last 30 days"],
  ["90", "Last 90 days"],
  ["year", "This year"],
  ["custom", "Other days"],
] as const;
const BUCKETS = [
  ["", "Whole range"],
  ["day", "By day"],
  ["month", "By month"],
] as const;
const MEASURES = [
  ["", "Spend"],
  ["tasks", "Tasks"],
  ["outputs", "Files"],
] as const;
const STATUSES = [
  ["", "Any"],
  ["succeeded", "Succeeded"],
  ["failed", "Failed"],
  ["canceled", "Canceled"],
] as const;
const ORDERS = [
  ["", "Highest spend first"],
  ["reported", "As reported"],
] as const;
const FILTERS = ["client", "campaign", "type", "provider", "model", "status"];
const LONGEST_BY_DAY = 92;
const SHOWN = 200;
const NUMBERS = ["Spend", "Tasks", "Files", "Size", "Mean time"];

const exact = new Intl.NumberFormat(navigator.languages, {
  style: "currency",
  currency: "USD", // the API has no other
  currencyDisplay: "narrowSymbol",
  minimumFractionDigits: 2,
  maximumFractionDigits: 6,
});
/** An amount of a report, none of it rounded. */
const cost = (amount: string) => exact.format(amount as Intl.StringNumericLiteral);

const DAY = 86_400_000;
const iso = (at: number) => new Date(at).toISOString().slice(0, 10);
const after = (date: string, days: number) => iso(Date.parse(date) + days * DAY);

/** First day and the day after the last one, in UTC. */
const rangeOf = (query: URLSearchParams): readonly [string, string] => {
  const now = new Date();
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  const tomorrow = after(iso(now.getTime()), 1);
  const name = query.get("range") ?? "";
  switch (name) {
    case "last-month":
      return [iso(Date.UTC(year, month - 1, 1)), iso(Date.UTC(year, month, 1))];
    case "today":
      return [after(tomorrow, -1), tomorrow];
    case "7":
    case "30":
    case "90":
      return [after(tomorrow, -Number(name)), tomorrow];
    case "year":
      return [iso(Date.UTC(year, 0, 1)), iso(Date.UTC(year + 1, 0, 1))];
    case "custom":
      return [query.get("from") ?? after(tomorrow, -30), query.get("to") ?? tomorrow];
    default:
      return [iso(Date.UTC(year, month, 1)), iso(Date.UTC(year, month + 1, 1))];
  }
};

/** As many days before: of a month or a year the same days of the one before, as far as this one has come. */
const priorOf = (query: URLSearchParams): readonly [string, string] => {
  const [from, to] = rangeOf(query);
  const start = new Date(from);
  const name = query.get("range") ?? "";
  const days = (Date.parse(to) - Date.parse(from)) / DAY;
  if (!["", "last-month", "year"].includes(name)) return [after(from, -days), from];
  const before = name === "year" ? Date.UTC(start.getUTCFullYear() - 1, 0, 1) : Date.UTC(start.getUTCFullYear(), start.getUTCMonth() - 1, 1);
  const isOver = name === "last-month";
  const end = isOver ? from : iso(Math.min(before + Date.parse(after(iso(Date.now()), 1)) - Date.parse(from), Date.parse(from)));
  return [iso(before), end];
};

/** What the questions of the page have in common: which tasks. */
const asked = (query: URLSearchParams) => {
  const [from, to] = rangeOf(query);
  const one = (name: string) => query.get(name);
  const [client, campaign, type, provider, model, status, owner] = [...FILTERS, "owner"].map(one);
  return {
    from,
    to,
    ...(client ? { client: [client] } : {}),
    ...(campaign ? { campaign: [campaign] } : {}),
    ...(type ? { type: [type as TaskType] } : {}),
    ...(provider ? { provider: [provider] } : {}),
    ...(model ? { model: [model] } : {}),
    ...(status ? { status: [status as "succeeded"] } : {}),
    ...(owner ? { owner: Number(owner) } : {}),
  };
};

const groupsOf = (query: URLSearchParams): Group[] => {
  const known = GROUPS.map(([group]) => group as string);
  return (query.has("by") ? query.getAll("by") : ["client"]).filter((each): each is Group => known.includes(each)).slice(0, MOST_GROUPS);
};

const address = (query: object) => withQuery("/api/v3/reports/usage", query);

const load = async (query: ReturnType<typeof tableOf>) => ok(await api.GET("/api/v3/reports/usage", { params: { query } })) as Report;

const tableOf = (filters: URLSearchParams) => {
  const groups = groupsOf(filters);
  const bucket = (filters.get("rows") || "total") as Schema["Bucket"];
  return { ...asked(filters), bucket, ...(groups.length ? { group_by: groups } : {}) };
};

const barsOf = (filters: URLSearchParams) => {
  const query = asked(filters);
  const days = (Date.parse(query.to) - Date.parse(query.from)) / DAY;
  return { ...query, bucket: (days > LONGEST_BY_DAY ? "month" : "day") as Schema["Bucket"] };
};

export const Reports = () => {
  const filters = place.value.query;
  const [table, bars] = [tableOf(filters), barsOf(filters)];
  const [before, until] = priorOf(filters);
  const rows = useReport(table);
  const time = useReport(bars);
  const prior = useReport({ ...asked(filters), from: before, to: until, bucket: "total" });
  const report = rows.data.value;
  const download = useAction(async () => {
    const query = { ...table, format: "csv" as const };
    const answer = await api.GET("/api/v3/reports/usage", { params: { query }, parseAs: "text" });
    save(`usage-${table.from}-to-${after(table.to, -1)}.csv`, ok(answer) as unknown as string);
  });
  return (
    <Page
      title="Reports"
      actions={
        <>
          <CopyCurl of={() => ({ path: address(table) })} />
          <Button icon="down" busy={download.isRunning.value} onClick={() => void download.run()}>
            CSV
          </Button>
        </>
      }
    >
      <Filters />
      <Trouble refused={rows.error.value ?? time.error.value} again={() => (rows.reload(), time.reload())} />
      <Trouble refused={download.error.value} />
      {!report && !rows.error.value && <Loading rows={4} />}
      {report && (
        <div class={rows.isStale || time.isStale ? "stale" : ""} aria-busy={rows.isStale || time.isStale}>
          <Totals report={report} prior={prior.isStale ? undefined : prior.data.value} />
          <OverTime report={time.data.value} />
          <Groups />
          {report.totals.tasks > 0 ? <Table key={JSON.stringify(table)} report={report} /> : <Nothing />}
        </div>
      )}
      {report && (
        <p class="dim about">
          As of <Time at={report.as_of} />. Tasks count on the day on which they ended, in UTC. What is deleted stays in reports.
        </p>
      )}
    </Page>
  );
};

/** The last report stays until the next one is there, so that nothing jumps while filters change. */
const useReport = (query: ReturnType<typeof tableOf>) => {
  const last = useSignal<Report | undefined>(undefined);
  const { data, error, reload } = useLoaded(JSON.stringify(query), () => load(query));
  useEffect(() => {
    if (data.value || error.value) last.value = data.value;
  }, [data.value, error.value]);
  return { data: last, error, reload, isStale: last.value !== undefined && data.value === undefined && !error.value };
};

const save = (name: string, text: string) => {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
};

const NONE: Record<"client" | "campaign", Choosable> = {
  client: { id: "none", name: "Without a client" },
  campaign: { id: "none", name: "Without a campaign" },
};

const Filters = () => {
  const filters = place.value.query;
  const [from, to] = rangeOf(filters);
  const client = filters.get("client");
  const campaign = filters.get("campaign");
  const models = useLoaded("models", async () => ok(await api.GET("/api/v3/models")).items);
  const accounts = received.value.filter((each) => each.resource.type === "account");
  const type = filters.get("type") ?? "";
  const provider = filters.get("provider") ?? "";
  const ofType = (models.data.value ?? []).filter((each) => !type || each.type === type);
  const providers = [...new Set(ofType.map((each) => each.provider))].sort();
  const known = [...new Set(ofType.filter((each) => !provider || each.provider === provider).map((each) => each.id))].sort();
  const named = (kind: "client" | "campaign", id: string | null): Choosable | null => {
    if (!id) return null;
    return id === "none" ? NONE[kind] : { id, name: nameOf(kind, id).value?.name ?? id };
  };
  const custom = (part: { from?: string; to?: string }) => setQuery({ range: "custom", from, to, ...part });
  return (
    <FilterBar
      class="reports"
      label="What is reported"
      set={FILTERS.filter((name) => filters.get(name)).length}
      found={null}
      first={<Choice label="Days" value={filters.get("range") ?? ""} options={RANGES} onChoose={(range) => setQuery(range === "custom" ? { range, from, to } : { range, from: "", to: "" })} />}
    >
      <label class="choice">
        <span>From</span>
        <input type="date" value={from} max={after(to, -1)} onChange={({ currentTarget }) => currentTarget.value && custom({ from: currentTarget.value })} />
      </label>
      <label class="choice">
        <span>To</span>
        <input type="date" value={after(to, -1)} min={from} onChange={({ currentTarget }) => currentTarget.value && custom({ to: after(currentTarget.value, 1) })} />
      </label>
      {accounts.length > 0 && (
        <Choice
          label="Account"
          value={filters.get("owner") ?? ""}
          options={[["", "Mine"], ...accounts.map((each) => [each.resource.id, `User ${each.resource.user_id}`] as const)]}
          onChoose={(owner) => setQuery({ owner, client: "", campaign: "" })}
        />
      )}
      <Picker
        inline
        label="Client"
        placeholder="Any"
        value={named("client", client)}
        find={async (text, signal) => [...(text ? [] : [NONE.client]), ...(await findClients()(text, signal))]}
        onPick={(picked) => setQuery({ client: picked?.id, campaign: "" })}
      />
      <Picker
        inline
        label="Campaign"
        placeholder="Any"
        value={named("campaign", campaign)}
        of={client ?? ""}
        find={async (text, signal) => [...(text ? [] : [NONE.campaign]), ...(await findCampaigns(client && client !== "none" ? client : undefined)(text, signal))]}
        onPick={(picked) => setQuery({ campaign: picked?.id })}
      />
      <Choice label="Type" value={type} options={TYPE_CHOICES} onChoose={(value) => setQuery({ type: value, provider: "", model: "" })} />
      <Choice label="Provider" value={provider} options={[["", "Any"], ...providers.map((each) => [each, each] as const)]} onChoose={(value) => setQuery({ provider: value, model: "" })} />
      <Choice label="Model" value={filters.get("model") ?? ""} options={[["", "Any"], ...known.map((each) => [each, each] as const)]} onChoose={(model) => setQuery({ model })} />
      <Choice label="Status" value={filters.get("status") ?? ""} options={STATUSES} onChoose={(status) => setQuery({ status })} />
    </FilterBar>
  );
};

const Nothing = () => {
  const isFiltered = FILTERS.some((name) => place.value.query.get(name));
  return (
    <Empty title="No task ended in these days">
      {isFiltered ? (
        <Button onClick={() => setQuery(Object.fromEntries(FILTERS.map((name) => [name, ""])))}>Without filters</Button>
      ) : (
        <p>What is generated is reported on the day on which it ends.</p>
      )}
    </Empty>
  );
};

const Totals = ({ report: { totals }, prior }: { report: Report; prior: Report | undefined }) => (
  <dl class="totals">
    <div class="first">
      <dt>Spend</dt>
      <dd>
        <data value={totals.cost}>{cost(totals.cost)}</data>
        {prior && <Change from={prior} to={Number(totals.cost)} />}
      </dd>
    </div>
    <div>
      <dt>Tasks</dt>
      <dd>{count(totals.tasks)}</dd>
    </div>
    <div>
      <dt>Files</dt>
      <dd>{count(totals.outputs)}</dd>
    </div>
    <div>
      <dt>Size</dt>
      <dd>{bytes(totals.bytes)}</dd>
    </div>
    <div>
      <dt>Mean time</dt>
      <dd>{totals.tasks ? seconds(totals.seconds) : "–"}</dd>
    </div>
    {totals.unpriced_tasks > 0 && (
      <div>
        <dt>Of unknown cost</dt>
        <dd>{plural(totals.unpriced_tasks, "task")}</dd>
      </div>
    )}
  </dl>
);

/** How much more or less that is than in the days before. */
const Change = ({ from, to }: { from: Report; to: number }) => {
  const before = Number(from.totals.cost);
  const days = span(from.from, after(from.to, -1));
  if (!before) return <span class="dim change">nothing in {days}</span>;
  const part = to / before - 1;
  return (
    <span class="dim change">
      {percent(Math.abs(part))} {part < 0 ? "less" : "more"} than the {rough(before)} of {days}
    </span>
  );
};

const spanOf = (row: Row, bucket: Report["bucket"]) => {
  if (bucket === "day") return day(row.start);
  return bucket === "month" ? month(row.start) : span(row.start, after(row.end, -1));
};

const OverTime = ({ report }: { report: Report | undefined }) => {
  if (!report) return <section class="over-time" aria-busy="true" />;
  const measure = (place.value.query.get("measure") ?? "") as "" | "tasks" | "outputs";
  const bars: Bar[] = report.rows.map((row) => ({
    label: spanOf(row, report.bucket),
    short: report.bucket === "day" ? shortDay(row.start) : shortMonth(row.start),
    value: measure ? row[measure] : Number(row.cost),
    text: measure ? count(row[measure]) : cost(row.cost),
    href: to("/reports", { ...Object.fromEntries(place.value.query), by: place.value.query.getAll("by"), range: "custom", from: row.start, to: row.end }),
  }));
  const name = MEASURES.find(([each]) => each === measure)?.[1] ?? "Spend";
  return (
    <section class="over-time" aria-label="Over time">
      <div class="row">
        <h2>{report.bucket === "day" ? "By day" : "By month"}</h2>
        <span class="gap" />
        <Choice label="Bars" value={measure} options={MEASURES} onChoose={(value) => setQuery({ measure: value })} />
      </div>
      <Bars title={`${name} ${report.bucket === "day" ? "by day" : "by month"}`} bars={bars} isCount={measure !== ""} textOf={(value) => (measure ? count(value) : cost(String(value)))} />
    </section>
  );
};

/** What the table tells apart. */
const Groups = () => {
  const filters = place.value.query;
  const chosen = groupsOf(filters);
  return (
    <div class="filters">
      <fieldset class="checks">
        <legend>Rows for each</legend>
        {GROUPS.map(([group, name]) => (
          <label key={group} class="check">
            <input
              type="checkbox"
              checked={chosen.includes(group)}
              disabled={!chosen.includes(group) && chosen.length >= MOST_GROUPS}
              onChange={({ currentTarget }) => {
                const others = chosen.filter((each) => each !== group);
                const next = currentTarget.checked ? [...others, group] : others;
                setQuery({ by: next.length ? next : ["none"] });
              }}
            />
            {name}
          </label>
        ))}
      </fieldset>
      <Choice label="Rows" value={filters.get("rows") ?? ""} options={BUCKETS} onChoose={(rows) => setQuery({ rows })} />
      <Choice label="Order" value={filters.get("order") ?? ""} options={ORDERS} onChoose={(order) => setQuery({ order })} />
    </div>
  );
};

const Table = ({ report }: { report: Report }) => {
  const filters = place.value.query;
  const shown = useSignal(SHOWN);
  const groups = report.group_by;
  const isOverTime = report.bucket !== "total";
  // All rows are here, so sorting them is no guess; in equal cost, and over time, the order is the API's.
  const isSorted = !isOverTime && (filters.get("order") ?? "") === "";
  const rows = isSorted ? [...report.rows].sort((one, other) => Number(other.cost) - Number(one.cost)) : report.rows;
  const highest = Math.max(...rows.map((each) => Number(each.cost)), 0);
  const isUnpriced = report.totals.unpriced_tasks > 0;
  const first = isOverTime || groups.length === 0;
  return (
    <>
      <div class="scroll all" tabIndex={0} role="region" aria-label="Usage">
        <table class="usage">
          <thead>
            <tr>
              {first && <th scope="col">{report.bucket === "month" ? "Month" : report.bucket === "day" ? "Day" : "Days"}</th>}
              {groups.map((group) => (
                <th key={group} scope="col">
                  {GROUPS.find(([each]) => each === group)?.[1]}
                </th>
              ))}
              {[...NUMBERS, ...(isUnpriced ? ["Unknown cost"] : [])].map((name) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, shown.value).map((row, index) => (
              <tr key={index}>
                {first && <td class="date">{spanOf(row, report.bucket)}</td>}
                {groups.map((group) => (
                  <td key={group}>
                    <Value row={row} group={group} />
                  </td>
                ))}
                <td class="number cost">
                  <data value={row.cost}>{cost(row.cost)}</data>
                  <span class="share" style={{ width: `${highest ? (Number(row.cost) / highest) * 100 : 0}%` }} />
                </td>
                <Numbers of={row} isUnpriced={isUnpriced} />
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row" colSpan={groups.length + (first ? 1 : 0)}>
                In all
              </th>
              <td class="number">
                <data value={report.totals.cost}>{cost(report.totals.cost)}</data>
              </td>
              <Numbers of={report.totals} isUnpriced={isUnpriced} />
            </tr>
          </tfoot>
        </table>
      </div>
      {rows.length > shown.value && (
        <p class="row">
          <span class="dim">
            {count(shown.value)} of {plural(rows.length, "row")}
          </span>
          <Button onClick={() => (shown.value += SHOWN)}>Show more</Button>
        </p>
      )}
    </>
  );
};

const Numbers = ({ of, isUnpriced }: { of: Whole<Schema["UsageAmounts"]>; isUnpriced: boolean }) => (
  <>
    <td class="number" data-name="Tasks">
      {count(of.tasks)}
    </td>
    <td class="number" data-name="Files">
      {count(of.outputs)}
    </td>
    <td class="number" data-name="Size">
      {bytes(of.bytes)}
    </td>
    <td class="number" data-name="Mean time">
      {of.tasks ? seconds(of.seconds) : "–"}
    </td>
    {isUnpriced && (
      <td class="number" data-name="Unknown cost">
        {of.unpriced_tasks ? count(of.unpriced_tasks) : "–"}
      </td>
    )}
  </>
);

const Value = ({ row, group }: { row: Row; group: Group }) => {
  switch (group) {
    case "client":
    case "campaign": {
      const named = row[group];
      if (!named) return <span class="dim">{row.tasks ? `without a ${group}` : "–"}</span>;
      return (
        <>
          <Within group={group} value={named.id}>
            {named.name}
          </Within>
          {named.deleted && <span class="badge">deleted</span>}
        </>
      );
    }
    case "created_by":
      return <>{row.created_by === null || row.created_by === undefined ? "–" : `User ${row.created_by}`}</>;
    case "provider":
      return <>{row.provider ?? "–"}</>;
    default: {
      const value = row[group];
      if (!value) return <>–</>;
      return (
        <Within group={group} value={value}>
          {group === "type" ? TYPES[value as TaskType][0] : value}
        </Within>
      );
    }
  }
};

/** What is next to be told apart, when one of these is looked at by itself. */
const NEXT: Readonly<Record<"client" | "campaign" | "type" | "model" | "status", Group>> = { client: "campaign", campaign: "model", type: "model", model: "client", status: "client" };

/** The report of this one only. */
const Within = ({ group, value, children }: { group: keyof typeof NEXT; value: string; children: preact.ComponentChildren }) => (
  <a href={to("/reports", { ...Object.fromEntries(place.value.query), [group]: value, by: NEXT[group] })}>{children}</a>
);

