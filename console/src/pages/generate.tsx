// The form to generate with. What it asks for follows the chosen models; what it would cost is said while it is filled in.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Refused, type Task, type TaskSummary, api, newKey, ok } from "../api";
import { Empty, Field, Loading, Trouble, faultOf } from "../components/basics";
import { Grid } from "../components/grid";
import { Live } from "../components/live";
import { Thumbnail } from "../components/media";
import { say } from "../components/notices";
import { Page } from "../components/page";
import { plural } from "../format";
import { useAction, useLoaded } from "../loading";
import { wholeOf } from "../names";
import { place, setQuery, to } from "../router";
import { mayCreate, me } from "../session";
import { trail } from "../trail";
import { nameOfTask } from "../types";
import { type Draft, MOST_ITEMS, type Mode, again, belongsTo, change, draft, from, lines, loadModels, mode, needsPrompt, placeholders, started, takesPrompt, tasks, wanted } from "./generate/draft";
import { problems, reasonOf, sent, useEstimate } from "./generate/estimate";
import { FROM_ASSET, FROM_PICTURE, ofAsset, shown, sourceOf } from "./generate/inputs";
import { ModelChoice, ModelChoices, Options, RatioChoices } from "./generate/options";
import { Brand, PlaceChoice, Prompt, TypeChoice } from "./generate/place";
import { References } from "./generate/references";
import { Summary } from "./generate/sum";

const MODES: readonly (readonly [Mode, string])[] = [
  ["one", "One prompt"],
  ["several", "Several prompts"],
  ["matrix", "Matrix"],
];

export const Generate = () => {
  const loaded = useLoaded("models", loadModels);
  belongsTo(me.value?.user_id ?? 0);
  const prefilled = usePrefilled();
  const views = MODES.map(([each, name]) => [name, to("/generate", { mode: each === "one" ? "" : each }), each === mode.value] as const);
  return (
    <Page title="Generate" {...(needsPrompt.value ? { views } : {})}>
      {!mayCreate.value ? (
        <Empty title="Your role lets you look, not generate">
          <p>An admin of the account can make you an editor.</p>
        </Empty>
      ) : loaded.data.value && prefilled.data.value ? (
        <Form />
      ) : (
        <>
          <Trouble refused={loaded.error.value ?? prefilled.error.value} again={() => (loaded.reload(), prefilled.reload())} />
          {!loaded.error.value && !prefilled.error.value && <Loading rows={6} />}
        </>
      )}
    </Page>
  );
};

/** The task again, or something else from one of its pictures. */
const asked = async (id: string, type: string, number: number) => {
  const task: Task = ok(await api.GET("/api/v3/tasks/{task_id}", { params: { path: { task_id: id } } }));
  const made = FROM_PICTURE.find(([each]) => each === type);
  if (made) {
    const [wanted, role] = made;
    return from(task, { role, source: { task_id: id, output: number }, name: nameOfTask(task), thumbnail: task.outputs[number]?.thumbnail_url ?? null }, wanted);
  }
  const there = task.inputs.flatMap((each) => {
    const source = sourceOf(each);
    return source ? [shown(each.role, source).catch(() => null)] : []; // without what is gone
  });
  return again(task, (await Promise.all(there)).filter((each) => each !== null));
};

/** Something from an asset. */
const fromAsset = async (id: string, wanted: string) => {
  const asset = ok(await api.GET("/api/v3/assets/{asset_id}", { params: { path: { asset_id: id } } }));
  const uses = FROM_ASSET[asset.purpose];
  const use = uses.find(([type]) => type === wanted) ?? uses[0];
  return use ? from(asset, ofAsset(use[1], asset), use[0]) : {};
};

/** One thing of a task, into the form as it is. */
const taken = async (id: string, use: string): Promise<Partial<Draft>> => {
  const { prompt, seed } = ok(await api.GET("/api/v3/tasks/{task_id}", { params: { path: { task_id: id } } }));
  if (use === "seed") return { options: { ...draft.value.options, seed: String(seed ?? "") } };
  return { prompt, ...(needsPrompt.value ? {} : { type: "image" as const }) };
};

/**
 * What the address says: a client, a campaign, a task to ask for again or to take the prompt or the seed of, one whose
 * picture to make something from, or an asset.
 */
const usePrefilled = () => {
  const { query } = place.value;
  const [client, campaign, task, asset, type, output, use] = ["client", "campaign", "task", "asset", "type", "output", "use"].map((name) => query.get(name));
  const isAsked = client || campaign || task || asset;
  const last = useRef(""); // what was asked stays answered when the address no longer says it
  if (isAsked) last.current = query.toString();
  return useLoaded(last.current, async () => {
    if (task || asset) await loadModels(); // the model is one of the list that takes the file
    if (task && use) change(await taken(task, use));
    else if (task) change(await asked(task, type ?? "", Number(output)));
    else if (asset) change(await fromAsset(asset, type ?? ""));
    const named = campaign ?? (task && !use ? draft.value.campaign?.id : undefined);
    if (named) change({ campaign: { ...(await wholeOf("campaign", named)), id: named }, client: null });
    else if (client) change({ client: { ...(await wholeOf("client", client)), id: client }, campaign: null });
    if (isAsked) setQuery({ client: "", campaign: "", task: "", asset: "", type: "", output: "", use: "" });
    return true;
  });
};

