// A gallery of tasks with its filters. Which tasks there are, in which order, and how many: all by the server.
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { type TaskStatus, type TaskSummary, type TaskType, api, ok, refusal } from "../api";
import { ratingOf } from "../keys";
import { type Passed, isWhole, useLongList } from "../long-list";
import { place, setQuery, to } from "../router";
import { mayEdit } from "../session";
import { trail } from "../trail";
import { Button, Choice, Empty, Filters, Search, Stars } from "./basics";
import { Grid } from "./grid";
import { Coming, Found } from "./listed";
import { Live } from "./live";
import { Thumbnail } from "./media";
import { say } from "./notices";
import { Selection } from "./selection";
import { TYPES, TYPE_CHOICES, nameOfTask } from "../types";

const PAGE = 100;

interface WorkProps {
  /** What every task here has in common. */
  within: { client_id?: string; campaign_id?: string };
  empty: preact.ComponentChildren;
  /** A filter more, of what there is here. */
  where?: preact.ComponentChildren;
}

const FILTERS = ["within", "status", "type", "rating", "tag", "order"];

const STATUSES = [
  ["", "Any"],
  ["succeeded", "Succeeded"],
  ["open", "Running"],
  ["failed", "Failed"],
  ["canceled", "Canceled"],
] as const;
const RATINGS = [
  ["", "Any"],
  ["5", "★★★★★"],
  ["4", "★★★★ and up"],
  ["3", "★★★ and up"],
  ["2", "★★ and up"],
  ["1", "Rated"],
] as const;
const ORDERS = [
  ["", "Newest first"],
  ["asc", "Oldest first"],
] as const;

const asked = (within: WorkProps["within"], query: URLSearchParams) => {
  const status = query.get("status");
  const type = query.get("type");
  const rating = query.get("rating");
  return {
    ...within,
    page_size: PAGE,
    ...(status ? { status: (status === "open" ? ["pending", "processing"] : [status]) as TaskStatus[] } : {}),
    ...(type ? { type: [type as TaskType] } : {}),
    ...(rating ? { rating_from: Number(rating) } : {}),
    ...(query.get("tag") ? { tag: query.getAll("tag") } : {}),
    ...(query.get("search") ? { search: query.get("search") ?? "" } : {}),
    ...(query.get("order") === "asc" ? { sort_order: "asc" as const } : {}),
  };
};

