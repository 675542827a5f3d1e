// Whose work it is going to be, and which guidelines and brief go with the prompt.
import type { Refused, TaskType } from "../../api";
import { Field, Trouble, faultOf } from "../../components/basics";
import { type Choosable, Picker, findCampaigns, findClients } from "../../components/picker";
import { plural } from "../../format";
import { useLoaded } from "../../loading";
import { nameOf, wholeOf } from "../../names";
import { mayEdit, received } from "../../session";
import { TYPES } from "../../types";
import { change, draft, needsPrompt } from "./draft";

const editable = (thing: Choosable) => mayEdit({ ...thing, user_id: thing.user_id ?? 0 });

export const TypeChoice = () => (
  <fieldset class="segments">
    <legend class="hidden">What to make</legend>
    {(Object.keys(TYPES) as TaskType[]).map((type) => (
      <label key={type}>
        <input type="radio" name="type" checked={draft.value.type === type} onChange={() => change({ type, params: {} })} />
        <span>{TYPES[type][0]}</span>
      </label>
    ))}
  </fieldset>
);

const AccountChoice = ({ error }: { error: Refused | undefined }) => {
  const accounts = received.value.filter((each) => each.resource.type === "account" && each.role !== "viewer");
  if (!accounts.length || draft.value.client || draft.value.campaign) return null;
  return (
    <Field label="Account" hint="Of what has no client." error={faultOf(error, "user_id")}>
      {(id, about) => (
        <select id={id} aria-describedby={about} value={draft.value.account} onChange={(event) => change({ account: event.currentTarget.value })}>
          <option value="">Mine</option>
          {accounts.map(({ resource }) => (
            <option key={resource.id} value={resource.id}>
              User {resource.user_id}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
};

export const PlaceChoice = ({ error }: { error: Refused | undefined }) => {
  const { client, campaign } = draft.value;
  const clientId = campaign?.client_id ?? client?.id;
  const named = clientId ? nameOf("client", clientId).value : undefined;
  const shownClient = clientId ? { id: clientId, name: named?.name ?? client?.name ?? "" } : null;
  const campaignName = campaign ? campaign.name || nameOf("campaign", campaign.id).value?.name : "";
  return (
    <div class="pairs">
      <Picker
        label="Client"
        value={shownClient}
        placeholder="None"
        find={findClients(editable)}
        error={faultOf(error, "client_id")}
        onPick={(picked) => change({ client: picked, campaign: null, inputs: [] })}
      />
      <Picker
        label="Campaign"
        value={campaign && { ...campaign, name: campaignName ?? "" }}
        placeholder="None"
        of={clientId ?? ""}
        find={findCampaigns(clientId, editable)}
        error={faultOf(error, "campaign_id")}
        onPick={(picked) => change({ campaign: picked, client: shownClient && !picked ? shownClient : draft.value.client })}
      />
      <AccountChoice error={error} />
    </div>
  );
};

/** What is added to the prompt, to be read before it is. */
export const Brand = () => {
  const { client, campaign, applies } = draft.value;
  const clientId = campaign?.client_id ?? client?.id;
  const { data, error, reload } = useLoaded(`${clientId ?? ""} ${campaign?.id ?? ""}`, async () => {
    const ofClient = clientId ? wholeOf("client", clientId) : null;
    const [client, brief] = await Promise.all([
      campaign ? ofClient?.catch(() => null) : ofClient, // who was given a campaign alone does not see its client
      campaign ? wholeOf("campaign", campaign.id) : null,
    ]);
    return { guidelines: client?.brand_guidelines ?? null, brief: brief?.brief ?? null };
  });
  if (!clientId && !campaign) return null;
  const { guidelines = null, brief = null } = data.value ?? {};
  if (!data.value) return <Trouble refused={error.value} again={reload} />;
  if (!guidelines && !brief) return <p class="dim brand-note">There are no brand guidelines and no brief: the prompt is sent as it is.</p>;
  const parts = [guidelines && `the client's guidelines (${plural(guidelines.length, "character")})`, brief && `the campaign's brief (${plural(brief.length, "character")})`];
  return (
    <div class="brand-note">
      <label class="check">
        <input type="checkbox" checked={applies} onChange={(event) => change({ applies: event.currentTarget.checked })} />
        <span>Add {parts.filter(Boolean).join(" and ")}</span>
      </label>
      <details>
        <summary>Read them</summary>
        {guidelines && (
          <>
            <h3>Brand guidelines</h3>
            <pre class="text">{guidelines}</pre>
          </>
        )}
        {brief && (
          <>
            <h3>Brief</h3>
            <pre class="text">{brief}</pre>
          </>
        )}
      </details>
    </div>
  );
};

export const Prompt = ({ error, onSubmit }: { error: Refused | undefined; onSubmit: () => void }) => (
  <Field label="Prompt" hint={needsPrompt.value ? undefined : "May be left out."} error={faultOf(error, "prompt")}>
    {(id, about) => (
      <textarea
        id={id}
        aria-describedby={about}
        rows={4}
        maxLength={5000}
        value={draft.value.prompt}
        onInput={(event) => change({ prompt: event.currentTarget.value })}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          onSubmit();
        }}
      />
    )}
  </Field>
);
