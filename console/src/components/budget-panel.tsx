// The budget of an account, a client or a campaign, and the form that sets it.
import { useSignal } from "@preact/signals";
import { type Budget as BudgetShape, Refused, type Schema, api, ok } from "../api";
import { money } from "../format";
import { useAction, useLoaded } from "../loading";
import { type Scope, pathOf } from "../scope";
import { Button, CopyCurl, Field, Loading, Trouble, faultOf } from "./basics";
import { BudgetBar } from "./budget";
import { Confirm } from "./confirm";
import { FormDialog } from "./dialog";

const read = (scope: Scope) => {
  switch (scope.kind) {
    case "account":
      return api.GET("/api/v3/account/budget");
    case "client":
      return api.GET("/api/v3/clients/{client_id}/budget", { params: { path: { client_id: scope.id } } });
    case "campaign":
      return api.GET("/api/v3/campaigns/{campaign_id}/budget", { params: { path: { campaign_id: scope.id } } });
  }
};

const write = (scope: Scope, body: Schema["NewBudget"]) => {
  switch (scope.kind) {
    case "account":
      return api.PUT("/api/v3/account/budget", { body });
    case "client":
      return api.PUT("/api/v3/clients/{client_id}/budget", { params: { path: { client_id: scope.id } }, body });
    case "campaign":
      return api.PUT("/api/v3/campaigns/{campaign_id}/budget", { params: { path: { campaign_id: scope.id } }, body });
  }
};

const remove = (scope: Scope) => {
  switch (scope.kind) {
    case "account":
      return api.DELETE("/api/v3/account/budget");
    case "client":
      return api.DELETE("/api/v3/clients/{client_id}/budget", { params: { path: { client_id: scope.id } } });
    case "campaign":
      return api.DELETE("/api/v3/campaigns/{campaign_id}/budget", { params: { path: { campaign_id: scope.id } } });
  }
};

/** The budget of one thing, and for who may, its form. */
export const BudgetPanel = ({ scope, mayManage }: { scope: Scope; mayManage: boolean }) => {
  const path = `${pathOf(scope)}/budget`;
  const { data, error, reload } = useLoaded<BudgetShape | null>(path, async () => {
    try {
      return ok(await read(scope));
    } catch (refused) {
      if (refused instanceof Refused && refused.problem.status === 404) return null; // there is none
      throw refused;
    }
  });
  const isOpen = useSignal(false);
  const isRemoving = useSignal(false);
  const act = async () => {
    ok(await remove(scope));
    reload();
  };
  const budget = data.value;
  return (
    <section class="panel" aria-label="Budget">
      <div class="row">
        <h2>Budget</h2>
        <span class="gap" />
        <CopyCurl of={() => ({ path })} />
        {mayManage && budget && (
          <Button onClick={() => (isRemoving.value = true)}>Remove</Button>
        )}
        {mayManage && <Button onClick={() => (isOpen.value = true)}>{budget ? "Change" : "Set a budget"}</Button>}
      </div>
      <Trouble refused={error.value} again={reload} />
      {budget === undefined && !error.value && <Loading rows={1} />}
      {budget === null && <p class="dim">There is none: nothing limits what is spent here, but budgets above it.</p>}
      {budget && <BudgetBar title={budget.period === "month" ? "This month" : "In all"} budget={budget} />}
      {isRemoving.value && budget && (
        <Confirm
          question={{
            title: "Remove this budget?",
            about: `Nothing limits what is spent here any more, but budgets above it: ${money(budget.available, budget.currency)} of ${money(budget.limit, budget.currency)} are left today. Its alerts end with it.`,
            submit: "Remove the budget",
            request: { method: "DELETE", path },
            act,
          }}
          onClose={() => (isRemoving.value = false)}
        />
      )}
      {isOpen.value && <BudgetForm scope={scope} budget={budget ?? null} onClose={() => (isOpen.value = false)} onSaved={reload} />}
    </section>
  );
};

interface FormProps {
  scope: Scope;
  budget: BudgetShape | null;
  onClose: () => void;
  onSaved: () => void;
}

export const BudgetForm = ({ scope, budget, onClose, onSaved }: FormProps) => {
  const limit = useSignal(String(budget?.limit ?? ""));
  const period = useSignal<Schema["Period"]>(budget?.period ?? "month");
  const onExceeded = useSignal<Schema["OnExceeded"]>(budget?.on_exceeded ?? "block");
  const alerts = useSignal((budget?.alerts ?? [50, 80, 100]).join(", "));
  const webhook = useSignal(budget?.webhook_url ?? "");
  const body = (): Schema["NewBudget"] => ({
    limit: Number(limit.value),
    period: period.value,
    on_exceeded: onExceeded.value,
    alerts: alerts.value.split(/[,\s]+/).filter(Boolean).map(Number),
    webhook_url: webhook.value || null,
  });
  const save = useAction(async () => {
    ok(await write(scope, body()));
    onSaved();
    onClose();
  });
  const error = save.error.value;
  return (
    <FormDialog
      title="Budget"
      submit="Save"
      busy={save.isRunning.value}
      error={error}
      request={() => ({ method: "PUT", path: `${pathOf(scope)}/budget`, body: body() })}
      onClose={onClose}
      onSubmit={() => void save.run()}
    >
      <Field label="Limit in US dollars" error={faultOf(error, "limit")}>
        {(id, about) => (
          <input id={id} aria-describedby={about} type="number" min="0" step="any" required value={limit.value} onInput={(event) => (limit.value = event.currentTarget.value)} autofocus />
        )}
      </Field>
      <Field label="Period" error={faultOf(error, "period")}>
        {(id) => (
          <select id={id} value={period.value} onChange={(event) => (period.value = event.currentTarget.value as Schema["Period"])}>
            <option value="month">a calendar month (UTC)</option>
            <option value="total">for good</option>
          </select>
        )}
      </Field>
      <Field label="When there is no room" error={faultOf(error, "on_exceeded")}>
        {(id) => (
          <select id={id} value={onExceeded.value} onChange={(event) => (onExceeded.value = event.currentTarget.value as Schema["OnExceeded"])}>
            <option value="block">refuse to generate</option>
            <option value="warn">generate all the same</option>
          </select>
        )}
      </Field>
      <Field label="Alerts at percent of the limit" error={faultOf(error, "alerts")}>
        {(id, about) => <input id={id} aria-describedby={about} value={alerts.value} onInput={(event) => (alerts.value = event.currentTarget.value)} />}
      </Field>
      <Field label="Address for alerts" hint="A webhook, signed with your secret. Empty for none." error={faultOf(error, "webhook_url")}>
        {(id, about) => (
          <input id={id} aria-describedby={about} type="url" value={webhook.value} onInput={(event) => (webhook.value = event.currentTarget.value)} />
        )}
      </Field>
    </FormDialog>
  );
};
