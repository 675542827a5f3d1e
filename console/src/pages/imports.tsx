import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Schema, type Whole, api, newKey, ok } from "../api";
import { Button, CopyCurl, Empty, Field, Loading, Progress, Status, Time, Trouble, faultOf } from "../components/basics";
import { More } from "../components/more";
import { Page } from "../components/page";
import { bytes, count, percent, plural } from "../format";
import { useAction, useListed } from "../loading";
import { to } from "../router";
import { mayCreate } from "../session";
import { useWatched } from "../watching";
import { upload } from "../upload";

type Import = Whole<Schema["Import"]>;
type Failure = Whole<Schema["RowFailure"]>;

const TYPES: readonly (readonly [Schema["ImportType"], string])[] = [
  ["clients", "Clients"],
  ["campaigns", "Campaigns"],
];
const COLUMNS: Record<Schema["ImportType"], readonly [string, boolean][]> = {
  clients: [
    ["name", true],
    ["description", false],
    ["brand_guidelines", false],
  ],
  campaigns: [
    ["client_id", true],
    ["name", true],
    ["goal", true],
    ["status", false],
    ["brief", false],
  ],
};

export const Imports = () => {
  const list = useListed<Import>("imports", async (cursor) =>
    ok(await api.GET("/api/v3/imports", { params: { query: cursor ? { cursor } : {} } })),
  );
  const { items, total, hasMore, isLoading, error, more, reload } = list;
  return (
    <Page title="Imports">
      {mayCreate.value && <NewImport onChange={reload} />}
      <Trouble refused={error.value} again={reload} />
      {total.value === undefined && !error.value && <Loading />}
      {total.value === 0 && !hasMore.value && (
        <Empty title="Nothing was imported">
          <p>{mayCreate.value ? "Clients or campaigns come in from a file, one of each row. Imports are listed here for 30 days." : "Your role lets you look, not import."}</p>
        </Empty>
      )}
      {items.value.length > 0 && (
        <section class="cards" aria-label="Your imports">
          {items.value.map((each) => (
            <Card key={each.id} of={each} />
          ))}
        </section>
      )}
      {hasMore.value && !error.value && <More isLoading={isLoading.value} onMore={more} />}
    </Page>
  );
};

const NewImport = ({ onChange }: { onChange: () => void }) => {
  const type = useSignal<Schema["ImportType"]>("clients");
  const file = useSignal<File | null>(null);
  const uploaded = useSignal<number | null>(null);
  const uploading = useRef<{ id: string; request: XMLHttpRequest } | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const body = (): Schema["NewImport"] => ({ type: type.value, format: formatOf(file.value?.name ?? ""), size: file.value?.size ?? 0 });
  const start = useAction(async () => {
    const chosen = file.value;
    if (!chosen) return;
    try {
      const header = { "idempotency-key": newKey() };
      const made = ok(await api.POST("/api/v3/imports", { params: { header }, body: body() }));
      const request = new XMLHttpRequest();
      uploading.current = { id: made.id, request };
      uploaded.value = 0;
      await upload(request, made.upload, chosen, (part) => (uploaded.value = part));
      ok(await api.POST("/api/v3/imports/{import_id}/start", { params: { path: { import_id: made.id } } }));
      file.value = null;
      if (input.current) input.current.value = "";
    } finally {
      uploading.current = null;
      uploaded.value = null;
      onChange();
    }
  });
  const stop = useAction(async () => {
    const now = uploading.current;
    if (!now) return;
    now.request.abort();
    ok(await api.POST("/api/v3/imports/{import_id}/cancel", { params: { path: { import_id: now.id } } }));
  });
  const error = start.error.value ?? stop.error.value;
  return (
    <form
      class="panel narrow"
      aria-label="New import"
      onSubmit={(event) => {
        event.preventDefault();
        void start.run();
      }}
    >
      <fieldset class="segments">
        <legend class="hidden">What to import</legend>
        {TYPES.map(([each, name]) => (
          <label key={each}>
            <input type="radio" name="import-type" checked={type.value === each} onChange={() => (type.value = each)} />
            <span>{name}</span>
          </label>
        ))}
      </fieldset>
      <Field
        label="File"
        error={faultOf(error, "size") ?? faultOf(error, "format")}
        hint={
          <>
            CSV or JSON lines, at most 50,000 rows. Columns:{" "}
            {COLUMNS[type.value].map(([name, needed], index) => (
              <>
                {index > 0 && ", "}
                <code>{name}</code>
                {needed ? "" : " (optional)"}
              </>
            ))}
            .
          </>
        }
      >
        {(id, about) => (
          <input
            ref={input}
            id={id}
            aria-describedby={about}
            class="drop"
            type="file"
            accept=".csv,.tsv,.txt,.jsonl,.ndjson,text/csv,application/x-ndjson"
            required
            onChange={(event) => (file.value = event.currentTarget.files?.[0] ?? null)}
          />
        )}
      </Field>
      <Trouble refused={error} />
      {uploaded.value !== null && (
        <div class="going">
          <Progress value={uploaded.value} label="Upload" />
          <p class="dim" role="status">
            {percent(uploaded.value)} of {bytes(file.value?.size ?? 0)} uploaded
          </p>
        </div>
      )}
      <div class="row">
        <Button type="submit" kind="primary" busy={start.isRunning.value} aria-disabled={start.isRunning.value || !file.value}>
          Import {file.value ? bytes(file.value.size) : ""}
        </Button>
        {uploaded.value !== null && <Button onClick={() => void stop.run()}>Cancel</Button>}
        <span class="gap" />
        <CopyCurl of={() => ({ method: "POST", path: "/api/v3/imports", body: body() })} />
      </div>
    </form>
  );
};

