// Clients and campaigns by their ids, which is what tasks have of them: each is asked for once, whoever needs its name.
import { type Signal, signal } from "@preact/signals";
import { api, ok } from "./api";

export interface Named {
  name: string;
  user_id: number;
  client_id?: string;
  brand_guidelines?: string | null;
  brief?: string | null;
}

const known = new Map<string, Signal<Named | null | undefined>>();
const answers = new Map<string, { at: number; found: Promise<Named> }>();
/** For how long, in milliseconds, an answer serves other parts of the page. */
const JUST_NOW = 2000;

const load = async (type: "client" | "campaign", id: string): Promise<Named> =>
  type === "client"
    ? ok(await api.GET("/api/v3/clients/{client_id}", { params: { path: { client_id: id } } }))
    : ok(await api.GET("/api/v3/campaigns/{campaign_id}", { params: { path: { campaign_id: id } } }));

/** As it is now; parts of a page that ask at the same time share the answer. Throws Refused. */
export const wholeOf = (type: "client" | "campaign", id: string): Promise<Named> => {
  const last = answers.get(id);
  if (last && performance.now() - last.at < JUST_NOW) return last.found;
  const found = load(type, id);
  answers.set(id, { at: performance.now(), found });
  found.then(
    (named) => remember(id, named),
    () => answers.delete(id),
  );
  return found;
};

/** Undefined while it is asked for, null when it is gone. */
export const nameOf = (type: "client" | "campaign", id: string): Signal<Named | null | undefined> => {
  let found = known.get(id);
  if (!found) {
    const fresh = signal<Named | null | undefined>(undefined);
    known.set(id, fresh);
    found = fresh;
    wholeOf(type, id).catch(() => {
      fresh.value = null;
    });
  }
  return found;
};

export const remember = (id: string, named: Named) => {
  const found = known.get(id);
  if (found) found.value = named;
  else known.set(id, signal<Named | null | undefined>(named));
};
