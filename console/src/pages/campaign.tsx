import { useSignal } from "@preact/signals";
import { type Campaign as CampaignShape, api, ok } from "../api";
import { Button, CopyCurl, Empty, Icon, Loading, Status, Trouble } from "../components/basics";
import { CampaignForm } from "../components/forms";
import { Page } from "../components/page";
import { Work } from "../components/work";
import { useLoaded } from "../loading";
import { nameOf, remember } from "../names";
import { go, place, to } from "../router";
import { isShared, mayEdit } from "../session";

const VIEWS = ["work", "brief"] as const;

export const Campaign = ({ id }: { id: string }) => {
  const { data, error, reload } = useLoaded(id, async () => {
    const found = ok(await api.GET("/api/v3/campaigns/{campaign_id}", { params: { path: { campaign_id: id } } }));
    remember(id, found);
    return found;
  });
  const isEdited = useSignal(false);
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
          {editable && <Button onClick={() => (isEdited.value = true)}>Edit</Button>}
          {editable && (
            <Button kind="primary" icon="plus" onClick={() => go(generate)}>
              Generate
            </Button>
          )}
        </>
      }
      views={VIEWS.map((each) => [each, to(`/campaigns/${id}`, { view: each === "work" ? "" : each }), each === view])}
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
      {isEdited.value && (
        <CampaignForm clientId={campaign.client_id} campaign={campaign} onClose={() => (isEdited.value = false)} onSaved={reload} />
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
