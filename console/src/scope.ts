// An account, a client or a campaign: what has a budget, shares and invitations.

export type Scope = { kind: "account" } | { kind: "client" | "campaign"; id: string };

export const pathOf = (scope: Scope) => (scope.kind === "account" ? "/api/v3/account" : `/api/v3/${scope.kind}s/${scope.id}`);
