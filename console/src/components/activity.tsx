// Who did what, newest first.
import { type Schema, type Whole, api, ok } from "../api";
import { moment } from "../format";
import { useListed } from "../loading";
import { withQuery } from "../requests";
import { to } from "../router";
import { CopyCurl, Empty, Time } from "./basics";
import { Coming } from "./listed";
import { More } from "./more";

type Entry = Whole<Schema["Activity"]>;

interface Within {
  client_id?: string;
  campaign_id?: string;
  actor?: number;
  action?: string;
  owner?: string;
  from?: string;
  to?: string;
}

export const ActivityList = ({ within }: { within: Within }) => {
  const query = { page_size: 50, ...within };
  const list = useListed<Entry>(JSON.stringify(query), async (cursor) =>
    ok(await api.GET("/api/v3/activity", { params: { query: cursor ? { ...query, cursor } : query } })),
  );
  const path = withQuery("/api/v3/activity", query);
  return (
    <section class="panel" aria-label="Activity">
      <div class="row">
        <h2>What was done</h2>
        <span class="gap" />
        <CopyCurl of={() => ({ path })} />
      </div>
      <Coming list={list} rows={3} />
      {list.total.value === 0 && !list.hasMore.value && <Empty title="Nothing is on record" />}
      <ol class="lines activity">
        {list.items.value.map((entry) => (
          <li key={entry.id}>
            <span class="what">
              <b>{entry.action.replace(/[._]/g, " ")}</b> <Thing entry={entry} />
            </span>
            <span class="dim">{entry.actor === null ? "by the system" : `by user ${entry.actor}`}</span>
            <span class="gap" />
            <span class="dim" title={moment(entry.at)}>
              <Time at={entry.at} />
            </span>
            <Changes changes={entry.changes} />
          </li>
        ))}
      </ol>
      {list.hasMore.value && !list.error.value && <More isLoading={list.isLoading.value} onMore={list.more} />}
    </section>
  );
};

const PAGES = ["client", "campaign", "task", "asset"];

const Thing = ({ entry }: { entry: Entry }) => {
  const { type, id, name } = entry.resource;
  const text = name ?? (PAGES.includes(type) ? id.slice(-8) : "");
  if (!PAGES.includes(type) || entry.action.endsWith(".deleted")) return <span>{text}</span>;
  return <a href={to(`/${type}s/${id}`)}>{text}</a>;
};

const MOMENT = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

const shown = (value: unknown): string => {
  if (value === null || value === undefined || value === "") return "nothing";
  if (typeof value === "object" && "length" in value && "sha256" in value) return `a text of ${String(value.length)} characters`;
  if (Array.isArray(value) && value.every((each) => typeof each !== "object")) return value.join(", ") || "nothing";
  if (typeof value === "string" && MOMENT.test(value)) return moment(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
};

const Changes = ({ changes }: { changes: Entry["changes"] }) => {
  const fields = Object.entries(changes as Record<string, { from?: unknown; to?: unknown }>).filter(
    ([name]) => !["client_id", "campaign_id"].includes(name),
  );
  if (!fields.length) return null;
  const short = fields.map(([name, { from, to: into }]) => `${name.replaceAll("_", " ")}: ${from === null ? "" : `${shown(from)} → `}${shown(into)}`).join(", ");
  if (short.length < 90) return <span class="dim changes">{short}</span>;
  return (
    <details>
      <summary>{fields.map(([name]) => name.replaceAll("_", " ")).join(", ")}</summary>
      <dl class="facts">
        {fields.map(([name, { from, to: into }]) => (
          <>
            <dt key={name}>{name.replaceAll("_", " ")}</dt>
            <dd>
              {shown(from)} → {shown(into)}
            </dd>
          </>
        ))}
      </dl>
    </details>
  );
};
