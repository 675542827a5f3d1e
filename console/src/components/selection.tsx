// What can be done with the tasks that are selected: one batch of at most a hundred at a time, each answered by itself.
import { useSignal } from "@preact/signals";
import { type Schema, type TaskSummary, api, newKey, ok, refusal } from "../api";
import { bytes, count, plural } from "../format";
import { ratingOf, useKeys } from "../keys";
import { type Listed, useAction } from "../loading";
import type { Passed } from "../long-list";
import { go, to } from "../router";
import { mayEdit } from "../session";
import { Button, CopyCurl, Field, Stars } from "./basics";
import { FormDialog } from "./dialog";
import { isOpen } from "./live";
import { say } from "./notices";
import { type Choosable, Picker, findCampaigns, findClients } from "./picker";

const MOST_OF_A_BATCH = 100;
const MOST_OF_AN_EXPORT = 500;
export const MOST_COMPARED = 4;

interface SelectionProps {
  tasks: readonly TaskSummary[];
  list: Listed<TaskSummary | Passed>;
  onClear: () => void;
}

type Operation = { op: "update" | "cancel" | "retry" | "delete"; id: string; body?: Schema["TaskPatch"] };

/** Carry out the operations; what every one of them was answered. Throws Refused for a batch that was refused as a whole. */
const carryOut = async (items: readonly Operation[]) => {
  const results: Schema["BatchResult"][] = [];
  for (let from = 0; from < items.length; from += MOST_OF_A_BATCH) {
    const body = { items: items.slice(from, from + MOST_OF_A_BATCH), atomic: false, dry_run: false };
    const header = { "idempotency-key": newKey() };
    const answer = ok(await api.POST("/api/v3/tasks/batch", { params: { header }, body }));
    results.push(...answer.results.map((each) => ({ ...each, index: each.index + from })));
  }
  return results;
};

/** Two to four of which there is something to see. */
const comparable = (tasks: readonly TaskSummary[]) => tasks.length >= 2 && tasks.length <= MOST_COMPARED && tasks.every((each) => each.outputs.length > 0);

const tellOf = (failed: readonly Schema["BatchResult"][]) => {
  if (!failed.length) return;
  const detail = String(failed[0]?.problem?.detail ?? "");
  say(`${plural(failed.length, "task")} could not be: ${detail}`, "error");
};