const formatOf = (name: string): Schema["ImportFormat"] => (/\.(jsonl|ndjson|json)$/i.test(name) ? "jsonl" : "csv");

const isRunning = (each: Pick<Import, "status">) => each.status === "processing";

const Card = ({ of }: { of: Import }) => {
  const tag = useRef("");
  const { id } = of;
  const path = { import_id: id };
  const { data, error, reload } = useWatched<Import>(
    of,
    async () => {
      const answer = await api.GET("/api/v3/imports/{import_id}", {
        params: { path },
        headers: tag.current ? { "if-none-match": tag.current } : {},
      });
      if (answer.response.status === 304) return undefined;
      const found = ok(answer);
      tag.current = answer.response.headers.get("etag") ?? "";
      return found;
    },
    isRunning,
  );
  const cancel = useAction(async () => {
    ok(await api.POST("/api/v3/imports/{import_id}/cancel", { params: { path } }));
    reload();
  });
  const found = data.value;
  const isOpen = found.status === "pending" || isRunning(found);
  const looked = found.rows_succeeded + found.rows_failed;
  return (
    <article class="panel" aria-label={`Import of ${found.type}`}>
      <div class="row">
        <h2>{found.type === "clients" ? "Clients" : "Campaigns"}</h2>
        <Status is={found.status} />
        <span class="dim">
          {found.format.toUpperCase()}, {bytes(found.size)}, <Time at={found.created_at} />
        </span>
        <span class="gap" />
        {isOpen && (
          <Button busy={cancel.isRunning.value} onClick={() => void cancel.run()}>
            Cancel
          </Button>
        )}
      </div>
      <Trouble refused={error.value ?? cancel.error.value} />
      {found.status === "pending" && <p class="dim">Its file was not uploaded, or it was not started.</p>}
      {isRunning(found) && (
        <div class="going">
          <Progress value={found.progress} label={`Progress of the import of ${found.type}`} />
          <p class="dim">{found.rows === null ? "The file is being checked." : `${count(looked)} of ${plural(found.rows, "row")}`}</p>
        </div>
      )}
      {found.error && (
        <p class="bad">
          The file was refused{found.error.line !== null && `, line ${count(found.error.line)}`}: {found.error.detail} Nothing was imported.
        </p>
      )}
      {found.rows !== null && !isOpen && (
        <p>
          {plural(found.rows_succeeded, "row")} imported{found.rows_failed > 0 && <span class="bad">, {count(found.rows_failed)} failed</span>}
          {looked < found.rows && `, ${count(found.rows - looked)} not looked at`}.{" "}
          {found.rows_succeeded > 0 && <a href={to("/clients")}>To the clients</a>}
        </p>
      )}
      {found.rows_failed > 0 && <Failures key={found.rows_failed} id={id} total={found.rows_failed} />}
      <div class="row">
        <CopyCurl of={() => ({ path: `/api/v3/imports/${id}` })} />
      </div>
    </article>
  );
};

const FEW = 5;

/** Asked for when they are looked at, and at once when they are few. */
const Failures = ({ id, total }: { id: string; total: number }) => {
  const isOpen = useSignal(total <= FEW);
  const shown = useSignal<readonly Failure[]>([]);
  const more = useAction(async () => {
    const after = shown.value[shown.value.length - 1]?.line ?? 0;
    const page = ok(await api.GET("/api/v3/imports/{import_id}/failures", { params: { path: { import_id: id }, query: { after } } }));
    shown.value = [...shown.value, ...page.failures];
  });
  useEffect(() => {
    if (isOpen.value && shown.value.length === 0) void more.run();
  }, [isOpen.value]);
  return (
    <details open={isOpen.value} onToggle={({ currentTarget }) => (isOpen.value = currentTarget.open)}>
      <summary>{plural(total, "row")} failed</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label="Rows that failed">
        <table>
          <thead>
            <tr>
              <th scope="col" class="number">
                Line
              </th>
              <th scope="col">Reason</th>
            </tr>
          </thead>
          <tbody>
            {shown.value.map(({ line, problem }) => (
              <tr key={line}>
                <td class="number">{count(line)}</td>
                <td>{reasonOf(problem)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <Trouble refused={more.error.value} />
        {shown.value.length < total && (
          <Button busy={more.isRunning.value} onClick={() => void more.run()}>
            Show more
          </Button>
        )}
      </div>
    </details>
  );
};

const reasonOf = (problem: Failure["problem"]) => String((problem as unknown as Partial<Schema["Problem"]>).detail ?? "refused");
