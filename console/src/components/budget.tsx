// A budget as a bar: what was spent, what is held for tasks that run, what this would add, and what is left.
import type { Budget } from "../api";
import { day, money, percent } from "../format";

interface BudgetBarProps {
  /** Whose it is. */
  title?: preact.ComponentChildren;
  budget: Budget;
  /** What is about to be asked for. */
  adding?: number | null;
}

export const BudgetBar = ({ title, budget, adding = null }: BudgetBarProps) => {
  const { limit, spent, reserved, available, currency } = budget;
  const share = (amount: number) => (limit > 0 ? `${Math.min(100, Math.max(0, (amount / limit) * 100))}%` : "0%");
  const used = limit > 0 ? (spent + reserved) / limit : 1;
  const isOver = adding !== null && adding > available;
  const what = `${money(spent, currency)} spent, ${money(reserved, currency)} reserved, ${money(available, currency)} left of ${money(limit, currency)}`;
  return (
    <div class={`budget${isOver || used >= 1 ? " over" : used >= 0.8 ? " near" : ""}`}>
      <p class="row">
        <b>{title}</b>
        <span class="gap" />
        <span class="number">{percent(used)}</span>
      </p>
      <div class="parts" role="img" aria-label={what}>
        <span class="spent" style={{ width: share(spent) }} />
        <span class="reserved" style={{ width: share(reserved) }} />
        {adding !== null && <span class="adding" style={{ width: share(Math.min(adding, Math.max(0, limit - spent - reserved))) }} />}
      </div>
      <p class="dim number">
        {money(spent + reserved, currency)} of {money(limit, currency)}
        {reserved > 0 && `, ${money(reserved, currency)} of it reserved`} · {money(available, currency)} left
      </p>
      <p class="dim">
        {budget.on_exceeded === "block" ? "Refuses what does not fit" : "Warns, refuses nothing"}
        {budget.resets_at ? ` · resets on ${day(budget.resets_at.slice(0, 10))}` : " · in total"}
      </p>
    </div>
  );
};
