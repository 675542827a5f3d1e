// What a producer wants to know first: the money, what runs, what failed, and the latest pictures.
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { type TaskSummary, api, ok } from "../api";
import { Bars } from "../components/bars";
import { Button, CopyCurl, Empty, Loading, Status, Time, Trouble } from "../components/basics";
import { BudgetBar } from "../components/budget";
import { BudgetForm } from "../components/budget-panel";
import { Grid } from "../components/grid";
import { Coming } from "../components/listed";
import { Live } from "../components/live";
import { Thumbnail } from "../components/media";
import { Page } from "../components/page";
import { count, day, money, plural, rough, shortDay } from "../format";
import { type Listed, useListed, useLoaded } from "../loading";
import { go, to } from "../router";
import { mayCreate, mayManage, me } from "../session";
import { trail } from "../trail";
import { nameOfTask } from "../types";

const DAYS = 30;
const DAY = 86_400_000;
const dateOf = (time: number) => new Date(time).toISOString().slice(0, 10);

export const Overview = () => (
  <Page
    title="Overview"
    actions={
      mayCreate.value && (
        <Button kind="primary" icon="plus" onClick={() => go(to("/generate"))}>
          Generate
        </Button>
      )
    }
  >
    <div class="overview">
      <Spend />
      <Tasks title="Running" status={["pending", "processing"]} all={to("/work", { status: "open" })} none="Nothing is running." />
      <Tasks title="Failed lately" status={["failed"]} all={to("/work", { status: "failed" })} none="Nothing has failed." />
    </div>
    <Recent />
  </Page>
);

const Spend = () => {
  const range = useMemo(() => ({ from: dateOf(Date.now() - (DAYS - 1) * DAY), to: dateOf(Date.now() + DAY) }), []);
  const report = useLoaded("report", async () =>
    ok(await api.GET("/api/v3/reports/usage", { params: { query: { ...range, bucket: "day" } } })),
  );
  const account = useLoaded("account", async () => ok(await api.GET("/api/v3/account")));
  const isOpen = useSignal(false);
  const found = report.data.value;
  const usage = found && "totals" in (found as object) ? (found as Exclude<typeof found, string>) : undefined;
  const own = account.data.value;
  return (
    <section class="panel" aria-label="Spend">
      <div class="row">
        <h2>Spend</h2>
        {usage && (
          <span class="dim">
            {rough(Number(usage.totals.cost))} in {plural(DAYS, "day")}
          </span>
        )}
        <span class="gap" />
        <a href={to("/reports", { range: DAYS })}>report</a>
        <CopyCurl of={() => ({ path: `/api/v3/reports/usage?${new URLSearchParams({ ...range, bucket: "day" })}` })} />
      </div>
      <Trouble refused={report.error.value ?? account.error.value} again={report.reload} />
      {!usage && !report.error.value && <Loading rows={2} />}
      {usage && (
        <Bars
          title={`${money(usage.totals.cost, usage.currency)} in ${plural(DAYS, "day")}, ${plural(usage.totals.tasks, "task")}`}
          bars={usage.rows.map((row) => ({
            label: day(row.start),
            short: shortDay(row.start),
            value: Number(row.cost),
            text: money(row.cost, usage.currency),
            href: to("/reports", { range: "custom", from: row.start, to: row.end }),
          }))}
          textOf={(value) => money(value, usage.currency)}
        />
      )}
      {own?.budget ? (
        <BudgetBar title={own.budget.period === "month" ? "Budget this month" : "Budget"} budget={own.budget} />
      ) : (
        own && <p class="dim">The account has no budget.</p>
      )}
      {own && me.value && mayManage({ user_id: me.value.user_id }) && (
        <div class="row">
          <Button onClick={() => (isOpen.value = true)}>{own.budget ? "Change the budget" : "Set a budget"}</Button>
        </div>
      )}
      {own && isOpen.value && <BudgetForm scope={{ kind: "account" }} budget={own.budget} onClose={() => (isOpen.value = false)} onSaved={account.reload} />}
      {own && own.limits.open_tasks.limit !== null && (
        <p class="dim">
          {count(own.limits.open_tasks.used)} of {plural(own.limits.open_tasks.limit, "open task")} at once;{" "}
          {own.limits.tasks_per_hour.limit !== null && `${count(own.limits.tasks_per_hour.used)} of ${count(own.limits.tasks_per_hour.limit)} this hour.`}
        </p>
      )}
    </section>
  );
};

interface TasksProps {
  title: string;
  status: ("pending" | "processing" | "failed")[];
  all: string;
  none: string;
}

const SHOWN = 6;

const Tasks = ({ title, status, all, none }: TasksProps) => {
  const query = { status, page_size: SHOWN };
  const list = useListed(title, async () => ({ ...ok(await api.GET("/api/v3/tasks", { params: { query } })), next_cursor: null }));
  const total = list.total.value;
  return (
    <section class="panel" aria-label={title}>
      <div class="row">
        <h2>
          {title} {total ? <span class="dim">{count(total)}</span> : null}
        </h2>
        <span class="gap" />
        {total ? <a href={all}>all</a> : null}
      </div>
      <Coming list={list} rows={2} />
      {total === 0 && <p class="dim">{none}</p>}
      <ul class="lines">
        {list.items.value.map((task) => (
          <li key={task.id}>
            <a class="text" href={to(`/tasks/${task.id}`)} onClick={() => (trail.value = { list, back: to("/") })}>
              {nameOfTask(task)}
            </a>
            <Status is={task.status} />
            <span class="dim">
              <Time at={task.completed_at ?? task.created_at} />
            </span>
            {task.error && <span class="dim why">{task.error.message}</span>}
          </li>
        ))}
      </ul>
      <Live tasks={list.items.value} onChange={replaceIn(list)} />
    </section>
  );
};

const replaceIn = (list: Listed<TaskSummary>) => (task: TaskSummary) => {
  list.items.value = list.items.value.map((each) => (each.id === task.id ? task : each));
};

const Recent = () => {
  const query = { status: ["succeeded" as const], page_size: 24 };
  const list = useListed("recent", async () => ({ ...ok(await api.GET("/api/v3/tasks", { params: { query } })), next_cursor: null }));
  return (
    <section aria-label="Recent work">
      <div class="row section">
        <h2>Recent work</h2>
        <span class="gap" />
        {list.total.value ? <a href={to("/work")}>all {count(list.total.value)}</a> : null}
      </div>
      <Coming list={list} rows={4} />
      {list.total.value === 0 && (
        <Empty title="Nothing has been made yet">
          {mayCreate.value ? (
            <>
              <p>Begin with a client: it has campaigns, and guidelines that go into every prompt.</p>
              <Button kind="primary" onClick={() => go(to("/clients"))}>
                To the clients
              </Button>
            </>
          ) : (
            <p>What others share with you appears here.</p>
          )}
        </Empty>
      )}
      {list.items.value.length > 0 && (
        <Grid
          label="Recent work"
          items={list.items.value}
          keyOf={(task) => task.id}
          hrefOf={(task) => to(`/tasks/${task.id}`)}
          onVisible={() => (trail.value = { list, back: to("/") })}
          hasMore={false}
          onMore={() => undefined}
          tile={170}
          caption={30}
          render={(task) => (
            <>
              <Thumbnail task={task} />
              <span class="caption">
                <span class="text">{nameOfTask(task)}</span>
              </span>
            </>
          )}
        />
      )}
    </section>
  );
};
