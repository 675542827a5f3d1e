// Imports and exports that were started in this browser, newest first: the API gives each of them by its id, and has no list.
import { signal } from "@preact/signals";
import { me } from "./session";

const MOST = 50;
const changes = signal(0);
const nameOf = (what: "imports" | "exports") => `atelier-${what}-${me.value?.user_id ?? 0}`;

export const kept = (what: "imports" | "exports"): readonly string[] => {
  void changes.value;
  try {
    const found: unknown = JSON.parse(localStorage.getItem(nameOf(what)) ?? "[]");
    return Array.isArray(found) ? found.filter((each) => typeof each === "string") : [];
  } catch {
    return [];
  }
};

const write = (what: "imports" | "exports", ids: readonly string[]) => {
  localStorage.setItem(nameOf(what), JSON.stringify(ids.slice(0, MOST)));
  changes.value++;
};

export const keep = (what: "imports" | "exports", id: string) => write(what, [id, ...kept(what).filter((each) => each !== id)]);
export const forget = (what: "imports" | "exports", id: string) => write(what, kept(what).filter((each) => each !== id));
