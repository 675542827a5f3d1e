// The gallery that a picture was opened from: what "next" and "previous" are, and where "back" leads.
import { signal } from "@preact/signals";
import type { Listed } from "./loading";
import type { Passed } from "./long-list";

export interface Trail {
  list: Pick<Listed<Passed>, "items" | "hasMore" | "more">;
  back: string;
}

export const trail = signal<Trail | null>(null);
