// The dialogs in which clients and campaigns are made and changed.
import { useSignal } from "@preact/signals";
import { type Campaign, type Client, type Schema, api, newKey, ok } from "../api";
import { useAction } from "../loading";
import { go, to } from "../router";
import { Field, faultOf } from "./basics";
import { FormDialog } from "./dialog";

const STATUSES: readonly Schema["CampaignStatus"][] = ["draft", "active", "archived"];

export const ClientForm = ({ client, onClose, onSaved }: { client?: Client; onClose: () => void; onSaved?: () => void }) => {
  const name = useSignal(client?.name ?? "");
  const description = useSignal(client?.description ?? "");
  const guidelines = useSignal(client?.brand_guidelines ?? "");
  const key = useSignal(newKey());
  const body = () => ({
    name: name.value,
    description: description.value || null,
    brand_guidelines: guidelines.value || null,
  });
  const save = useAction(async () => {
    if (client) {
      const path = { client_id: client.id };
      ok(await api.PATCH("/api/v3/clients/{client_id}", { params: { path }, body: body() }));
      onSaved?.();
    } else {
      const header = { "idempotency-key": key.value };
      const made = ok(await api.POST("/api/v3/clients", { params: { header }, body: body() }));
      go(to(`/clients/${made.id}`));
    }
    onClose();
  });
  const error = save.error.value;
  return (
    <FormDialog
      title={client ? "Edit client" : "New client"}
      submit={client ? "Save" : "Create client"}
      busy={save.isRunning.value}
      error={error}
      onClose={onClose}
      onSubmit={() => void save.run()}
      request={() =>
        client
          ? { method: "PATCH", path: `/api/v3/clients/${client.id}`, body: body() }
          : { method: "POST", path: "/api/v3/clients", body: body() }
      }
    >
      <Field label="Name" error={faultOf(error, "name")}>
        {(id, about) => (
          <input id={id} aria-describedby={about} required maxLength={255} value={name.value} onInput={(event) => (name.value = event.currentTarget.value)} autofocus />
        )}
      </Field>
      <Field label="Description" error={faultOf(error, "description")}>
        {(id, about) => (
          <textarea id={id} aria-describedby={about} rows={2} value={description.value} onInput={(event) => (description.value = event.currentTarget.value)} />
        )}
      </Field>
      <Field label="Brand guidelines" hint="Added to every prompt for this client." error={faultOf(error, "brand_guidelines")}>
        {(id, about) => (
          <textarea id={id} aria-describedby={about} rows={6} value={guidelines.value} onInput={(event) => (guidelines.value = event.currentTarget.value)} />
        )}
      </Field>
    </FormDialog>
  );
};

interface CampaignFormProps {
  clientId: string;
  campaign?: Campaign;
  onClose: () => void;
  onSaved?: () => void;
}

export const CampaignForm = ({ clientId, campaign, onClose, onSaved }: CampaignFormProps) => {
  const name = useSignal(campaign?.name ?? "");
  const goal = useSignal(campaign?.goal ?? "");
  const status = useSignal<Schema["CampaignStatus"]>(campaign?.status ?? "active");
  const brief = useSignal(campaign?.brief ?? "");
  const key = useSignal(newKey());
  const changed = () => ({ name: name.value, goal: goal.value, status: status.value, brief: brief.value || null });
  const save = useAction(async () => {
    if (campaign) {
      const path = { campaign_id: campaign.id };
      ok(await api.PATCH("/api/v3/campaigns/{campaign_id}", { params: { path }, body: changed() }));
      onSaved?.();
    } else {
      const header = { "idempotency-key": key.value };
      const body = { client_id: clientId, ...changed() };
      const made = ok(await api.POST("/api/v3/campaigns", { params: { header }, body }));
      go(to(`/campaigns/${made.id}`));
    }
    onClose();
  });
  const error = save.error.value;
  return (
    <FormDialog
      title={campaign ? "Edit campaign" : "New campaign"}
      submit={campaign ? "Save" : "Create campaign"}
      busy={save.isRunning.value}
      error={error}
      onClose={onClose}
      onSubmit={() => void save.run()}
      request={() =>
        campaign
          ? { method: "PATCH", path: `/api/v3/campaigns/${campaign.id}`, body: changed() }
          : { method: "POST", path: "/api/v3/campaigns", body: { client_id: clientId, ...changed() } }
      }
    >
      <Field label="Name" error={faultOf(error, "name")}>
        {(id, about) => (
          <input id={id} aria-describedby={about} required maxLength={255} value={name.value} onInput={(event) => (name.value = event.currentTarget.value)} autofocus />
        )}
      </Field>
      <Field label="Goal" error={faultOf(error, "goal")}>
        {(id, about) => (
          <textarea id={id} aria-describedby={about} required rows={2} value={goal.value} onInput={(event) => (goal.value = event.currentTarget.value)} />
        )}
      </Field>
      <Field label="Status" error={faultOf(error, "status")}>
        {(id) => (
          <select id={id} value={status.value} onChange={(event) => (status.value = event.currentTarget.value as Schema["CampaignStatus"])}>
            {STATUSES.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="Brief" hint="Added to every prompt of this campaign, after the client's guidelines." error={faultOf(error, "brief")}>
        {(id, about) => (
          <textarea id={id} aria-describedby={about} rows={6} value={brief.value} onInput={(event) => (brief.value = event.currentTarget.value)} />
        )}
      </Field>
    </FormDialog>
  );
};
