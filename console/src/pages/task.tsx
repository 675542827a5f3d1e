import { signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Output, type Schema, type Task as TaskShape, type TaskSummary, api, newKey, ok } from "../api";
import { Button, CopyCurl, Loading, Progress, Stars, Status, Time, Trouble } from "../components/basics";
import { FormDialog } from "../components/dialog";
import { Live, isOpen } from "../components/live";
import { Large } from "../components/media";
import { say } from "../components/notices";
import { Page } from "../components/page";
import { MOST_COMPARED } from "../components/selection";
import { TagEditor } from "../components/tags";
import { bytes, count, money, plural, seconds } from "../format";
import { ratingOf, useKeys } from "../keys";
import { useAction, useLoaded } from "../loading";
import { isWhole } from "../long-list";
import { nameOf } from "../names";
import { go, to } from "../router";
import { mayCreate, mayEdit } from "../session";
import { type Trail, inTrail, origin, trail } from "../trail";
import { mediumOf, nameOfTask } from "../types";
import { FROM_PICTURE, ROLES, shown, sourceOf } from "./generate/inputs";

export const Task = ({ id }: { id: string }) => {
  const { data, error, reload } = useLoaded(id, async () =>
    ok(await api.GET("/api/v3/tasks/{task_id}", { params: { path: { task_id: id } } })),
  );
  const shownOutput = useSignal(0);
  const isDeleting = useSignal(false);
  // What the gallery knows is shown at once; the rest comes with the answer.
  const known = trail.value?.list.items.value.find((each) => each.id === id);
  const task: Shown | undefined = data.value ?? (known && isWhole(known) ? known : undefined);
  const { previous, next, back } = useNeighbours(id, task);

  const keep = (changed: TaskShape) => {
    data.value = changed;
    inTrail(changed);
  };
  // Shown at once: it can be undone. What is refused is taken back.
  const change = useAction(async (body: { rating?: number | null; tags?: string[] }) => {
    const before = data.value;
    if (before) keep({ ...before, ...body });
    try {
      keep(ok(await api.PATCH("/api/v3/tasks/{task_id}", { params: { path: { task_id: id } }, body })));
    } catch (refused) {
      if (before) keep(before);
      throw refused;
    }
  });
  const cancel = useAction(async () => {
    keep(ok(await api.POST("/api/v3/tasks/{task_id}/cancel", { params: { path: { task_id: id } } })));
  });
  const retry = useAction(async () => {
    const header = { "idempotency-key": `retry-${id}-${task?.updated_at}` };
    const made = ok(await api.POST("/api/v3/tasks/{task_id}/retry", { params: { path: { task_id: id }, header } }));
    say("It runs again, as a new task.");
    go(to(`/tasks/${made.id}`));
  });
  const keepKey = useRef(newKey());
  const keepFile = useAction(async (number: number) => {
    const params = { path: { task_id: id, number: String(number) }, header: { "idempotency-key": `${keepKey.current}-${number}` } };
    const made = ok(await api.POST("/api/v3/tasks/{task_id}/outputs/{number}/asset", { params, body: {} }));
    say(`${made.filename} is an asset now.`);
    go(to(`/assets/${made.id}`));
  });
  const remove = useAction(async () => {
    ok(await api.DELETE("/api/v3/tasks/{task_id}", { params: { path: { task_id: id } } }));
    say("The task and its files are deleted.");
    location.hash = next ? to(`/tasks/${next}`) : back;
  });

  const editable = task !== undefined && mayEdit(task);
  useKeys((key) => {
    const rating = ratingOf(key);
    if (key === "ArrowLeft" && previous) go(to(`/tasks/${previous}`));
    else if (key === "ArrowRight" && next) go(to(`/tasks/${next}`));
    else if (key === "Escape") go(back);
    else if (editable && rating !== undefined) void change.run({ rating });
    else return false;
    return true;
  });

  if (!task || (error.value && !data.value)) {
    return (
      <Page title="Task" above={[["Work", "/work"]]}>
        {error.value ? <Trouble refused={error.value} again={reload} /> : <Loading />}
      </Page>
    );
  }
  const output = task.outputs[shownOutput.value] ?? task.outputs[0];
  const source = sourceIn(task);
  const ended = task.status === "failed" || task.status === "canceled";
  return (
    <Page
      title={titleOf(task)}
      above={origin(back)}
      note={<Status is={task.status} />}
      actions={
        <div class="pair">
          <Button icon="left" aria-label="Previous" aria-disabled={!previous} onClick={() => previous && go(to(`/tasks/${previous}`))} />
          <Button icon="right" aria-label="Next" aria-disabled={!next} onClick={() => next && go(to(`/tasks/${next}`))} />
        </div>
      }
    >
      <div class="detail">
        <div class={`stage ${task.type}`}>
          {output ? <Large output={output} alt={nameOfTask(task)} /> : <Nothing task={task} />}
          {task.outputs.length > 1 && (
            <div class="outputs" role="group" aria-label="Outputs">
              {task.outputs.map((each, index) => (
                <button key={each.url} type="button" aria-pressed={each === output} aria-label={`Output ${index + 1}`} onClick={() => (shownOutput.value = index)}>
                  {each.thumbnail_url ? <img src={each.thumbnail_url} alt="" /> : index + 1}
                </button>
              ))}
            </div>
          )}
          <div class="row compares">
            {task.outputs.length > 1 && (
              <a class="button" href={to("/compare", { of: task.outputs.slice(0, MOST_COMPARED).map((_, index) => `${id}.${index}`) })}>
                Compare them
              </a>
            )}
            {output && source && (
              <a class="button" href={to("/compare", { of: [`${source.task_id}.${source.output}`, `${id}.${shownOutput.value}`], view: "slider" })}>
                Compare with what it was made from
              </a>
            )}
          </div>
        </div>
        <div class="facts">
          <div class="row">
            <Stars value={task.rating} {...(editable ? { onRate: (rating: number | null) => void change.run({ rating }) } : {})} />
            <span class="gap" />
            {output && (
              <a class="button" href={output.url} download target="_blank" rel="noreferrer">
                Download
              </a>
            )}
          </div>
          <Trouble refused={change.error.value ?? cancel.error.value ?? retry.error.value ?? keepFile.error.value} />
          <TagEditor tags={task.tags} {...(editable ? { onChange: (tags: string[]) => void change.run({ tags }) } : {})} />
          {editable && output?.content_type.startsWith("image/") && task.status === "succeeded" && (
            <div class="row" role="group" aria-label="Make from this picture">
              {FROM_PICTURE.map(([type, , name]) => (
                <Button key={type} onClick={() => go(to("/generate", { task: id, type, output: task.outputs.indexOf(output) }))}>
                  {name}
                </Button>
              ))}
            </div>
          )}
          <div class="row">
            {editable && (
              <Button onClick={() => go(to("/generate", { task: id }))}>Use again</Button>
            )}
            {editable && output && task.status === "succeeded" && (
              <Button busy={keepFile.isRunning.value} onClick={() => void keepFile.run(task.outputs.indexOf(output))}>
                Keep as asset
              </Button>
            )}
            {editable && isOpen(task) && (
              <Button busy={cancel.isRunning.value} onClick={() => void cancel.run()}>
                Cancel
              </Button>
            )}
            {editable && ended && (
              <Button kind={task.error?.retryable ? "primary" : "plain"} busy={retry.isRunning.value} onClick={() => void retry.run()}>
                Retry
              </Button>
            )}
            {editable && (
              <Button kind="danger" onClick={() => (isDeleting.value = true)}>
                Delete
              </Button>
            )}
            <span class="gap" />
            <CopyCurl of={() => ({ path: `/api/v3/tasks/${id}` })} />
          </div>
          <Facts task={task} output={output} />
          <p class="dim keys">
            <kbd>←</kbd> <kbd>→</kbd> previous and next{editable && <> · <kbd>1</kbd>–<kbd>5</kbd> rate</>} · <kbd>Esc</kbd> back
          </p>
        </div>
      </div>
      <Live tasks={[task]} onChange={keep} />
      {isDeleting.value && (
        <FormDialog
          title="Delete this task?"
          submit="Delete"
          danger
          busy={remove.isRunning.value}
          error={remove.error.value}
          request={() => ({ method: "DELETE", path: `/api/v3/tasks/${id}` })}
          onClose={() => (isDeleting.value = false)}
          onSubmit={() => void remove.run()}
        >
          <p>
            {task.outputs.length > 0 && `With it ${task.outputs.length === 1 ? "goes" : "go"} ${plural(task.outputs.length, "file")} of ${bytes(task.outputs.reduce((sum, each) => sum + each.bytes, 0))}. `}
            What it cost stays in reports. This cannot be undone.
          </p>
        </FormDialog>
      )}
    </Page>
  );
};

