"""Mutants of sharing: who is let in, what a guest may do, and when it ends."""

from typing import Final

from tests.mutants import DOMAIN, STORE, Mutant

SHARING: Final = "tests/integration/test_sharing.py"
LISTS: Final = "tests/integration/test_shared_lists.py"
ROUTES: Final = "tests/integration/test_sharing_routes.py"

MUTANTS: Final = (
    Mutant(
        "a guest's write does not demand the grant",
        f"{STORE}/received.py",
        "    if not grants:\n        return []",
        "    return []",
        SHARING,
    ),
    Mutant(
        "a guest's new task does not demand the grant",
        f"{STORE}/tasks.py",
        "Change([*still_granted(access, *also), *counted, ",
        "Change([*counted, ",
        SHARING,
    ),
    Mutant(
        "an expired share lets its guest in",
        f"{STORE}/received.py",
        "for each in all_grants(summary) if each.is_live(access.at))",
        "for each in all_grants(summary))",
        SHARING,
    ),
    Mutant(
        "a guest may do what a viewer may not",
        f"{DOMAIN}/sharing.py",
        "if each.role.includes(least) and role is not None and role.includes(least):",
        "if True:",
        ROUTES,
    ),
    Mutant(
        "an editor may delete what was shared itself",
        f"{DOMAIN}/sharing.py",
        "DELETE: Final = Needs(itself=Role.ADMIN,",
        "DELETE: Final = Needs(itself=Role.EDITOR,",
        ROUTES,
    ),
    Mutant(
        "an editor manages shares",
        f"{DOMAIN}/sharing.py",
        "MANAGE: Final = Needs(itself=Role.ADMIN, below=Role.ADMIN)",
        "MANAGE: Final = Needs(itself=Role.EDITOR, below=Role.EDITOR)",
        ROUTES,
    ),
    Mutant(
        "the token does not limit a guest",
        f"{DOMAIN}/sharing.py",
        "if each.role.includes(least) and role is not None and role.includes(least):",
        "if each.role.includes(least):",
        SHARING,
    ),
    Mutant(
        "a share of one campaign covers its account",
        f"{DOMAIN}/sharing.py",
        "if self.kind == ACCOUNT:\n            return True",
        "if self.kind != 'client':\n            return True",
        ROUTES,
    ),
    Mutant(
        "anybody ends the shares of others",
        "functions/shares/app.py",
        "if guest != access.actor and access.role is not Role.ADMIN:",
        "if False:",
        SHARING,
    ),
    Mutant(
        "any number of shares is received",
        f"{STORE}/received.py",
        "condition=Attr(name).not_exists() & is_room,",
        "condition=Attr(name).not_exists(),",
        SHARING,
    ),
    Mutant(
        "an invitation survives being accepted",
        f"{STORE}/shares.py",
        "                *self._without(self._invitations.kind, invitation, access, now=access.at),\n"
        "                *self._written(",
        "                *self._written(",
        SHARING,
    ),
    Mutant(
        "an expired invitation is accepted",
        f"{STORE}/shares.py",
        "not known or found.expires_at <= format_timestamp(access.at)",
        "not known",
        SHARING,
    ),
    Mutant(
        "an invitation is accepted without its secret",
        f"{STORE}/shares.py",
        "compare_digest(found.digest, token.digest)",
        "True",
        SHARING,
    ),
    Mutant(
        "an invitation is accepted by an unverified address",
        "layers/common/atelier/web/claims.py",
        "email if is_verified else None",
        "email",
        SHARING,
    ),
    Mutant(
        "an admin of less than an account",
        f"{DOMAIN}/shares.py",
        'if role == "admin" and kind != ACCOUNT:',
        "if False:",
        SHARING,
    ),
    Mutant(
        "grants outlive their resource",
        f"{STORE}/cascade.py",
        'return _without_grant if child.endswith("_share") else None',
        "return None",
        SHARING,
    ),
    Mutant(
        "an expired share takes up the room of a new one",
        f"{STORE}/shares.py",
        "if not received.is_full(summary, self._kind):",
        "if True:",
        SHARING,
    ),
    Mutant(
        "a delivery to who lost access is never given up",
        f"{DOMAIN}/webhook_delivery.py",
        'return _give_up(event, "who asked for it may no longer see the task", now=now)',
        "return None",
        SHARING,
    ),
    Mutant(
        "a webhook is signed for the owner instead of who asked",
        f"{DOMAIN}/webhook_delivery.py",
        "self.secrets.get_or_create(event.signer,",
        "self.secrets.get_or_create(event.account,",
        SHARING,
    ),
    Mutant(
        "a webhook is sent to who may no longer see the task",
        "functions/webhook_delivery/app.py",
        "Access.own(task.created_by, at=utcnow())",
        "Access.own(task.user_id, at=utcnow())",
        SHARING,
    ),
    Mutant(
        "lists have nothing of what is shared",
        f"{STORE}/resource_lists.py",
        "        return replace(own, shared=shared)\n",
        "        return own\n",
        LISTS,
    ),
    Mutant(
        "lists of tasks have nothing of what is shared",
        f"{STORE}/task_lists.py",
        "        return lists.read(table, replace(own, shared=shared), query)\n",
        "        return lists.read(table, own, query)\n",
        LISTS,
    ),
    Mutant(
        "what two grants cover is listed twice",
        f"{DOMAIN}/sharing.py",
        "if each.kind == ACCOUNT or (each.account not in accounts and each.client_id not in clients)",
        "if True",
        LISTS,
    ),
    Mutant(
        "the total leaves out what is shared",
        f"{STORE}/lists.py",
        "total = sum(self._total(part) for part in parts)",
        "total = self._total(own)",
        LISTS,
    ),
    Mutant(
        "a walk shows what is shared again with every page",
        f"{STORE}/lists.py",
        "        if self._cursor is None:\n            return behind\n",
        "        if True:\n            return behind\n",
        LISTS,
    ),
    Mutant(
        "a list in memory leaves out what is shared",
        f"{STORE}/lists.py",
        "matching = own + (_slim_rows(table, shared)[0] if shared else [])",
        "matching = own",
        LISTS,
    ),
    Mutant(
        "a single shared campaign is listed after its client is gone",
        f"{STORE}/resource_lists.py",
        "if not pending.hides(kind, item) and source.keeps(item)]",
        "if source.keeps(item)]",
        LISTS,
    ),
    Mutant(
        "an address that looks alike accepts an invitation",
        f"{DOMAIN}/shares.py",
        'return normalize("NFC", one).lower() == normalize("NFC", other).lower()',
        "return one.casefold() == other.casefold()",
        SHARING,
    ),
)