const Form = () => {
  const isMore = useSignal(false);
  const visible = useSignal<readonly TaskSummary[]>([]);
  const attempt = useRef({ body: "", key: "" });
  const turn = useSignal(0); // counts answers, each of which may have changed what is left of a budget
  const estimate = useEstimate(tasks.value > 0 ? wanted(true) : null);

  const add = (made: readonly TaskSummary[]) => {
    started.value = [...made, ...started.value];
  };
  const send = async () => {
    const { path, body } = wanted(false);
    const text = JSON.stringify(body);
    // The same again after an answer that never came is the same request; after an answer it is a new one.
    if (attempt.current.body !== text) attempt.current = { body: text, key: newKey() };
    const { key } = attempt.current;
    if (mode.value === "one") {
      const named = path as "/api/v3/generate/image";
      const header = { "idempotency-key": key };
      add([ok(await api.POST(named, { params: { header }, body: body as never })) as TaskSummary]);
      say("Started: it appears below.");
    } else {
      const answer = await sent({ path, body }, null, key);
      const failed = problems(answer);
      add(await tasksOf(answer));
      const { succeeded } = answer.summary;
      if (failed.length) say(`${plural(succeeded, "task")} started, ${failed.length} refused: ${failed[0] && reasonOf(failed[0].problem)}`, "error");
      else say(`${plural(succeeded, "task")} started.`);
    }
    attempt.current = { body: "", key: "" };
  };
  const start = useAction(async () => {
    if (tasks.value === 0) return;
    await send().finally(() => turn.value++);
  });

  const current = JSON.stringify(draft.value) + mode.value;
  useEffect(() => {
    start.error.value = undefined;
  }, [current]);
  useEffect(() => {
    trail.value = { list: { items: started, hasMore: isMore, more: () => undefined }, back: location.hash };
  }, [location.hash]);
  const error = start.error.value ?? estimate.error.value;
  const submit = () => void start.run();
  return (
    <>
      <form
        class="generate"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <div class="form">
          <TypeChoice />
          <PlaceChoice error={error} />
          <Brand />
          {mode.value === "several" ? <Prompts /> : takesPrompt.value && <Prompt error={error} onSubmit={submit} />}
          {mode.value === "matrix" && <Variables error={error} />}
          <References error={error} />
          {mode.value === "matrix" ? <ModelChoices error={error} /> : <ModelChoice error={error} />}
          {mode.value === "matrix" && <RatioChoices error={error} />}
          <Options error={error} />
        </div>
        <div class="beside">
          <Trouble refused={start.error.value} />
          <Summary sum={estimate.sum.value} refused={start.error.value ? undefined : estimate.error.value} isAsking={estimate.isAsking.value} busy={start.isRunning.value} turn={turn.value} />
        </div>
      </form>
      {started.value.length > 0 && (
        <section aria-label="Started here">
          <h2 class="above">Started here</h2>
          <Grid
            label="Tasks that were started here"
            items={started.value}
            keyOf={(task) => task.id}
            hrefOf={(task) => to(`/tasks/${task.id}`)}
            hasMore={false}
            onMore={() => undefined}
            onVisible={(inView) => (visible.value = inView)}
            render={(task) => (
              <>
                <Thumbnail task={task} />
                <span class="caption">
                  <span class="text">{nameOfTask(task)}</span>
                </span>
              </>
            )}
          />
          <Live
            tasks={visible.value}
            onChange={(task) => {
              started.value = started.value.map((each) => (each.id === task.id ? task : each));
            }}
          />
        </section>
      )}
    </>
  );
};

/** The tasks of a batch, which answers with them; those of a matrix, whose answer has ids only, as far as one page goes. */
const tasksOf = async (answer: Awaited<ReturnType<typeof sent>>): Promise<readonly TaskSummary[]> => {
  const bodies = answer.results.flatMap(({ body }) => (body ? [body as unknown as TaskSummary] : []));
  if (bodies.length) return bodies.reverse();
  const ids = new Set(answer.results.flatMap(({ id }) => (id ? [id] : [])));
  if (!ids.size) return [];
  const { campaign, client } = draft.value;
  const below = campaign ? { campaign_id: campaign.id } : client ? { client_id: client.id } : {};
  const { items } = ok(await api.GET("/api/v3/tasks", { params: { query: { ...below, page_size: 100 } } }));
  return items.filter((each) => ids.has(each.id));
};

const Prompts = () => {
  const count = lines(draft.value.prompts).length;
  return (
    <Field label="Prompts, one a line" error={count > MOST_ITEMS ? `At most ${MOST_ITEMS} at once; these are ${count}.` : undefined} hint={`${plural(count, "prompt")} of at most ${MOST_ITEMS}.`}>
      {(id, about) => (
        <textarea id={id} aria-describedby={about} rows={8} value={draft.value.prompts} onInput={(event) => change({ prompts: event.currentTarget.value })} />
      )}
    </Field>
  );
};

const Variables = ({ error }: { error: Refused | undefined }) => {
  const names = placeholders(draft.value.prompt);
  if (!names.length) return <p class="about dim">Names in braces are placeholders: “{"{product}"} on a {"{place}"}”. Values for them are asked for here.</p>;
  return (
    <div class="pairs">
      {names.map((name) => (
        <Values key={name} name={name} error={error} />
      ))}
    </div>
  );
};

const Values = ({ name, error }: { name: string; error: Refused | undefined }) => (
  <Field label={`${name}, one value a line`} error={faultOf(error, `variables/${name}`)}>
    {(id, about) => (
      <textarea
        id={id}
        aria-describedby={about}
        rows={4}
        value={draft.value.values[name] ?? ""}
        onInput={(event) => change({ values: { ...draft.value.values, [name]: event.currentTarget.value } })}
      />
    )}
  </Field>
);
