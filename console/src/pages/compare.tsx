// Up to four files beside each other, or two under a slider, with what was different in their making.
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { type Output, type Task, api, ok } from "../api";
import { Empty, Loading, Stars, Trouble } from "../components/basics";
import { Large } from "../components/media";
import { Page } from "../components/page";
import { MOST_COMPARED } from "../components/selection";
import { bytes, money, seconds } from "../format";
import { ratingOf, useKeys } from "../keys";
import { useAction, useLoaded } from "../loading";
import { nameOf } from "../names";
import { go, place, to } from "../router";
import { mayEdit } from "../session";
import { inTrail, origin, trail } from "../trail";
import { nameOfTask } from "../types";

const LETTERS = ["A", "B", "C", "D"];

interface Compared {
  /** `<task>.<output>`: two files of one task can be compared. */
  key: string;
  task: Task;
  number: number;
  output: Output;
}

/** One that is named as `of=<task>` or `of=<task>.<output>`. Throws Refused. */
const load = async (key: string): Promise<Compared | null> => {
  const [id = "", number = "0"] = key.split(".");
  const task = ok(await api.GET("/api/v3/tasks/{task_id}", { params: { path: { task_id: id } } }));
  const output = task.outputs[Number(number)];
  return output ? { key, task, number: Number(number), output } : null;
};

const isImage = ({ output }: Compared) => output.content_type.startsWith("image/");

export const Compare = () => {
  const { query } = place.value;
  const keys = query.getAll("of").slice(0, MOST_COMPARED);
  const { data, error, reload } = useLoaded(keys.join(), async () => (await Promise.all(keys.map(load))).filter((each) => each !== null));
  const back = trail.value?.back ?? to("/work");
  const found = data.value ?? [];
  const isSlidable = found.length === 2 && found.every(isImage);
  const isSlider = isSlidable && query.get("view") === "slider";
  const change = useAction(async (task: Task, rating: number | null) => {
    const rated = ok(await api.PATCH("/api/v3/tasks/{task_id}", { params: { path: { task_id: task.id } }, body: { rating } }));
    data.value = data.value?.map((each) => (each.task.id === task.id ? { ...each, task: rated } : each));
    inTrail(rated);
  });
  useKeys((key) => {
    const focused = (document.activeElement as HTMLElement | null)?.closest<HTMLElement>(".compared")?.dataset.key;
    const one = found.find((each) => each.key === focused);
    const rating = ratingOf(key);
    if (key === "Escape") go(back);
    else if (rating !== undefined && one && mayEdit(one.task)) void change.run(one.task, rating);
    else return false;
    return true;
  });
  const views = isSlidable
    ? { views: ["side by side", "slider"].map((each) => [each, to("/compare", { of: keys, view: each === "slider" ? each : "" }), isSlider === (each === "slider")] as const) }
    : {};
  return (
    <Page title="Compare" above={origin()} {...views}>
      <Trouble refused={error.value ?? change.error.value} again={reload} />
      {!data.value && !error.value && <Loading rows={6} />}
      {data.value && found.length < 2 && (
        <Empty title="There is nothing to compare">
          <p>Select two to four files in a gallery, and then Compare.</p>
        </Empty>
      )}
      {found.length >= 2 && (
        <>
          {isSlider && <Slider of={found} />}
          {!isSlider && found.some(isImage) && (
            <p class="dim keys">
              A click or <kbd>z</kbd> enlarges all of them at the same place · <kbd>1</kbd>–<kbd>5</kbd> rate the one that has the focus · <kbd>Esc</kbd> back
            </p>
          )}
          <Beside of={found} isSlider={isSlider} onRate={(task, rating) => void change.run(task, rating)} />
          <Differences of={found} />
        </>
      )}
    </Page>
  );
};

const altOf = ({ task }: Compared, index: number) => `${LETTERS[index]}: ${nameOfTask(task)}`;

interface BesideProps {
  of: readonly Compared[];
  /** Whether they are seen elsewhere, so that names and ratings are enough. */
  isSlider: boolean;
  onRate: (task: Task, rating: number | null) => void;
}

