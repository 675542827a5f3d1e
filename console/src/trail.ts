// The gallery that a picture was opened from: what "next" and "previous" are, and where "back" leads.
import { signal } from "@preact/signals";
import type { TaskSummary } from "./api";
import type { Listed } from "./loading";
import type { Passed } from "./long-list";
import { nameOf } from "./names";
import { to } from "./router";

export interface Trail {
  list: Pick<Listed<TaskSummary | Passed>, "items" | "hasMore" | "more">;
  back: string;
}

export const trail = signal<Trail | null>(null);

const PLACES: Readonly<Record<string, string>> = { "": "Overview", generate: "Generate" };

/** Where "back" leads, and what that is called: for the line above a title. */
export const origin = (back = trail.value?.back ?? to("/work")) => {
  const path = back.slice(1);
  const [kind = "", id] = path.split("?", 1)[0]?.split("/").filter(Boolean) ?? [];
  const named = id && (kind === "clients" || kind === "campaigns") ? nameOf(kind === "clients" ? "client" : "campaign", id).value?.name : undefined;
  return [[named ?? PLACES[kind] ?? "Work", path]] as const;
};

/** Show a task there as it is now. */
export const inTrail = (task: Passed) => {
  const items = trail.value?.list.items;
  if (items) items.value = items.value.map((each) => (each.id === task.id ? task : each));
};
