// The types of tasks, as people call them.
import type { TaskType } from "./api";

/** What one is called, and what a list of them is called. */
export const TYPES: Readonly<Record<TaskType, readonly [string, string]>> = {
  image: ["Image", "Images"],
  video: ["Video", "Videos"],
  audio: ["Audio", "Audio"],
  edit: ["Edit", "Edits"],
  upscale: ["Upscale", "Upscales"],
  remove_background: ["Remove background", "Background removals"],
};

export type Medium = "image" | "video" | "audio";

/** What comes of it. */
export const mediumOf = (type: TaskType): Medium => (type === "video" || type === "audio" ? type : "image");

/** What a task is called: its prompt, or what it does where there is none. */
export const nameOfTask = ({ prompt, type }: { prompt: string; type: TaskType }) => prompt || TYPES[type][0];

/** For a filter. */
export const TYPE_CHOICES = [["", "Any"], ...Object.entries(TYPES).map(([type, [, many]]) => [type, many] as const)] as const;
