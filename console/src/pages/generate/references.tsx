// Pictures that a model takes beside the prompt, in the roles that its entry names. Nothing where it takes none.
import { useSignal } from "@preact/signals";
import { type Refused, type TaskSummary, type TaskType, api, ok } from "../../api";
import { Button, Empty, Loading, Trouble, faultOf } from "../../components/basics";
import { Dialog } from "../../components/dialog";
import { Thumbnail } from "../../components/media";
import { useLoaded } from "../../loading";
import { type InputInfo, change, chosen, draft, mode } from "./draft";

const NAMES: Record<InputInfo["role"], string> = {
  reference: "References",
  start_image: "First image",
  end_image: "Last image",
  mask: "Mask",
  video: "Video",
  audio: "Audio",
};
const howMany = ({ least, most }: InputInfo) => (least === 0 ? `up to ${most}` : least === most ? String(most) : `${least} to ${most}`);
const typeOf = ({ formats }: InputInfo) => (formats[0]?.split("/", 1)[0] ?? "image") as TaskType;

export const References = ({ error }: { error: Refused | undefined }) => {
  const role = useSignal<InputInfo | null>(null);
  const infos = chosen.value.length === 1 && chosen.value[0] ? chosen.value[0].inputs : [];
  if (!infos.length || mode.value === "matrix") return null;
  const fault = faultOf(error, "inputs") ?? error?.problem.errors?.find((each) => each.pointer?.startsWith("/inputs/"))?.detail;
  return (
    <section class="references" aria-label="Files for the model">
      {infos.map((info) => {
        const given = draft.value.inputs.filter((each) => each.role === info.role);
        return (
          <div key={info.role} class="field">
            <p>
              <b>{NAMES[info.role]}</b> <span class="dim">{howMany(info)}</span>
            </p>
            <div class="row">
              {given.map((each) => (
                <span key={`${each.task_id} ${each.output}`} class="reference">
                  {each.thumbnail ? <img src={each.thumbnail} alt={each.name} /> : each.name}
                  <Button
                    icon="close"
                    aria-label={`Without ${each.name}`}
                    onClick={() => change({ inputs: draft.value.inputs.filter((other) => other !== each) })}
                  />
                </span>
              ))}
              {given.length < info.most && (
                <Button icon="image" onClick={() => (role.value = info)}>
                  From the gallery
                </Button>
              )}
            </div>
          </div>
        );
      })}
      {fault && <p class="field bad">{fault}</p>}
      {role.value && <Gallery info={role.value} onClose={() => (role.value = null)} />}
    </section>
  );
};

const Gallery = ({ info, onClose }: { info: InputInfo; onClose: () => void }) => {
  const { client, campaign } = draft.value;
  const below = campaign ? { campaign_id: campaign.id } : client ? { client_id: client.id } : {};
  const type = typeOf(info);
  const { data, error, reload } = useLoaded(JSON.stringify([below, type]), async () => {
    const query = { ...below, type: [type], status: ["succeeded" as const], page_size: 60 };
    return ok(await api.GET("/api/v3/tasks", { params: { query } })).items;
  });
  const pick = (task: TaskSummary) => {
    const thumbnail = task.outputs[0]?.thumbnail_url ?? null;
    change({ inputs: [...draft.value.inputs, { role: info.role, task_id: task.id, output: 0, thumbnail, name: task.prompt }] });
    onClose();
  };
  return (
    <Dialog title={NAMES[info.role]} onClose={onClose}>
      <Trouble refused={error.value} again={reload} />
      {!data.value && !error.value && <Loading />}
      {data.value?.length === 0 && <Empty title="There is nothing here to choose from" />}
      <div class="choose">
        {data.value?.map((task) => (
          <button key={task.id} type="button" aria-label={task.prompt} onClick={() => pick(task)}>
            <Thumbnail task={task} />
          </button>
        ))}
      </div>
    </Dialog>
  );
};