type Shown = TaskSummary & Partial<TaskShape>;

const titleOf = (task: Shown) => {
  const name = nameOfTask(task);
  return name.length > 80 ? `${name.slice(0, 79)}…` : name;
};

/** The picture of another task that this one was made from. */
const sourceIn = ({ type, inputs = [] }: Shown) => {
  if (mediumOf(type) !== "image") return undefined;
  const found = inputs.map(sourceOf).find((each) => each !== null && "task_id" in each);
  return found && "task_id" in found ? found : undefined;
};

/** Whoever comes by an address of their own walks through the campaign, or through what has none. */
const around = async (task: Shown): Promise<Trail> => {
  const within = { ...(task.campaign_id ? { campaign_id: task.campaign_id } : {}), page_size: AROUND };
  const [newer, older] = await Promise.all([
    api.GET("/api/v3/tasks", { params: { query: { ...within, created_from: task.created_at, sort_order: "asc" } } }),
    api.GET("/api/v3/tasks", { params: { query: { ...within, created_to: task.created_at } } }),
  ]);
  const after = ok(older).items.filter((each) => each.id !== task.id);
  const before = ok(newer).items.filter((each) => each.id !== task.id && !after.some(({ id }) => id === each.id));
  const list = { items: signal<readonly TaskSummary[]>([...before.reverse(), task, ...after]), hasMore: signal(false), more: () => undefined };
  return { list, back: task.campaign_id ? to(`/campaigns/${task.campaign_id}`) : to("/work") };
};

