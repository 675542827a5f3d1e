import { useSignal } from "@preact/signals";
import { api, ok } from "../api";
import { PURPOSES } from "../components/assets";
import { Button, CopyCurl, Field, Icon, Loading, Status, Time, Trouble, faultOf } from "../components/basics";
import { FormDialog } from "../components/dialog";
import { Large } from "../components/media";
import { say } from "../components/notices";
import { Page } from "../components/page";
import { bytes, seconds } from "../format";
import { useAction, useLoaded } from "../loading";
import { nameOf } from "../names";
import { go, to } from "../router";
import { isShared, mayDelete, mayEdit } from "../session";
import type { Asset as AssetShape } from "../upload";
import { useWatched } from "../watching";
import { loadModels, offeredFor } from "./generate/draft";
import { FROM_ASSET } from "./generate/inputs";

export const Asset = ({ id }: { id: string }) => {
  const { data, error, reload } = useWatched(
    id,
    async () => ok(await api.GET("/api/v3/assets/{asset_id}", { params: { path: { asset_id: id } } })),
    (asset) => asset.status === "pending",
  );
  const dialog = useSignal<"edit" | "delete" | null>(null);
  const asset = data.value;
  if (!asset) {
    return (
      <Page title="Asset" above={[["Assets", "/assets"]]}>
        {error.value ? <Trouble refused={error.value} again={reload} /> : <Loading />}
      </Page>
    );
  }
  const { client_id: client } = asset;
  const list = client ? `/clients/${client}?view=assets` : "/assets";
  const editable = mayEdit(asset);
  return (
    <Page
      title={asset.filename}
      above={client ? [["Clients", "/clients"], [nameOf("client", client).value?.name ?? "Client", `/clients/${client}`], ["Assets", list]] : [["Assets", list]]}
      note={
        <>
          <Status is={asset.status} />
          {isShared(asset) && (
            <span class="badge">
              <Icon name="people" /> shared with you
            </span>
          )}
        </>
      }
      actions={
        <>
          {mayDelete(asset) && (
            <Button kind="danger" onClick={() => (dialog.value = "delete")}>
              Delete
            </Button>
          )}
          {editable && <Button onClick={() => (dialog.value = "edit")}>Rename</Button>}
        </>
      }
    >
      <div class="detail">
        <div class="stage">{asset.url ? <Large output={{ ...asset, ...asset.normalized, url: asset.normalized?.url ?? asset.url }} alt={asset.filename} /> : <Nothing asset={asset} />}</div>
        <div class="facts">
          <Trouble refused={error.value} />
          <Facts asset={asset} />
          {editable && asset.status === "ready" && <Uses asset={asset} />}
          <div class="row">
            {asset.url && (
              <a class="button" href={asset.url} download target="_blank" rel="noreferrer">
                Download
              </a>
            )}
            <span class="gap" />
            <CopyCurl of={() => ({ path: `/api/v3/assets/${id}` })} />
          </div>
        </div>
      </div>
      {dialog.value === "edit" && <Edit asset={asset} onClose={() => (dialog.value = null)} onSaved={(changed) => (data.value = changed)} />}
      {dialog.value === "delete" && <Removal asset={asset} onClose={() => (dialog.value = null)} onDone={() => go(to(list))} />}
    </Page>
  );
};

const Nothing = ({ asset }: { asset: AssetShape }) => (
  <div class={`nothing ${asset.status}`}>
    {asset.error ? (
      <>
        <p class="title">{asset.error.message}</p>
        <p class="dim">
          <code>{asset.error.code}</code> · kept for seven days, so that it can be read
        </p>
      </>
    ) : (
      <p class="title">Its file is not there yet, or is being checked</p>
    )}
  </div>
);

/** What can be generated from it, with the models that there are. */
const Uses = ({ asset }: { asset: AssetShape }) => {
  const models = useLoaded("models", loadModels);
  if (!models.data.value) return <Trouble refused={models.error.value} again={models.reload} />;
  const uses = FROM_ASSET[asset.purpose].filter(([type, role]) => offeredFor(type).some((each) => each.inputs.some((input) => input.role === role)));
  if (!uses.length) return <p class="dim">No model takes {asset.purpose === "audio" ? "sounds" : "films"} yet.</p>;
  return (
    <div class="row" role="group" aria-label="Make from this file">
      {uses.map(([type, , name]) => (
        <Button key={type} onClick={() => go(to("/generate", { asset: asset.id, type }))}>
          {name}
        </Button>
      ))}
    </div>
  );
};

