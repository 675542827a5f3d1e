// Files that a model takes beside the prompt, in the roles that its entry names. Nothing where it takes none.
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { type Refused, type Schema, type TaskSummary, type TaskType, api, ok } from "../../api";
import { Button, Empty, Loading, Progress, Trouble, faultOf } from "../../components/basics";
import { Dialog } from "../../components/dialog";
import { AssetThumbnail, Thumbnail } from "../../components/media";
import { useAction, useLoaded } from "../../loading";
import { TYPES, mediumOf, nameOfTask } from "../../types";
import { makeAsset } from "../../upload";
import { type InputInfo, change, draft, inputs } from "./draft";
import { type Input, ROLES, ofAsset } from "./inputs";

const PURPOSES: Partial<Record<InputInfo["role"], Schema["Purpose"]>> = { mask: "mask", video: "video", audio: "audio" };

const howMany = ({ least, most }: InputInfo) => (least === 0 ? `up to ${most}` : least === most ? String(most) : `${least} to ${most}`);
const nameOf = ({ role, most }: InputInfo) => (role !== "reference" ? ROLES[role] : most > 1 ? "References" : "Picture");
const add = (input: Input) => change({ inputs: [...draft.value.inputs, input] });
const clientOf = () => draft.value.campaign?.client_id ?? draft.value.client?.id;

export const References = ({ error }: { error: Refused | undefined }) => {
  const role = useSignal<InputInfo | null>(null);
  if (!inputs.value.length) return null;
  const fault = faultOf(error, "inputs") ?? error?.problem.errors?.find((each) => each.pointer?.includes("/inputs/"))?.detail;
  return (
    <section class="references" aria-label="Files for the model">
      {inputs.value.map((info) => {
        const given = draft.value.inputs.filter((each) => each.role === info.role);
        return (
          <div key={info.role} class="field">
            <p>
              <b>{nameOf(info)}</b> <span class="dim">{howMany(info)}</span>
            </p>
            {given.length > 0 && (
              <div class="row">
                {given.map((each) => (
                  <span key={JSON.stringify(each.source)} class="reference" title={each.name}>
                    {each.thumbnail ? <img src={each.thumbnail} alt={each.name} /> : each.name}
                    <Button
                      icon="close"
                      aria-label={`Without ${each.name}`}
                      onClick={() => change({ inputs: draft.value.inputs.filter((other) => other !== each) })}
                    />
                  </span>
                ))}
              </div>
            )}
            {given.length < info.most && <Adding info={info} room={info.most - given.length} onGallery={() => (role.value = info)} />}
          </div>
        );
      })}
      {fault && <p class="field bad">{fault}</p>}
      {role.value && <Gallery info={role.value} onClose={() => (role.value = null)} />}
    </section>
  );
};

interface AddingProps {
  info: InputInfo;
  room: number;
  onGallery: () => void;
}

/** From the gallery, or files that are dropped or chosen, which become assets of the client. */
const Adding = ({ info, room, onGallery }: AddingProps) => {
  const id = useId();
  const uploaded = useSignal<{ name: string; part: number } | null>(null);
  const send = useAction(async (files: readonly File[]) => {
    try {
      for (const file of files.slice(0, room)) {
        uploaded.value = { name: file.name, part: 0 };
        const kept = { purpose: PURPOSES[info.role] ?? "reference", client_id: clientOf() ?? null };
        add(ofAsset(info.role, await makeAsset(file, kept, (part) => (uploaded.value = { name: file.name, part }))));
      }
    } finally {
      uploaded.value = null;
    }
  });
  const now = uploaded.value;
  return (
    <>
      <div class="row">
        <Button icon="image" onClick={onGallery}>
          From the gallery
        </Button>
        {/* An asset without a client is one's own: the account of somebody else could not use it. */}
        {(clientOf() || !draft.value.account) && (
          <>
            <label class="hidden" for={id}>
              {nameOf(info)}: drop a file here, or choose one
            </label>
            <input
              id={id}
              class="drop"
              type="file"
              multiple={room > 1}
              accept={info.formats.join()}
              disabled={send.isRunning.value}
              onChange={({ currentTarget }) => {
                const files = [...(currentTarget.files ?? [])];
                currentTarget.value = "";
                void send.run(files);
              }}
            />
          </>
        )}
      </div>
      {now && (
        <div class="going">
          <Progress value={now.part} label="Upload" />
          <p class="dim" role="status">
            {now.part < 1 ? `${now.name} is uploaded` : `${now.name} is checked`}
          </p>
        </div>
      )}
      <Trouble refused={send.error.value} />
    </>
  );
};