const AROUND = 50;

const useNeighbours = (id: string, task: Shown | undefined) => {
  const from = trail.value;
  const isOff = task !== undefined && !from?.list.items.value.some((each) => each.id === id);
  useEffect(() => {
    if (isOff && task) around(task).then((found) => (trail.value = found), () => undefined);
  }, [isOff, id]);
  const items = from?.list.items.value ?? [];
  const index = items.findIndex((each) => each.id === id);
  const isNearTheEnd = index >= 0 && index >= items.length - 3;
  useEffect(() => {
    if (isNearTheEnd && from?.list.hasMore.value) from.list.more();
  }, [isNearTheEnd, items.length]);
  // The picture that is looked at next is there when it is.
  const following = index >= 0 ? items[index + 1] : undefined;
  const coming = following && isWhole(following) ? following.outputs[0] : undefined;
  useEffect(() => {
    if (coming?.content_type.startsWith("image/")) new Image().src = coming.url;
  }, [coming?.url]);
  return {
    previous: index > 0 ? items[index - 1]?.id : undefined,
    next: index >= 0 ? items[index + 1]?.id : undefined,
    back: from?.back ?? to("/work"),
  };
};

const Nothing = ({ task }: { task: Shown }) => (
  <div class={`nothing ${task.status}`}>
    {task.error ? (
      <>
        <p class="title">{task.error.message}</p>
        <p class="dim">
          <code>{task.error.code}</code> · {task.error.retryable ? "trying again may help" : "trying again as it is will not help"}
        </p>
      </>
    ) : (
      <>
        <p class="title">{isOpen(task) ? "It is being made" : "There is nothing to see"}</p>
        {isOpen(task) && <Progress value={task.progress} label="Progress" />}
        {task.queue_position !== null && <p class="dim">Place {task.queue_position} in the queue</p>}
      </>
    )}
  </div>
);

const Place = ({ type, id }: { type: "client" | "campaign"; id: string }) => {
  const named = nameOf(type, id).value;
  return <a href={to(`/${type}s/${id}`)}>{named?.name ?? id.slice(-8)}</a>;
};

const MANIFESTS: Record<Schema["C2pa"], string> = {
  present: "a C2PA manifest is embedded, which was not verified",
  absent: "no C2PA manifest",
  unknown: "whether there is a C2PA manifest is unknown",
};

const LONG = 320;

/** A text that would push everything below it out of sight is cut, until it is asked for. */
const Long = ({ text }: { text: string }) => {
  const isWhole = useSignal(text.length <= LONG * 1.2);
  if (isWhole.value) return <>{text}</>;
  return (
    <>
      {text.slice(0, LONG).trimEnd()}…{" "}
      <button type="button" class="link" onClick={() => (isWhole.value = true)}>
        Show all {count(text.length)} characters
      </button>
    </>
  );
};

/** What was asked for beside prompt and seed, which have rows of their own; one file is the default. */
const optionsOf = ({ params = {} }: Shown) =>
  Object.entries(params as Record<string, unknown>)
    .filter(([name, value]) => name !== "seed" && value !== null && !(name === "num_outputs" && value === 1))
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
    .join(", ");

/** This one thing for the form as it is now; "Use again" takes all of them. */
const Use = ({ id, what }: { id: string; what: "prompt" | "seed" }) => (
  <a class="use" href={to("/generate", { task: id, use: what })}>
    Use {what}
  </a>
);

