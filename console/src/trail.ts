// The gallery that a picture was opened from: what "next" and "previous" are, and where "back" leads.
import { signal } from "@preact/signals";
import type { TaskSummary } from "./api";
import type { Listed } from "./loading";

export interface Trail {
  list: Pick<Listed<TaskSummary>, "items" | "hasMore" | "more">;
  back: string;
}

export const trail = signal<Trail | null>(null);
