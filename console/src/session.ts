// Who is signed in, and what they may do where: the lower of the token's role and what was shared with them. The API
// decides; this keeps buttons away that it would refuse.
import { computed, signal } from "@preact/signals";
import { type Role, type Schema, api, ok } from "./api";

export const me = signal<Schema["Me"] | null>(null);
export const received = signal<readonly Schema["ReceivedShare"][]>([]);

const RANK: Record<Role, number> = { viewer: 1, editor: 2, admin: 3 };

/** Load both. Throws Refused. */
export const loadSession = async () => {
  const mine = ok(await api.GET("/api/v3/me"));
  const shares: Schema["ReceivedShare"][] = [];
  let cursor: string | undefined;
  // A token without a role may ask for nothing but itself.
  while (mine.role) {
    const query = cursor ? { page_size: 100, cursor } : { page_size: 100 };
    const page = ok(await api.GET("/api/v3/shares", { params: { query } }));
    shares.push(...page.items);
    if (!page.next_cursor) break;
    cursor = page.next_cursor;
  }
  received.value = shares;
  me.value = mine;
};

export interface Owned {
  user_id: number;
  id?: string;
  client_id?: string | null;
  campaign_id?: string | null;
}

const rank = (role: string | null | undefined) => RANK[role as Role] ?? 0;
const own = computed(() => rank(me.value?.role));

const shared = (thing: Owned, ids: readonly (string | null | undefined)[]) =>
  Math.max(
    0,
    ...received.value
      .filter((each) => each.resource.user_id === thing.user_id)
      .filter((each) => each.resource.type === "account" || ids.includes(each.resource.id))
      .map((each) => rank(each.role)),
  );

const at = (thing: Owned, ids: readonly (string | null | undefined)[]) =>
  thing.user_id === me.value?.user_id ? own.value : Math.min(own.value, shared(thing, ids));

/** Whether somebody else's, shared with whoever is signed in. */
export const isShared = (thing: Owned) => thing.user_id !== me.value?.user_id;

/** Change it, and what is below it. */
export const mayEdit = (thing: Owned) => at(thing, [thing.id, thing.client_id, thing.campaign_id]) >= RANK.editor;

/** Delete it itself: who was given it alone may not. */
export const mayDelete = (thing: Owned) => at(thing, [thing.client_id, thing.campaign_id]) >= RANK.editor;

/** Its shares, invitations and budget. */
export const mayManage = (thing: Owned) => at(thing, []) >= RANK.admin;

/** Create in one's own account. */
export const mayCreate = computed(() => own.value >= RANK.editor);