/** What a task was made from. */
const MadeFrom = ({ input }: { input: Schema["TaskInput"] }) => {
  const source = sourceOf(input);
  const { data, error } = useLoaded(JSON.stringify(source), async () => (source ? shown(input.role, source) : null));
  const found = data.value;
  if (!source) return <span class="dim">{ROLES[input.role]}: deleted</span>;
  if (error.value) return <span class="dim">{ROLES[input.role]}: {error.value.message}</span>;
  if (!found) return <span class="dim">…</span>;
  const picture = found.thumbnail && <img src={found.thumbnail} alt="" />;
  return (
    <a class="made-from" href={to("task_id" in source ? `/tasks/${source.task_id}` : `/assets/${source.asset_id}`)}>
      {picture}
      <span>
        {ROLES[input.role]}: {found.name}
      </span>
    </a>
  );
};

const Facts = ({ task, output }: { task: Shown; output: Output | undefined }) => {
  const took = task.started_at && task.completed_at ? (Date.parse(task.completed_at) - Date.parse(task.started_at)) / 1000 : null;
  return (
    <dl class="facts">
      <dt>Prompt</dt>
      <dd>
        {task.prompt ? <Long text={task.prompt} /> : <span class="dim">none</span>}
        {task.prompt && mayCreate.value && <Use id={task.id} what="prompt" />}
      </dd>
      {task.inputs && task.inputs.length > 0 && (
        <>
          <dt>Made from</dt>
          <dd>
            {task.inputs.map((each, index) => (
              <MadeFrom key={index} input={each} />
            ))}
          </dd>
        </>
      )}
      {task.effective_prompt !== undefined && task.effective_prompt !== task.prompt && (
        <>
          <dt>What was sent</dt>
          <dd>
            <details>
              <summary>with guidelines and brief</summary>
              <pre class="text">{task.effective_prompt}</pre>
            </details>
            {task.guidelines_truncated && <p class="dim">{plural(task.guidelines_omitted_characters, "character")} of the guidelines had no room.</p>}
          </dd>
        </>
      )}
      <dt>Client</dt>
      <dd>{task.client_id ? <Place type="client" id={task.client_id} /> : "none"}</dd>
      <dt>Campaign</dt>
      <dd>{task.campaign_id ? <Place type="campaign" id={task.campaign_id} /> : "none"}</dd>
      <dt>Model</dt>
      <dd>{task.model}</dd>
      <dt>Provider</dt>
      <dd>
        {task.provider}
        {task.served_by !== task.provider && `, served by ${task.served_by}`}
      </dd>
      {task.attempts && task.attempts.length > 0 && (
        <>
          <dt>Before that</dt>
          <dd>
            {task.attempts.map((each, index) => (
              <p key={index}>
                {each.model} of {each.provider}: <span class="bad">{each.error.message}</span>
              </p>
            ))}
          </dd>
        </>
      )}
      {task.seed !== null && (
        <>
          <dt>Seed</dt>
          <dd>
            <span class="number">{task.seed}</span>
            {mayCreate.value && <Use id={task.id} what="seed" />}
          </dd>
        </>
      )}
      <dt>Cost</dt>
      <dd>
        {task.cost.actual !== null
          ? money(task.cost.actual, task.cost.currency)
          : task.cost.estimated !== null
            ? `${money(task.cost.estimated, task.cost.currency)} estimated`
            : "no price is known"}
      </dd>
      {output && (
        <>
          <dt>File</dt>
          <dd>
            {output.content_type}
            {output.width && output.height ? `, ${output.width} × ${output.height}` : ""}
            {output.duration !== null ? `, ${seconds(output.duration)}` : ""}, {bytes(output.bytes)}
            {output.flagged && <span class="bad">, flagged by the provider's safety check</span>}
          </dd>
        </>
      )}
      {output?.provenance && (
        <>
          <dt>Provenance</dt>
          <dd>
            {output.provenance.ai_generated ? "Generated by AI: " : ""}
            {output.provenance.model} of {output.provenance.provider}, <Time at={output.provenance.at} />; {MANIFESTS[output.provenance.c2pa]}
          </dd>
        </>
      )}
      {optionsOf(task) && (
        <>
          <dt>Options</dt>
          <dd>{optionsOf(task)}</dd>
        </>
      )}
      <dt>Created</dt>
      <dd>
        <Time at={task.created_at} /> by user {task.created_by}
        {took !== null && `, made in ${took < 1 ? "under a second" : seconds(took)}`}
      </dd>
      {task.retry_of && (
        <>
          <dt>Retry of</dt>
          <dd>
            <a href={to(`/tasks/${task.retry_of}`)}>the first attempt</a>
          </dd>
        </>
      )}
      <dt>Id</dt>
      <dd>
        <code>{task.id}</code>
      </dd>
    </dl>
  );
};