export const Selection = ({ tasks, list, onClear }: SelectionProps) => {
  const dialog = useSignal<"move" | "tags" | "delete" | null>(null);
  const editable = tasks.length > 0 && tasks.every(mayEdit);

  /** Say how it went, with the way back where there is one. */
  const told = (results: readonly Schema["BatchResult"][], done: string, back?: (task: TaskSummary) => Schema["TaskPatch"]) => {
    const failed = results.filter((each) => each.status >= 400);
    const changed = new Map(results.flatMap((each) => (each.body ? [[each.body.id, each.body as unknown as TaskSummary] as const] : [])));
    list.items.value = list.items.value.map((each) => changed.get(each.id) ?? each);
    const before = tasks.filter((each) => changed.has(each.id));
    const undo = back && (() => void takeBack(before.map((each) => ({ op: "update", id: each.id, body: back(each) }))));
    if (failed.length < results.length) say(`${plural(results.length - failed.length, "task")} ${done}.`, "done", undo);
    tellOf(failed);
  };
  const takeBack = async (items: readonly Operation[]) => {
    try {
      tellOf((await carryOut(items)).filter((each) => each.status >= 400));
    } catch (refused) {
      say(refusal(refused).message, "error");
    }
    list.reload();
  };
  const change = useAction(async (body: Schema["TaskPatch"], done: string) => {
    told(await carryOut(tasks.map(({ id }) => ({ op: "update", id, body }))), done, (each) => ({ rating: each.rating }));
  });
  const rate = (value: number | null) => void change.run({ rating: value }, value ? "rated" : "without a rating");
  const again = useAction(async () => {
    const ended = tasks.filter((each) => each.status === "failed" || each.status === "canceled");
    told(await carryOut(ended.map(({ id }) => ({ op: "retry", id }))), "run again");
    onClear();
    list.reload();
  });
  const cancel = useAction(async () => {
    told(await carryOut(tasks.filter(isOpen).map(({ id }) => ({ op: "cancel", id }))), "canceled");
  });
  const takeHome = useAction(async () => {
    const header = { "idempotency-key": newKey() };
    const body = { task_ids: tasks.map((each) => each.id), include: ["media", "tasks", "spend"] as Schema["ExportPart"][] };
    const made = ok(await api.POST("/api/v3/exports", { params: { header }, body }));
    go(to("/exports", { id: made.id }));
  });
  useKeys((key) => {
    const value = ratingOf(key);
    if (!editable || value === undefined) return false;
    rate(value);
    return true;
  });
  if (!tasks.length) return null;
  const close = () => (dialog.value = null);
  const busy = [change, again, cancel, takeHome].some((each) => each.isRunning.value);
  const error = [change, again, cancel, takeHome].map((each) => each.error.value).find(Boolean);
  const rating = tasks.every((each) => each.rating === tasks[0]?.rating) ? (tasks[0]?.rating ?? null) : null;
  return (
    <>
      <div class="selection" role="toolbar" aria-label="Selected tasks" aria-busy={busy}>
        <b>{plural(tasks.length, "task")} selected</b>
        {list.hasMore.value && tasks.length === list.items.value.length && <span class="dim">all that are loaded, of {count(list.total.value ?? 0)}</span>}
        {editable && <Stars value={rating} onRate={rate} />}
        {editable && <Button onClick={() => (dialog.value = "move")}>Move</Button>}
        {editable && <Button onClick={() => (dialog.value = "tags")}>Tags</Button>}
        {editable && tasks.some((each) => each.status === "failed" || each.status === "canceled") && <Button onClick={() => void again.run()}>Retry</Button>}
        {editable && tasks.some(isOpen) && <Button onClick={() => void cancel.run()}>Cancel</Button>}
        {comparable(tasks) && <Button onClick={() => go(to("/compare", { of: tasks.map((each) => each.id) }))}>Compare</Button>}
        <Button aria-disabled={tasks.length > MOST_OF_AN_EXPORT} onClick={() => tasks.length <= MOST_OF_AN_EXPORT && void takeHome.run()}>
          Export
        </Button>
        {editable && (
          <Button kind="danger" onClick={() => (dialog.value = "delete")}>
            Delete
          </Button>
        )}
        <span class="gap" />
        <CopyCurl
          of={() => ({
            method: "POST",
            path: "/api/v3/tasks/batch",
            body: { items: tasks.map(({ id }) => ({ op: "update", id, body: { rating } })) },
          })}
        />
        <Button kind="quiet" icon="close" onClick={onClear}>
          Clear
        </Button>
        {error && (
          <p class="bad" role="alert">
            {error.problem.detail} {error.problem.request_id && <code>{error.problem.request_id}</code>}
          </p>
        )}
      </div>
      {dialog.value === "move" && (
        <Move
          tasks={tasks}
          onClose={close}
          onDone={(results) => {
            told(results, "moved", ({ client_id, campaign_id }) => (campaign_id ? { campaign_id } : { client_id, campaign_id }));
            onClear();
            list.reload();
          }}
        />
      )}
      {dialog.value === "tags" && <Tags tasks={tasks} onClose={close} onDone={(results) => told(results, "tagged", ({ tags }) => ({ tags }))} />}
      {dialog.value === "delete" && (
        <Delete
          tasks={tasks}
          onClose={close}
          onDone={(results) => {
            told(results, "deleted");
            onClear();
            list.reload();
          }}
        />
      )}
    </>
  );
};

interface DialogProps {
  tasks: readonly TaskSummary[];
  onClose: () => void;
  onDone: (results: readonly Schema["BatchResult"][]) => void;
}

