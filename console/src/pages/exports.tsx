import { useSignal } from "@preact/signals";
import { type Schema, type Whole, api, newKey, ok } from "../api";
import { Button, CopyCurl, Empty, Loading, Progress, Status, Time, Trouble, faultOf } from "../components/basics";
import { FormDialog } from "../components/dialog";
import { More } from "../components/more";
import { say } from "../components/notices";
import { Page } from "../components/page";
import { type Choosable, Picker, findCampaigns, findClients } from "../components/picker";
import { bytes, count, moment, percent, plural } from "../format";
import { useAction, useListed } from "../loading";
import { nameOf } from "../names";
import { place } from "../router";
import { useWatched } from "../watching";

type Export = Whole<Schema["Export"]>;

const PARTS: readonly (readonly [Schema["ExportPart"], string])[] = [
  ["media", "The files, in folders by campaign"],
  ["tasks", "A table of the tasks (tasks.csv)"],
  ["spend", "What they cost by day and model (spend.csv)"],
];

export const Exports = () => {
  const list = useListed<Export>("exports", async (cursor) =>
    ok(await api.GET("/api/v3/exports", { params: { query: cursor ? { cursor } : {} } })),
  );
  const { items, total, hasMore, isLoading, error, more, reload } = list;
  return (
    <Page title="Exports">
      <NewExport onMade={reload} />
      <Trouble refused={error.value} again={reload} />
      {total.value === undefined && !error.value && <Loading />}
      {total.value !== undefined && items.value.length === 0 && !hasMore.value && (
        <Empty title="Nothing was exported">
          <p>An export is a ZIP archive of a client's or a campaign's files, with tables of prompts, models and costs. It is kept for seven days.</p>
        </Empty>
      )}
      {items.value.length > 0 && (
        <section class="cards" aria-label="Your exports">
          {items.value.map((each) => (
            <Card key={each.id} of={each} onGone={() => (items.value = items.value.filter(({ id }) => id !== each.id))} />
          ))}
        </section>
      )}
      {hasMore.value && !error.value && <More isLoading={isLoading.value} onMore={more} />}
    </Page>
  );
};

const NewExport = ({ onMade }: { onMade: () => void }) => {
  const { query } = place.value;
  const client = useSignal<string | null>(query.get("client"));
  const campaign = useSignal<string | null>(query.get("campaign"));
  const include = useSignal<readonly Schema["ExportPart"][]>(PARTS.map(([part]) => part));
  const body = (): Schema["NewExport"] => ({
    ...(campaign.value ? { campaign_id: campaign.value } : { client_id: client.value ?? "" }),
    include: [...include.value],
  });
  const start = useAction(async () => {
    const header = { "idempotency-key": newKey() };
    ok(await api.POST("/api/v3/exports", { params: { header }, body: body() }));
    onMade();
  });
  const error = start.error.value;
  const picked = (type: "client" | "campaign", id: string | null): Choosable | null => id && { id, name: nameOf(type, id).value?.name ?? "" } || null;
  const isReady = (client.value || campaign.value) && include.value.length > 0;
  const fault = faultOf(error, "include");
  return (
    <form
      class="panel narrow"
      aria-label="New export"
      onSubmit={(event) => {
        event.preventDefault();
        if (isReady) void start.run();
      }}
    >
      <div class="pairs">
        <Picker
          label="Client"
          placeholder="Choose a client"
          value={picked("client", client.value)}
          find={findClients()}
          error={faultOf(error, "client_id")}
          onPick={(each) => {
            client.value = each?.id ?? null;
            campaign.value = null;
          }}
        />
        <Picker
          label="Campaign"
          placeholder={client.value ? "All of the client's" : "Or a campaign"}
          value={picked("campaign", campaign.value)}
          of={client.value ?? ""}
          find={findCampaigns(client.value ?? undefined)}
          error={faultOf(error, "campaign_id")}
          onPick={(each) => {
            campaign.value = each?.id ?? null;
            if (each?.client_id) client.value = each.client_id;
          }}
        />
      </div>
      <fieldset class={fault ? "field wrong" : "field"}>
        <legend>What is in it</legend>
        {PARTS.map(([part, name]) => (
          <label key={part} class="check">
            <input
              type="checkbox"
              checked={include.value.includes(part)}
              onChange={({ currentTarget }) => {
                const others = include.value.filter((each) => each !== part);
                include.value = currentTarget.checked ? [...others, part] : others;
              }}
            />
            <span>{name}</span>
          </label>
        ))}
        {fault && <p class="about">{fault}</p>}
      </fieldset>
      <Trouble refused={error} />
      <div class="row">
        <Button type="submit" kind="primary" busy={start.isRunning.value} aria-disabled={start.isRunning.value || !isReady}>
          Export
        </Button>
        <span class="gap" />
        <CopyCurl of={() => ({ method: "POST", path: "/api/v3/exports", body: body() })} />
      </div>
    </form>
  );
};