/** What is pointed at in one is what is seen in all of them. */
const Beside = ({ of, isSlider, onRate }: BesideProps) => {
  const box = useRef<HTMLDivElement>(null);
  const zoom = useSignal(1);
  const point = useSignal({ x: 50, y: 50 });
  const toggle = () => {
    const images = [...(box.current?.querySelectorAll("img") ?? [])];
    zoom.value = zoom.value > 1 ? 1 : Math.max(2, ...images.map((each) => each.naturalWidth / (each.clientWidth || 1)));
  };
  const move = (event: PointerEvent) => {
    const { left, top, width, height } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const part = (at: number, size: number) => Math.min(100, Math.max(0, (at / size) * 100));
    point.value = { x: part(event.clientX - left, width), y: part(event.clientY - top, height) };
  };
  const arrow: Record<string, readonly [number, number]> = { ArrowLeft: [-10, 0], ArrowRight: [10, 0], ArrowUp: [0, -10], ArrowDown: [0, 10] };
  useKeys((key) => {
    const step = arrow[key];
    const within = (value: number) => Math.min(100, Math.max(0, value));
    if (isSlider) return false;
    if (key === "z") toggle();
    else if (step && zoom.value > 1) point.value = { x: within(point.value.x + step[0]), y: within(point.value.y + step[1]) };
    else return false;
    return true;
  });
  const style = { transform: `scale(${zoom.value})`, transformOrigin: `${point.value.x}% ${point.value.y}%` };
  return (
    <div ref={box} class={`beside-each of-${of.length}`}>
      {of.map((each, index) => (
        <figure key={`${index} ${each.key}`} class="compared" data-key={each.key}>
          {isSlider ? null : isImage(each) ? (
            <button type="button" class={zoom.value > 1 ? "frame zoomed" : "frame"} aria-pressed={zoom.value > 1} aria-label={`${altOf(each, index)}, enlarge`} onClick={toggle} onPointerMove={move}>
              <img src={each.output.url} alt="" style={style} draggable={false} />
            </button>
          ) : (
            <Large output={each.output} alt={altOf(each, index)} />
          )}
          <figcaption>
            <b>{LETTERS[index]}</b>
            <a href={to(`/tasks/${each.task.id}`)} title={nameOfTask(each.task)}>
              {nameOfTask(each.task)}
            </a>
            {each.task.outputs.length > 1 && <span class="dim">file {each.number + 1}</span>}
            <Stars value={each.task.rating} {...(mayEdit(each.task) ? { onRate: (rating: number | null) => onRate(each.task, rating) } : {})} />
          </figcaption>
        </figure>
      ))}
    </div>
  );
};

/** The second over the first, as far as the slider is moved. */
const Slider = ({ of }: { of: readonly Compared[] }) => {
  const part = useSignal(50);
  const [one, other] = of;
  if (!one || !other) return null;
  return (
    <div class="slider">
      <div class="frame">
        <img src={one.output.url} alt={altOf(one, 0)} />
        <img src={other.output.url} alt={altOf(other, 1)} style={{ clipPath: `inset(0 0 0 ${part.value}%)` }} />
        <span class="edge" style={{ left: `${part.value}%` }} />
      </div>
      <input type="range" min="0" max="100" aria-label="How much of A is seen" value={part.value} onInput={({ currentTarget }) => (part.value = Number(currentTarget.value))} />
    </div>
  );
};

const textOf = (value: unknown) => (value === null || value === undefined || value === "" ? "–" : typeof value === "object" ? JSON.stringify(value) : String(value));

/** Everything that has to do with how a file was made, by name. */
const factsOf = ({ task, output }: Compared): Record<string, string> => {
  const took = task.started_at && task.completed_at ? (Date.parse(task.completed_at) - Date.parse(task.started_at)) / 1000 : null;
  const named = (type: "client" | "campaign", id: string | null) => (id ? (nameOf(type, id).value?.name ?? "…") : "–");
  return {
    Prompt: textOf(task.prompt),
    Model: task.model,
    Provider: task.provider,
    Seed: textOf(task.seed),
    ...Object.fromEntries(Object.entries(task.params).filter(([name]) => name !== "seed").map(([name, value]) => [wordOf(name), textOf(value)])),
    Size: output.width && output.height ? `${output.width} × ${output.height}` : "–",
    Duration: output.duration === null ? "–" : seconds(output.duration),
    "File type": output.content_type,
    "File size": bytes(output.bytes),
    Cost: money(task.cost.actual ?? task.cost.estimated, task.cost.currency),
    "Made in": took === null ? "–" : took < 1 ? "under a second" : seconds(took),
    Client: named("client", task.client_id),
    Campaign: named("campaign", task.campaign_id),
    Tags: textOf(task.tags.join(", ")),
  };
};

const wordOf = (name: string) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");

const Differences = ({ of }: { of: readonly Compared[] }) => {
  const all = of.map(factsOf);
  const names = [...new Set(all.flatMap(Object.keys))];
  const rows = names.map((name) => [name, all.map((each) => each[name] ?? "–")] as const);
  const isSame = ([, values]: (typeof rows)[number]) => values.every((each) => each === values[0]);
  const same = rows.filter((row) => isSame(row) && row[1][0] !== "–");
  const differing = rows.filter((row) => !isSame(row));
  return (
    <section class="differences" aria-label="How they were made">
      <h2>What differs</h2>
      {differing.length === 0 && <p class="dim">Nothing: they were asked for with the same settings.</p>}
      {differing.length > 0 && (
        <table class={`of-${of.length}`}>
          <thead>
            <tr>
              <td />
              {of.map(({ key }, index) => (
                <th key={key} scope="col">
                  {LETTERS[index]}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {differing.map(([name, values]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {values.map((value, index) => (
                  <td key={index}>{value}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <details>
        <summary>What is the same</summary>
        <dl class="facts">
          {same.map(([name, [value]]) => (
            <>
              <dt key={name}>{name}</dt>
              <dd>{value}</dd>
            </>
          ))}
        </dl>
      </details>
    </section>
  );
};
