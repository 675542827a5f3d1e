// Names of clients and campaigns, which tasks have by id only: each is asked for once.
import { type Signal, signal } from "@preact/signals";
import { api, ok } from "./api";

export interface Named {
  name: string;
  user_id: number;
  client_id?: string;
}

const known = new Map<string, Signal<Named | null | undefined>>();

const load = async (type: "client" | "campaign", id: string): Promise<Named> =>
  type === "client"
    ? ok(await api.GET("/api/v3/clients/{client_id}", { params: { path: { client_id: id } } }))
    : ok(await api.GET("/api/v3/campaigns/{campaign_id}", { params: { path: { campaign_id: id } } }));

/** Undefined while it is asked for, null when it is gone. */
export const nameOf = (type: "client" | "campaign", id: string): Signal<Named | null | undefined> => {
  let found = known.get(id);
  if (!found) {
    const fresh = signal<Named | null | undefined>(undefined);
    known.set(id, fresh);
    found = fresh;
    load(type, id).then(
      (named) => {
        fresh.value = named;
      },
      () => {
        fresh.value = null;
      },
    );
  }
  return found;
};

export const remember = (id: string, named: Named) => {
  const found = known.get(id);
  if (found) found.value = named;
  else known.set(id, signal<Named | null | undefined>(named));
};