const isOpen = (each: Pick<Export, "status">) => each.status === "pending" || each.status === "processing";

const load = async (id: string) => ok(await api.GET("/api/v3/exports/{export_id}", { params: { path: { export_id: id } } }));

const Card = ({ of, onGone }: { of: Export; onGone: () => void }) => {
  const { id } = of;
  const { data, error } = useWatched<Export>(of, () => load(id), isOpen);
  const found = data.value;
  const isRemoving = useSignal(false);
  const remove = useAction(async () => {
    const wasOpen = isOpen(found);
    ok(await api.DELETE("/api/v3/exports/{export_id}", { params: { path: { export_id: id } } }));
    onGone();
    say(wasOpen ? "The export is canceled." : "The export and its archives are deleted.");
  });
  // A URL stops working after a quarter of an hour, and whether somebody may still have the file is asked anew.
  const download = useAction(async (name: string) => {
    const file = (await load(id)).files.find((each) => each.name === name);
    if (file) Object.assign(document.createElement("a"), { href: file.url, download: file.name, rel: "noreferrer" }).click();
  });
  const size = found.files.reduce((sum, each) => sum + each.bytes, 0);
  return (
    <article class="panel" aria-label="Export">
      <div class="row">
        <h2>
          {found.name ?? plural(found.task_ids?.length ?? 0, "task")}
        </h2>
        <Status is={found.status} />
        <span class="dim">
          {found.include.join(", ")}, <Time at={found.created_at} />
        </span>
        <span class="gap" />
        <Button busy={remove.isRunning.value} onClick={() => (isOpen(found) ? void remove.run() : (isRemoving.value = true))}>
          {isOpen(found) ? "Cancel" : "Delete"}
        </Button>
      </div>
      <Trouble refused={error.value ?? download.error.value ?? (isRemoving.value ? undefined : remove.error.value)} />
      {isOpen(found) && (
        <div class="going">
          <Progress value={found.status === "pending" ? null : found.progress} label="Progress of the export" />
          <p class="dim">{found.tasks === null ? "Its tasks are being counted." : `${percent(found.progress)} of ${plural(found.outputs ?? 0, "file")}`}</p>
        </div>
      )}
      {found.error && (
        <p class="bad">
          {found.error.message} <code>{found.error.code}</code>
        </p>
      )}
      {found.status === "succeeded" && (
        <p class="dim">
          {plural(found.tasks ?? 0, "task")}, {plural(found.outputs ?? 0, "file")}
          {found.missing > 0 && <span class="bad">, {count(found.missing)} missing (named in manifest.json)</span>}. Kept until {moment(found.expires_at)}.
        </p>
      )}
      {found.files.length > 0 && (
        <ul class="files" aria-label="Archives">
          {found.files.map((file) => (
            <li key={file.name} class="row">
              <span class="name">{file.name}</span>
              <span class="dim number">{bytes(file.bytes)}</span>
              <span class="gap" />
              <code class="dim" title={`SHA-256 ${file.sha256}`}>
                {file.sha256.slice(0, 12)}…
              </code>
              <Button icon="down" busy={download.isRunning.value} aria-label={`Download ${file.name}`} onClick={() => void download.run(file.name)}>
                Download
              </Button>
            </li>
          ))}
        </ul>
      )}
      <div class="row">
        <CopyCurl of={() => ({ path: `/api/v3/exports/${id}` })} />
      </div>
      {isRemoving.value && (
        <FormDialog
          title="Delete this export?"
          submit="Delete"
          danger
          busy={remove.isRunning.value}
          error={remove.error.value}
          request={() => ({ method: "DELETE", path: `/api/v3/exports/${id}` })}
          onClose={() => (isRemoving.value = false)}
          onSubmit={() => void remove.run()}
        >
          <p>
            With it go {plural(found.files.length, "archive")} of {bytes(size)}. The {plural(found.tasks ?? 0, "task")} in it and their files stay.
          </p>
        </FormDialog>
      )}
    </article>
  );
};
