// What the draft would cost, asked for when its typing settles; an older question is given up.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Problem, type Refused, type Schema, type Whole, api, ok, refusal } from "../../api";
import { money } from "../../format";
import type { Wanted } from "./draft";

const SETTLED = 400;

export interface Sum {
  tasks: number;
  amount: number | null;
  unpriced: number;
  candidates: readonly Whole<Schema["Candidate"]>[];
  exceeded: readonly Whole<Schema["ExceededBudget"]>[];
  /** Of the items of a batch, by their index. */
  failed: readonly { index: number; problem: Problem }[];
}

// Which path it is, and so which body, is known when it runs: the API checks it.
const asked = async ({ path, body }: Wanted, signal: AbortSignal): Promise<Sum> => {
  if (path.endsWith("/estimate")) {
    const named = path as "/api/v3/generate/image/estimate";
    const found = ok(await api.POST(named, { body: body as never, signal }));
    const first = found.candidates[0];
    const amount = first?.cost ?? null;
    return { tasks: 1, amount, unpriced: amount === null ? 1 : 0, candidates: found.candidates, exceeded: found.exceeded_budgets, failed: [] };
  }
  const answer = await sent({ path, body }, signal);
  return {
    tasks: answer.summary.succeeded,
    amount: answer.estimate?.amount ?? null,
    unpriced: answer.estimate?.unpriced ?? 0,
    candidates: [],
    exceeded: [],
    failed: problems(answer),
  };
};

/** A batch or a matrix. Throws Refused. */
export const sent = async ({ path, body }: Wanted, signal: AbortSignal | null, key?: string) => {
  const params = key ? { header: { "idempotency-key": key } } : {};
  const named = path as "/api/v3/generate/batch";
  return ok(await api.POST(named, { params, body: body as never, signal }));
};

export const problems = (answer: Whole<Schema["BatchAnswer"]>) =>
  answer.results.flatMap(({ index, problem }) => (problem ? [{ index, problem: problem as unknown as Problem }] : []));

/** Why something was refused; an exceeded budget by what it is for, not by its id. */
export const reasonOf = ({ budget, detail }: Problem) => {
  if (!budget) return detail;
  const needed = budget.needed === null || budget.needed === undefined ? "" : `; this needs ${money(budget.needed)}`;
  return `The ${budget.type}'s budget has ${money(budget.available)} left${needed}.`;
};

/** `wanted` null asks for nothing. What was found stays while the next one is asked for. */
export const useEstimate = (wanted: Wanted | null) => {
  const sum = useSignal<Sum | undefined>(undefined);
  const error = useSignal<Refused | undefined>(undefined);
  const isAsking = useSignal(false);
  const key = JSON.stringify(wanted);
  useEffect(() => {
    if (!wanted) {
      sum.value = undefined;
      error.value = undefined;
      isAsking.value = false;
      return undefined;
    }
    const stop = new AbortController();
    isAsking.value = true;
    const timer = setTimeout(() => {
      asked(wanted, stop.signal).then(
        (found) => {
          sum.value = found;
          error.value = undefined;
          isAsking.value = false;
        },
        (failed: unknown) => {
          if (stop.signal.aborted) return;
          sum.value = undefined;
          error.value = refusal(failed);
          isAsking.value = false;
        },
      );
    }, SETTLED);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [key]);
  return { sum, error, isAsking };
};
