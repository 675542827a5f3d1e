import { ActivityList } from "../components/activity";
import { Choice } from "../components/basics";
import { Page } from "../components/page";
import { place, setQuery } from "../router";

const KINDS = ["client", "campaign", "task", "share", "invitation", "budget", "webhook_secret"];
const DONE: Record<string, readonly string[]> = {
  invitation: ["created", "deleted"],
  budget: ["updated", "deleted"],
  webhook_secret: ["updated"],
};
const ACTIONS = [
  ["", "Everything"] as const,
  ...KINDS.flatMap((kind) =>
    (DONE[kind] ?? ["created", "updated", "deleted"]).map((done) => [`${kind}.${done}`, `${kind.replace("_", " ")} ${done}`] as const),
  ),
];

export const Activity = () => {
  const query = place.value.query;
  const action = query.get("action") ?? "";
  const actor = Number(query.get("actor") ?? "");
  return (
    <Page title="Activity">
      <div class="filters">
        <Choice label="Action" value={action} options={ACTIONS} onChoose={(value) => setQuery({ action: value })} />
        <label class="choice">
          <span>User</span>
          <input
            type="number"
            min="1"
            class="short"
            value={actor || ""}
            onChange={({ currentTarget }) => setQuery({ actor: currentTarget.value })}
          />
        </label>
      </div>
      <ActivityList within={{ ...(action ? { action } : {}), ...(actor > 0 ? { actor } : {}) }} />
    </Page>
  );
};
