import { useSignal } from "@preact/signals";
import { type Campaign as CampaignShape, api, ok } from "../api";
import { ActivityList } from "../components/activity";
import { Button, CopyCurl, Empty, Icon, Loading, Status, Trouble } from "../components/basics";
import { BudgetPanel } from "../components/budget-panel";
import { CampaignForm } from "../components/forms";
import { say } from "../components/notices";
import { Page } from "../components/page";
import { Removal } from "../components/removal";
import { Sharing } from "../components/sharing";
import { Work } from "../components/work";
import { useLoaded } from "../loading";
import { nameOf, remember } from "../names";
import { go, place, to } from "../router";
import { isShared, mayDelete, mayEdit, mayManage } from "../session";

const VIEWS = ["work", "brief", "budget", "sharing", "activity"];

export const Campaign = ({ id }: { id: string }) => {
  const { data, error, reload } = useLoaded(id, async () => {
    const found = ok(await api.GET("/api/v3/campaigns/{campaign_id}", { params: { path: { campaign_id: id } } }));
    remember(id, found);
    return found;
  });
  const dialog = useSignal<"edit" | "delete" | null>(null);
  const campaign = data.value;
  const view = place.value.query.get("view") ?? "work";
  if (!campaign) {
    return (
      <Page title="Campaign" above={[["Clients", "/clients"]]}>
        {error.value ? <Trouble refused={error.value} again={reload} /> : <Loading />}
      </Page>
    );
  }
  const client = nameOf("client", campaign.client_id).value;
  const editable = mayEdit(campaign);
  const views = VIEWS.filter((each) => each !== "sharing" || mayManage(campaign));
  const generate = to("/generate", { campaign: id });
  return (
    <Page
      title={campaign.name}
      above={[["Clients", "/clients"], ...(client ? [[client.name, `/clients/${campaign.client_id}`] as const] : [])]}
      note={
        <>
          <Status is={campaign.status} />
          {isShared(campaign) && (
            <span class="badge">
              <Icon name="people" /> shared with you
            </span>
          )}
        </>
      }
      actions={
        <>
          {mayDelete({ ...campaign, campaign_id: null }) && (
            <Button kind="danger" onClick={() => (dialog.value = "delete")}>
              Delete
            </Button>
          )}
          {editable && <Button onClick={() => (dialog.value = "edit")}>Edit</Button>}
          {editable && (
            <Button kind="primary" icon="plus" onClick={() => go(generate)}>
              Generate
            </Button>
          )}
        </>
      }
      views={views.map((each) => [each, to(`/campaigns/${id}`, { view: each === "work" ? "" : each }), each === view])}
    >
      {view === "work" && (
        <Work
          within={{ campaign_id: id }}
          empty={
            <Empty title="Nothing has been generated yet">
              <p>{campaign.goal}</p>
              {editable && (
                <Button kind="primary" icon="plus" onClick={() => go(generate)}>
                  Generate
                </Button>
              )}
            </Empty>
          }
        />
      )}
      {view === "brief" && <Brief campaign={campaign} />}
      {view === "budget" && <BudgetPanel scope={{ kind: "campaign", id }} mayManage={mayManage(campaign)} />}
      {view === "sharing" && mayManage(campaign) && <Sharing scope={{ kind: "campaign", id }} />}
      {view === "activity" && <ActivityList within={{ campaign_id: id }} />}
      {dialog.value === "edit" && (
        <CampaignForm clientId={campaign.client_id} campaign={campaign} onClose={() => (dialog.value = null)} onSaved={reload} />
      )}
      {dialog.value === "delete" && (
        <Removal
          kind="campaign"
          id={id}
          name={campaign.name}
          onClose={() => (dialog.value = null)}
          onDone={() => {
            say(`${campaign.name} is deleted.`);
            go(client ? to(`/clients/${campaign.client_id}`) : to("/clients"));
          }}
        />
      )}
    </Page>
  );
};

const Brief = ({ campaign }: { campaign: CampaignShape }) => (
  <section class="prose">
    <h2>Goal</h2>
    <p>{campaign.goal}</p>
    <h2>Brief</h2>
    {campaign.brief ? <pre class="text">{campaign.brief}</pre> : <p class="dim">None.</p>}
    <CopyCurl of={() => ({ path: `/api/v3/campaigns/${campaign.id}` })} />
  </section>
);