interface GalleryProps {
  info: InputInfo;
  onClose: () => void;
}

/** What was made, or brought along, for the same client or campaign. */
const Gallery = ({ info, onClose }: GalleryProps) => {
  const isOfAssets = useSignal(false);
  return (
    <Dialog title={nameOf(info)} onClose={onClose}>
      <fieldset class="segments">
        <legend class="hidden">Where from</legend>
        {[false, true].map((each) => (
          <label key={String(each)}>
            <input type="radio" name="where-from" checked={isOfAssets.value === each} onChange={() => (isOfAssets.value = each)} />
            <span>{each ? "Assets" : "Work"}</span>
          </label>
        ))}
      </fieldset>
      {isOfAssets.value ? <FromAssets info={info} onClose={onClose} /> : <FromWork info={info} onClose={onClose} />}
    </Dialog>
  );
};

const SHOWN = 60;

const FromWork = ({ info, onClose }: GalleryProps) => {
  const { client, campaign } = draft.value;
  const below = campaign ? { campaign_id: campaign.id } : client ? { client_id: client.id } : {};
  const medium = info.formats[0]?.split("/", 1)[0] ?? "image";
  const { data, error, reload } = useLoaded(JSON.stringify([below, medium]), async () => {
    const type = (Object.keys(TYPES) as TaskType[]).filter((each) => mediumOf(each) === medium);
    const query = { ...below, type, status: ["succeeded" as const], page_size: SHOWN };
    return ok(await api.GET("/api/v3/tasks", { params: { query } })).items;
  });
  const pick = (task: TaskSummary) => {
    const thumbnail = task.outputs[0]?.thumbnail_url ?? null;
    add({ role: info.role, source: { task_id: task.id, output: 0 }, thumbnail, name: nameOfTask(task) });
    onClose();
  };
  return (
    <>
      <Trouble refused={error.value} again={reload} />
      {!data.value && !error.value && <Loading />}
      {data.value?.length === 0 && <Empty title="There is nothing here to choose from" />}
      <div class="choose">
        {data.value?.map((task) => (
          <button key={task.id} type="button" aria-label={nameOfTask(task)} onClick={() => pick(task)}>
            <Thumbnail task={task} />
          </button>
        ))}
      </div>
    </>
  );
};

const FromAssets = ({ info, onClose }: GalleryProps) => {
  const client = clientOf();
  const below = client ? { client_id: client } : { owner: draft.value.account || "me" };
  const purposes = PURPOSES[info.role] ? [PURPOSES[info.role]] : (["reference", "logo"] as const);
  const { data, error, reload } = useLoaded(JSON.stringify([below, purposes]), async () => {
    const pages = purposes.map((purpose) =>
      api.GET("/api/v3/assets", { params: { query: { ...below, ...(purpose ? { purpose } : {}), status: "ready", page_size: SHOWN } } }),
    );
    return (await Promise.all(pages)).flatMap((each) => ok(each).items);
  });
  return (
    <>
      <Trouble refused={error.value} again={reload} />
      {!data.value && !error.value && <Loading />}
      {data.value?.length === 0 && <Empty title={client ? "This client has no such asset" : "There is no such asset"} />}
      <div class="choose">
        {data.value?.map((asset) => (
          <button
            key={asset.id}
            type="button"
            aria-label={asset.filename}
            onClick={() => {
              add(ofAsset(info.role, asset));
              onClose();
            }}
          >
            <AssetThumbnail asset={asset} />
          </button>
        ))}
      </div>
    </>
  );
};