const sizeOf = ({ width, height }: { width: number | null; height: number | null }) => (width && height ? `, ${width} × ${height}` : "");

const Facts = ({ asset }: { asset: AssetShape }) => (
  <dl class="facts">
    <dt>For</dt>
    <dd>{PURPOSES.find(([each]) => each === asset.purpose)?.[1]}</dd>
    <dt>File</dt>
    <dd>
      {asset.content_type}
      {sizeOf(asset)}
      {asset.duration !== null && `, ${seconds(asset.duration)}`}, {bytes(asset.size)}
    </dd>
    {asset.normalized && (
      <>
        <dt>For models</dt>
        <dd>
          {asset.normalized.content_type}
          {sizeOf(asset.normalized)}, {bytes(asset.normalized.size)}
        </dd>
      </>
    )}
    <dt>Client</dt>
    <dd>{asset.client_id ? <a href={to(`/clients/${asset.client_id}`)}>{nameOf("client", asset.client_id).value?.name ?? asset.client_id.slice(-8)}</a> : "none"}</dd>
    {asset.source && (
      <>
        <dt>Made of</dt>
        <dd>
          <a href={to(`/tasks/${asset.source.task_id}`)}>output {asset.source.output + 1} of a task</a>
        </dd>
      </>
    )}
    <dt>Created</dt>
    <dd>
      <Time at={asset.created_at} /> by user {asset.created_by}
    </dd>
    {asset.sha256 && (
      <>
        <dt>SHA-256</dt>
        <dd>
          <code>{asset.sha256}</code>
        </dd>
      </>
    )}
    <dt>Id</dt>
    <dd>
      <code>{asset.id}</code>
    </dd>
  </dl>
);

const mediumOf = (purpose: AssetShape["purpose"]) => (purpose === "video" || purpose === "audio" ? purpose : "image");

const Edit = ({ asset, onClose, onSaved }: { asset: AssetShape; onClose: () => void; onSaved: (asset: AssetShape) => void }) => {
  const filename = useSignal(asset.filename);
  const purpose = useSignal(asset.purpose);
  const body = () => ({ filename: filename.value, purpose: purpose.value });
  const save = useAction(async () => {
    onSaved(ok(await api.PATCH("/api/v3/assets/{asset_id}", { params: { path: { asset_id: asset.id } }, body: body() })));
    onClose();
  });
  const error = save.error.value;
  return (
    <FormDialog
      title="Rename asset"
      submit="Save"
      busy={save.isRunning.value}
      error={error}
      request={() => ({ method: "PATCH", path: `/api/v3/assets/${asset.id}`, body: body() })}
      onClose={onClose}
      onSubmit={() => void save.run()}
    >
      <Field label="Filename" error={faultOf(error, "filename")}>
        {(id, about) => (
          <input id={id} aria-describedby={about} required maxLength={255} value={filename.value} onInput={(event) => (filename.value = event.currentTarget.value)} autofocus />
        )}
      </Field>
      <Field label="For" error={faultOf(error, "purpose")}>
        {(id, about) => (
          <select id={id} aria-describedby={about} value={purpose.value} onChange={(event) => (purpose.value = event.currentTarget.value as AssetShape["purpose"])}>
            {PURPOSES.filter(([each]) => mediumOf(each) === mediumOf(asset.purpose)).map(([each, name]) => (
              <option key={each} value={each}>
                {name}
              </option>
            ))}
          </select>
        )}
      </Field>
    </FormDialog>
  );
};

const Removal = ({ asset, onClose, onDone }: { asset: AssetShape; onClose: () => void; onDone: () => void }) => {
  const remove = useAction(async () => {
    ok(await api.DELETE("/api/v3/assets/{asset_id}", { params: { path: { asset_id: asset.id } } }));
    say(`${asset.filename} is deleted.`);
    onDone();
  });
  return (
    <FormDialog
      title={`Delete ${asset.filename}?`}
      submit="Delete asset"
      danger
      busy={remove.isRunning.value}
      error={remove.error.value}
      request={() => ({ method: "DELETE", path: `/api/v3/assets/${asset.id}` })}
      onClose={onClose}
      onSubmit={() => void remove.run()}
    >
      <p>
        {asset.status === "ready" ? `With it go its file of ${bytes(asset.size)} and the copies that were made of it. ` : ""}Tasks that were made from it stay, and no longer
        name it; one that its provider has not been sent yet fails. This cannot be undone.
      </p>
    </FormDialog>
  );
};