export const Work = ({ within, empty, where }: WorkProps) => {
  const filters = place.value.query;
  const query = asked(within, filters);
  const selected = useSignal<ReadonlySet<string>>(new Set());
  const list = useLongList<TaskSummary>(
    JSON.stringify(query),
    async (cursor) => ok(await api.GET("/api/v3/tasks", { params: { query: cursor ? { ...query, cursor } : query } })),
    (id) => selected.value.has(id),
  );
  const visible = useSignal<readonly TaskSummary[]>([]);
  const isFiltered = ["status", "type", "rating", "tag", "search"].some((name) => filters.get(name));

  useEffect(() => {
    trail.value = { list, back: location.hash };
  }, [location.hash]);

  // Shown at once, and taken back when it is refused.
  const rate = (task: TaskSummary, rating: number | null) => {
    if (task.rating === rating) return;
    const settle = (as: TaskSummary) => {
      if (list.items.value.some((each) => each.id === task.id && isWhole(each) && each.rating === rating)) replace(as); // not rated again meanwhile
    };
    replace({ ...task, rating });
    api.PATCH("/api/v3/tasks/{task_id}", { params: { path: { task_id: task.id } }, body: { rating } }).then(ok).then(settle, (failed: unknown) => {
      settle(task);
      say(refusal(failed).message, "error");
    });
  };
  const onKey = (task: TaskSummary | Passed, key: string) => {
    const rating = ratingOf(key);
    if (rating === undefined || !isWhole(task) || selected.value.size || !mayEdit(task)) return false; // what is selected is rated together
    rate(task, rating);
    return true;
  };
  const replace = (task: TaskSummary) => {
    list.items.value = list.items.value.map((each) => (each.id === task.id ? task : each));
  };
  const chosen = useMemo(
    () => (selected.value.size ? list.items.value.filter((each) => selected.value.has(each.id)).filter(isWhole) : []),
    [list.items.value, selected.value],
  );

  return (
    <section class="work" aria-label="Work">
      <Filters
        set={FILTERS.filter((name) => filters.get(name)).length}
        first={<Search key={place.value.path} label="Search prompts" value={filters.get("search") ?? ""} onSearch={(search) => setQuery({ search })} />}
        found={<Found list={list} path="/api/v3/tasks" query={query} />}
      >
        {where}
        <Choice label="Status" value={filters.get("status") ?? ""} options={STATUSES} onChoose={(status) => setQuery({ status })} />
        <Choice label="Type" value={filters.get("type") ?? ""} options={TYPE_CHOICES} onChoose={(type) => setQuery({ type })} />
        <Choice label="Rating" value={filters.get("rating") ?? ""} options={RATINGS} onChoose={(rating) => setQuery({ rating })} />
        <Choice label="Order" value={filters.get("order") ?? ""} options={ORDERS} onChoose={(order) => setQuery({ order })} />
        {filters.getAll("tag").map((tag) => (
          <Button key={tag} class="tag" icon="close" aria-label={`Without the tag ${tag}`} onClick={() => setQuery({ tag: filters.getAll("tag").filter((each) => each !== tag) })}>
            {tag}
          </Button>
        ))}
      </Filters>
      <Selection tasks={chosen} list={list} onClear={() => (selected.value = new Set())} />
      <Coming list={list} />
      {list.total.value === 0 &&
        (isFiltered ? (
          <Empty title="Nothing fits these filters">
            <Button onClick={() => setQuery({ status: "", type: "", rating: "", tag: [], search: "" })}>Show everything</Button>
          </Empty>
        ) : (
          empty
        ))}
      {list.items.value.length > 0 && (
        <Grid
          label="Tasks"
          items={list.items.value}
          keyOf={(task) => task.id}
          hrefOf={(task) => to(`/tasks/${task.id}`)}
          hasMore={list.hasMore.value}
          onMore={list.more}
          selected={selected.value}
          onSelect={(keys) => {
            const whole = list.items.value.filter((each) => keys.has(each.id)).filter(isWhole);
            selected.value = new Set(whole.map((each) => each.id));
          }}
          onKey={onKey}
          onVisible={(tasks, first) => {
            list.see(first, first + tasks.length);
            visible.value = tasks.filter(isWhole);
          }}
          render={(task) => !isWhole(task) ? (
            <>
              <span class="thumbnail none" />
              <span class="caption dim">…</span>
            </>
          ) : (
            <>
              <Thumbnail task={task} onBroken={() => void refresh(task.id).then(replace, () => undefined)} />
              <span class="caption">
                <span class="text">{nameOfTask(task)}</span>
                <span class="hidden">
                  , {TYPES[task.type][0].toLowerCase()}, {task.status}
                </span>
                <Stars value={task.rating} />
              </span>
            </>
          )}
        />
      )}
      <LiveOnes tasks={visible} onChange={replace} />
    </section>
  );
};

/** Reads the signal by itself, so that scrolling draws nothing else again. */
const LiveOnes = ({ tasks, onChange }: { tasks: Signal<readonly TaskSummary[]>; onChange: (task: TaskSummary) => void }) => (
  <Live tasks={tasks.value} onChange={onChange} />
);

/** A task anew: its signed URLs may have ended. */
const refresh = async (id: string): Promise<TaskSummary> =>
  ok(await api.GET("/api/v3/tasks/{task_id}", { params: { path: { task_id: id } } }));
