import { useSignal } from "@preact/signals";
import { type Client as ClientShape, type Schema, api, ok } from "../api";
import { Button, Choice, CopyCurl, Empty, Icon, Loading, Search, Status, Time, Trouble } from "../components/basics";
import { ActivityList } from "../components/activity";
import { Assets } from "../components/assets";
import { BudgetPanel } from "../components/budget-panel";
import { CampaignForm, ClientForm } from "../components/forms";
import { Grid } from "../components/grid";
import { Coming, Found } from "../components/listed";
import { Mosaic } from "../components/mosaic";
import { say } from "../components/notices";
import { Page } from "../components/page";
import { Removal } from "../components/removal";
import { Sharing } from "../components/sharing";
import { Work } from "../components/work";
import { useListed, useLoaded } from "../loading";
import { remember } from "../names";
import { go, place, setQuery, to } from "../router";
import { isShared, mayDelete, mayEdit, mayManage } from "../session";

const VIEWS = ["campaigns", "work", "assets", "guidelines", "budget", "sharing", "activity"];

export const Client = ({ id }: { id: string }) => {
  const { data, error, reload } = useLoaded(id, async () => {
    const found = ok(await api.GET("/api/v3/clients/{client_id}", { params: { path: { client_id: id } } }));
    remember(id, found);
    return found;
  });
  const dialog = useSignal<"edit" | "campaign" | "delete" | null>(null);
  const client = data.value;
  const view = place.value.query.get("view") ?? "campaigns";
  if (!client) {
    return (
      <Page title="Client" above={[["Clients", "/clients"]]}>
        {error.value ? <Trouble refused={error.value} again={reload} /> : <Loading />}
      </Page>
    );
  }
  const editable = mayEdit(client);
  const views = VIEWS.filter((each) => each !== "sharing" || mayManage(client));
  return (
    <Page
      title={client.name}
      above={[["Clients", "/clients"]]}
      note={
        isShared(client) && (
          <span class="badge">
            <Icon name="people" /> shared with you
          </span>
        )
      }
      actions={
        <>
          <CopyCurl of={() => ({ path: `/api/v3/clients/${id}` })} />
          {mayDelete(client) && (
            <Button kind="danger" onClick={() => (dialog.value = "delete")}>
              Delete
            </Button>
          )}
          {editable && <Button onClick={() => (dialog.value = "edit")}>Edit</Button>}
          {editable && (
            <Button kind="primary" icon="plus" onClick={() => (dialog.value = "campaign")}>
              New campaign
            </Button>
          )}
        </>
      }
      views={views.map((each) => [each, to(`/clients/${id}`, { view: each === "campaigns" ? "" : each }), each === view])}
    >
      {view === "campaigns" && <Campaigns client={client} onNew={() => (dialog.value = "campaign")} />}
      {view === "work" && (
        <Work within={{ client_id: id }} empty={<Empty title="Nothing has been generated for this client" />} />
      )}
      {view === "assets" && <Assets client={id} mayAdd={editable} />}
      {view === "guidelines" && <Guidelines client={client} />}
      {view === "budget" && <BudgetPanel scope={{ kind: "client", id }} mayManage={mayManage(client)} />}
      {view === "sharing" && mayManage(client) && <Sharing scope={{ kind: "client", id }} />}
      {view === "activity" && <ActivityList within={{ client_id: id }} />}
      {dialog.value === "edit" && <ClientForm client={client} onClose={() => (dialog.value = null)} onSaved={reload} />}
      {dialog.value === "delete" && (
        <Removal
          kind="client"
          id={id}
          name={client.name}
          onClose={() => (dialog.value = null)}
          onDone={() => {
            say(`${client.name} is deleted.`);
            go(to("/clients"));
          }}
        />
      )}
      {dialog.value === "campaign" && <CampaignForm clientId={id} onClose={() => (dialog.value = null)} />}
    </Page>
  );
};

const STATUSES = [
  ["", "Any"],
  ["active", "Active"],
  ["draft", "Draft"],
  ["archived", "Archived"],
] as const;
const ORDERS = [
  ["", "Newest first"],
  ["updated_at", "Last changed first"],
  ["name", "By name"],
  ["status", "By status"],
] as const;

const Campaigns = ({ client, onNew }: { client: ClientShape; onNew: () => void }) => {
  const filters = place.value.query;
  const search = filters.get("search");
  const status = filters.get("status") as Schema["CampaignStatus"] | null;
  const order = filters.get("order") as "name" | "updated_at" | "status" | null;
  const query = {
    page_size: 50,
    ...(search ? { search } : {}),
    ...(status ? { status } : {}),
    ...(order ? { sort_by: order } : {}),
  };
  const path = { client_id: client.id };
  const list = useListed(`${client.id} ${JSON.stringify(query)}`, async (cursor) =>
    ok(
      await api.GET("/api/v3/clients/{client_id}/campaigns", {
        params: { path, query: cursor ? { ...query, cursor } : query },
      }),
    ),
  );
  return (
    <>
      <div class="filters">
        <Search label="Search campaigns" value={search ?? ""} onSearch={(text) => setQuery({ search: text })} />
        <Choice label="Status" value={status ?? ""} options={STATUSES} onChoose={(value) => setQuery({ status: value })} />
        <Choice label="Order" value={order ?? ""} options={ORDERS} onChoose={(value) => setQuery({ order: value })} />
        <span class="found">
          <Found list={list} path={`/api/v3/clients/${client.id}/campaigns`} query={query} />
        </span>
      </div>
      <Coming list={list} />
      {list.total.value === 0 &&
        (search || status ? (
          <Empty title="No campaign fits">
            <Button onClick={() => setQuery({ search: "", status: "" })}>Show all campaigns</Button>
          </Empty>
        ) : (
          <Empty title="No campaigns yet">
            <p>Work is generated for a campaign, with its brief.</p>
            {mayEdit(client) && (
              <Button kind="primary" icon="plus" onClick={onNew}>
                New campaign
              </Button>
            )}
          </Empty>
        ))}
      {list.items.value.length > 0 && (
        <Grid
          label="Campaigns"
          items={list.items.value}
          keyOf={(campaign) => campaign.id}
          hrefOf={(campaign) => to(`/campaigns/${campaign.id}`)}
          hasMore={list.hasMore.value}
          onMore={list.more}
          tile={220}
          caption={70}
          render={(campaign) => (
            <>
              <Mosaic of={{ campaign_id: campaign.id }} />
              <span class="caption two">
                <span class="text name">{campaign.name}</span>
                <span class="dim">
                  <Status is={campaign.status} /> <Time at={campaign.updated_at} />
                </span>
              </span>
            </>
          )}
        />
      )}
    </>
  );
};

const Guidelines = ({ client }: { client: ClientShape }) => (
  <section class="prose">
    {client.description && <p>{client.description}</p>}
    <h2>Brand guidelines</h2>
    {client.brand_guidelines ? <pre class="text">{client.brand_guidelines}</pre> : <p class="dim">None: prompts are sent as they are written.</p>}
  </section>
);