const useBatch = (operations: () => readonly Operation[], { onClose, onDone }: DialogProps) => {
  const { run, isRunning, error } = useAction(async () => {
    onDone(await carryOut(operations()));
    onClose();
  });
  return {
    busy: isRunning.value,
    error: error.value,
    onSubmit: () => void run(),
    request: () => ({ method: "POST", path: "/api/v3/tasks/batch", body: { items: operations().slice(0, MOST_OF_A_BATCH) } }),
    onClose,
  };
};

const NO_CLIENT: Choosable = { id: "none", name: "no client" };

const Move = (props: DialogProps) => {
  const client = useSignal<Choosable | null>(null);
  const campaign = useSignal<Choosable | null>(null);
  const within = client.value && client.value !== NO_CLIENT ? client.value.id : undefined;
  const body = (): Schema["TaskPatch"] =>
    campaign.value ? { campaign_id: campaign.value.id } : { client_id: within ?? null, campaign_id: null };
  const batch = useBatch(() => props.tasks.map(({ id }) => ({ op: "update", id, body: body() })), props);
  const where = campaign.value ?? client.value;
  const mine = findClients((each) => each.user_id !== undefined && mayEdit({ user_id: each.user_id, id: each.id }));
  return (
    <FormDialog title={`Move ${plural(props.tasks.length, "task")}`} submit={where ? `Move to ${where.name}` : "Move"} isReady={where !== null} {...batch}>
      <Picker
        label="Client"
        value={client.value}
        placeholder="Choose one"
        find={async (text, signal) => [...(text ? [] : [NO_CLIENT]), ...(await mine(text, signal))]}
        onPick={(picked) => {
          client.value = picked;
          campaign.value = null;
        }}
      />
      <Picker
        label="Campaign"
        value={campaign.value}
        placeholder={client.value ? "None" : "Or a campaign"}
        of={within ?? ""}
        find={findCampaigns(within)}
        onPick={(picked) => (campaign.value = picked)}
      />
      <p class="dim">What they cost moves along, in reports too.</p>
    </FormDialog>
  );
};

const Tags = (props: DialogProps) => {
  const added = useSignal("");
  const removed = useSignal("");
  const words = (text: string) => text.split(",").map((each) => each.trim()).filter(Boolean);
  const all = [...new Set(props.tasks.flatMap((each) => each.tags))].sort();
  const operations = () => {
    const [more, fewer] = [words(added.value), new Set(words(removed.value))];
    return props.tasks.map(({ id, tags }) => {
      const kept = tags.filter((each) => !fewer.has(each));
      return { op: "update" as const, id, body: { tags: [...new Set([...kept, ...more])] } };
    });
  };
  const batch = useBatch(operations, props);
  return (
    <FormDialog title={`Tags of ${plural(props.tasks.length, "task")}`} submit="Change tags" {...batch}>
      <Field label="Add" hint="Several with commas.">
        {(id, about) => <input id={id} aria-describedby={about} value={added.value} onInput={(event) => (added.value = event.currentTarget.value)} autofocus />}
      </Field>
      <Field label="Remove" hint={all.length ? `They have: ${all.join(", ")}` : "They have none."}>
        {(id, about) => <input id={id} aria-describedby={about} value={removed.value} onInput={(event) => (removed.value = event.currentTarget.value)} />}
      </Field>
    </FormDialog>
  );
};

const Delete = (props: DialogProps) => {
  const batch = useBatch(() => props.tasks.map(({ id }) => ({ op: "delete", id })), props);
  const outputs = props.tasks.flatMap((each) => each.outputs);
  const running = props.tasks.filter(isOpen).length;
  return (
    <FormDialog title={`Delete ${plural(props.tasks.length, "task")}?`} submit="Delete" danger {...batch}>
      <p>
        {outputs.length > 0 && `With them ${outputs.length === 1 ? "goes" : "go"} ${plural(outputs.length, "file")} of ${bytes(outputs.reduce((sum, each) => sum + each.bytes, 0))}.`}
        {running > 0 && ` ${plural(running, "of them is", "of them are")} still running and may be paid for all the same.`} What they cost stays in reports. This
        cannot be undone.
      </p>
    </FormDialog>
  );
};
