// What a task is made from: an output of another task, or an asset.
import { type Schema, type TaskType, api, ok } from "../../api";
import { nameOfTask } from "../../types";
import type { Asset } from "../../upload";

export type InputRole = Schema["InputRole"];
export type Source = { asset_id: string } | { task_id: string; output: number };

export interface Input {
  role: InputRole;
  source: Source;
  name: string;
  /** To show it. */
  thumbnail: string | null;
}

export const ROLES: Readonly<Record<InputRole, string>> = {
  reference: "Reference",
  start_image: "First image",
  end_image: "Last image",
  mask: "Mask",
  video: "Video",
  audio: "Audio",
};

/** What can be made from a picture: the role that it has, and what the button for it is called. */
export const FROM_PICTURE: readonly (readonly [TaskType, InputRole, string])[] = [
  ["edit", "reference", "Edit"],
  ["upscale", "reference", "Upscale"],
  ["remove_background", "reference", "Remove background"],
  ["video", "start_image", "Animate"],
];

/** What can be made from an asset, by what it is for. */
export const FROM_ASSET: Readonly<Record<Schema["Purpose"], typeof FROM_PICTURE>> = {
  reference: FROM_PICTURE,
  logo: FROM_PICTURE,
  mask: [["edit", "mask", "Edit with this mask"]],
  video: [["video", "video", "Make a video"]],
  audio: [
    ["video", "audio", "Make a video"],
    ["audio", "audio", "Make a sound"],
  ],
};

/** Where it is, as a task says: null when it was deleted. */
export const sourceOf = ({ asset_id, task_id, output }: Schema["TaskInput"]): Source | null =>
  asset_id ? { asset_id } : task_id ? { task_id, output: output ?? 0 } : null;

export const ofAsset = (role: InputRole, { id, filename, thumbnail_url }: Asset): Input => ({
  role,
  source: { asset_id: id },
  name: filename,
  thumbnail: thumbnail_url,
});

/** An input with what there is to see of it. Throws Refused when it is gone or somebody else's. */
export const shown = async (role: InputRole, source: Source): Promise<Input> => {
  if ("asset_id" in source) {
    return ofAsset(role, ok(await api.GET("/api/v3/assets/{asset_id}", { params: { path: { asset_id: source.asset_id } } })));
  }
  const task = ok(await api.GET("/api/v3/tasks/{task_id}", { params: { path: { task_id: source.task_id } } }));
  const output = task.outputs[source.output];
  return { role, source, name: nameOfTask(task), thumbnail: output?.thumbnail_url ?? null };
};
