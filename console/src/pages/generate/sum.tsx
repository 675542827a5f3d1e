// Beside the form: how many tasks it is, what they would cost, and which budgets they come out of.
import { useEffect } from "preact/hooks";
import { type Budget, type Problem, type Refused, api } from "../../api";
import { Button, CopyCurl } from "../../components/basics";
import { BudgetBar } from "../../components/budget";
import { count, money, plural } from "../../format";
import { useLoaded } from "../../loading";
import { nameOf } from "../../names";
import { isShared, me } from "../../session";
import { MOST_ITEMS, MOST_TASKS, chosen, draft, isWithoutSource, lines, mode, placeholders, ratios, takes, tasks, wanted } from "./draft";
import { type Sum, reasonOf } from "./estimate";

interface SumProps {
  sum: Sum | undefined;
  refused: Refused | undefined;
  isAsking: boolean;
  busy: boolean;
  /** Changes when something was started or refused, after which less may be left. */
  turn: number;
}

const SHOWN = 5;

export const Summary = ({ sum, refused, isAsking, busy, turn }: SumProps) => {
  const total = tasks.value;
  const most = mode.value === "several" ? MOST_ITEMS : MOST_TASKS;
  return (
    <section class="summary" aria-label="What it comes to">
      {mode.value === "matrix" && <Product />}
      <p class="amount" aria-live="polite">
        {total === 0 ? (
          <span class="dim">{lacking()}</span>
        ) : (
          <>
            {mode.value !== "one" && <span>{plural(total, "task")} · </span>}
            <Amount sum={sum} isAsking={isAsking} />
          </>
        )}
      </p>
      {total > most && <p class="bad">At most {plural(most, "task")} at once.</p>}
      {refused && total > 0 && <p class="bad">{refused.problem.detail}</p>}
      {sum && sum.failed.length > 0 && <Failed sum={sum} />}
      {sum?.exceeded.map((budget) => (
        <p key={budget.type} class="bad">
          {reasonOf({ budget } as Problem)}
        </p>
      ))}
      <Button type="submit" kind="primary" busy={busy} aria-disabled={busy || total === 0}>
        {mode.value === "one" || total === 0 ? "Generate" : `Generate ${plural(total, "task")}`}
      </Button>
      <CopyCurl
        of={() => {
          const { path, body } = wanted(false);
          return { method: "POST", path, body };
        }}
      />
      <Budgets adding={sum?.amount ?? null} turn={turn} />
    </section>
  );
};

/** What there has to be before it can be estimated. */
const lacking = () => {
  if (isWithoutSource.value) return "Choose what it is made from to see what it costs.";
  return mode.value === "matrix" ? "Write a prompt, and values for its placeholders." : "Write a prompt to see what it costs.";
};

const Amount = ({ sum, isAsking }: { sum: Sum | undefined; isAsking: boolean }) => {
  if (!sum) return <span class="dim">{isAsking ? "…" : "no estimate"}</span>;
  const unpriced = sum.unpriced > 0 && (sum.unpriced === sum.tasks ? "no price is known" : `${plural(sum.unpriced, "task")} without a known price`);
  return (
    <span class={isAsking ? "dim" : ""}>
      {sum.amount !== null && sum.unpriced < Math.max(1, sum.tasks) && <><b class="number">{money(sum.amount)}</b> estimated</>}
      {unpriced && ` ${unpriced}`}
    </span>
  );
};

const Product = () => {
  const { prompt, values, ratios: picked } = draft.value;
  const axes = placeholders(prompt).map((name) => `${count(new Set(lines(values[name] ?? "")).size)} {${name}}`);
  if (chosen.value.length > 1) axes.push(plural(chosen.value.length, "model"));
  const used = takes.value.has("aspect_ratio") ? picked.filter((each) => ratios.value.includes(each)) : [];
  if (used.length > 1) axes.push(plural(used.length, "ratio"));
  return axes.length ? <p class="dim">{axes.join(" × ")}</p> : null;
};

/** Which tasks would be refused, by the place of the first one for each reason. */
const Failed = ({ sum }: { sum: Sum }) => {
  const reasons = new Map<string, number[]>();
  for (const { index, problem } of sum.failed) {
    const reason = reasonOf(problem);
    reasons.set(reason, [...(reasons.get(reason) ?? []), index + 1]);
  }
  return (
    <div class="bad">
      <p>
        {count(sum.failed.length)} of {plural(tasks.value, "task")} would be refused:
      </p>
      <ul class="plain">
        {[...reasons].slice(0, SHOWN).map(([reason, places]) => (
          <li key={reason}>
            {places.length > SHOWN ? `${places.slice(0, SHOWN).join(", ")}, …` : places.join(", ")}: {reason}
          </li>
        ))}
      </ul>
      {reasons.size > SHOWN && <p>and for {count(reasons.size - SHOWN)} other reasons</p>}
    </div>
  );
};

/** The budgets that it would come out of; those that there are. */
const Budgets = ({ adding, turn }: { adding: number | null; turn: number }) => {
  const { account, client, campaign } = draft.value;
  const clientId = campaign?.client_id ?? client?.id;
  const owner = campaign?.user_id ?? client?.user_id ?? (Number(account) || undefined) ?? me.value?.user_id ?? 0;
  const { data, reload } = useLoaded(`${clientId ?? ""} ${campaign?.id ?? ""} ${owner}`, async () => {
    const own = !isShared({ user_id: owner });
    const [ofAccount, ofClient, ofCampaign] = await Promise.all([
      own ? api.GET("/api/v3/account") : undefined,
      clientId ? api.GET("/api/v3/clients/{client_id}/budget", { params: { path: { client_id: clientId } } }) : undefined,
      campaign ? api.GET("/api/v3/campaigns/{campaign_id}/budget", { params: { path: { campaign_id: campaign.id } } }) : undefined,
    ]);
    return [
      ["account", ofAccount?.data?.budget],
      ["client", ofClient?.data],
      ["campaign", ofCampaign?.data],
    ] as const;
  });
  useEffect(() => {
    if (turn) reload();
  }, [turn]);
  const titles = {
    account: "Account",
    client: (clientId && nameOf("client", clientId).value?.name) || "Client",
    campaign: campaign?.name || "Campaign",
  };
  return (
    <>
      {data.value?.map(([of, budget]) => budget && (
        <BudgetBar key={of} title={titles[of]} budget={budget as Budget} adding={adding} />
      ))}
    </>
  );
};
