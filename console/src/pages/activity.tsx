import { ActivityList } from "../components/activity";
import { Choice } from "../components/basics";
import { Page } from "../components/page";
import { Picker, findCampaigns, findClients } from "../components/picker";
import { nameOf } from "../names";
import { place, setQuery } from "../router";
import { received } from "../session";

const KINDS = ["client", "campaign", "task", "asset", "share", "invitation", "budget", "webhook_secret"];
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

const OWNERS = [
  ["", "All"],
  ["me", "Mine"],
  ["shared", "Shared with me"],
] as const;

/** The first or the last moment of a day of whoever reads this. */
const momentOf = (date: string, days: number) => {
  const [year = 0, month = 1, day = 1] = date.split("-").map(Number);
  return new Date(year, month - 1, day + days).toISOString();
};

export const Activity = () => {
  const query = place.value.query;
  const action = query.get("action") ?? "";
  const actor = Number(query.get("actor") ?? "");
  const [client, campaign, owner, from, to] = ["client", "campaign", "owner", "from", "to"].map((name) => query.get(name) ?? "");
  const named = (kind: "client" | "campaign", id = "") => (id ? { id, name: nameOf(kind, id).value?.name ?? id } : null);
  return (
    <Page title="Activity">
      <div class="filters reports">
        <Picker
          inline
          label="Client"
          placeholder="Any"
          value={named("client", client)}
          find={findClients()}
          onPick={(picked) => setQuery({ client: picked?.id, campaign: "" })}
        />
        <Picker
          inline
          label="Campaign"
          placeholder="Any"
          value={named("campaign", campaign)}
          of={client ?? ""}
          find={findCampaigns(client || undefined)}
          onPick={(picked) => setQuery({ campaign: picked?.id })}
        />
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
        <label class="choice">
          <span>From</span>
          <input type="date" value={from} onChange={({ currentTarget }) => setQuery({ from: currentTarget.value })} />
        </label>
        <label class="choice">
          <span>To</span>
          <input type="date" value={to} onChange={({ currentTarget }) => setQuery({ to: currentTarget.value })} />
        </label>
        {received.value.length > 0 && <Choice label="Owner" value={owner ?? ""} options={OWNERS} onChoose={(value) => setQuery({ owner: value })} />}
      </div>
      <ActivityList
        within={{
          ...(action ? { action } : {}),
          ...(actor > 0 ? { actor } : {}),
          ...(campaign ? { campaign_id: campaign } : client ? { client_id: client } : {}),
          ...(owner ? { owner } : {}),
          ...(from ? { from: momentOf(from, 0) } : {}),
          ...(to ? { to: momentOf(to, 1) } : {}),
        }}
      />
    </Page>
  );
};
