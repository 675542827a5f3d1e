"""Who may do what with what is shared: the table of docs/sharing.md as data, which knows nothing of the code.

`OPERATIONS` says of every operation of the document what it does and to what. From that, from the shares that there are
and from the role of the token `Model.status` decides what the answer is.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

Route = tuple[str, str]
Json = dict[str, Any]

ROLES: Final = ("viewer", "editor", "admin")
KINDS: Final = ("client", "campaign", "task")
BELOW: Final = ("campaign", "asset")
"""What goes with its client."""
PRIVATE: Final = ("import", "export")
"""What is seen by who asked for it, with whomever the account is shared."""


class Act(NamedTuple):
    """The least role that an act takes: of a share on what was shared itself and on what is below it; of the token."""

    itself: str
    below: str
    token: str


READ: Final = Act("viewer", "viewer", "viewer")
CHANGE: Final = Act("editor", "editor", "editor")
"""Also what creates something below."""
DELETE: Final = Act("admin", "editor", "editor")
MANAGE: Final = Act("admin", "admin", "admin")
SECRET: Final = MANAGE._replace(token="editor")
"""One's own takes less than that of somebody else, of which the lower of both roles is asked."""


class Operation(NamedTuple):
    """An act on a client, campaign, task or account, the status when it is done, and a good body."""

    act: Act
    on: str
    done: int = 200
    body: Json | None = None


OF_NOBODY: Final = "nobody's"
"""What has nothing to do with whose something is."""
LISTED: Final = "a list"
"""Answered for everybody, with what they may see."""
REPORT: Final = "a report"
"""As far as anything of an account is shared; there is nothing to report to whom nothing is."""
ACCEPT: Final = "accept"
"""For who has the token."""

_BOAT: Final[Json] = {"prompt": "A boat"}
_CAMPAIGN: Final[Json] = {"name": "Launch", "goal": "Sell"}
_ASSET: Final[Json] = {
    "filename": "a.png",
    "content_type": "image/png",
    "size": 9,
    "sha256": "0" * 64,
    "purpose": "logo",
}
_VIEWER: Final[Json] = {"role": "viewer"}
_GENERATED: Final[dict[str, tuple[str, Json]]] = {
    "image": ("campaign", {**_BOAT, "campaign_id": "{campaign_id}"}),
    "video": ("client", {**_BOAT, "client_id": "{client_id}"}),
    "audio": ("account", {**_BOAT, "user_id": "{account}"}),
}
_EDIT: Final[Json] = {
    **_BOAT,
    "client_id": "{client_id}",
    "inputs": [{"role": "reference", "task_id": "{task_id}", "output": 0}],
}
_SCOPES: Final = {"client": "/clients/{client_id}", "campaign": "/campaigns/{campaign_id}", "account": "/account"}


def _managed(kind: str, path: str) -> dict[Route, Operation]:
    """Shares, invitations and budget of a kind of resource."""
    return {
        ("GET", f"{path}/shares"): Operation(MANAGE, kind),
        ("PUT", f"{path}/shares/{{user_id}}"): Operation(MANAGE, kind, 200, _VIEWER),
        ("DELETE", f"{path}/shares/{{user_id}}"): Operation(MANAGE, kind, 204),
        ("GET", f"{path}/invitations"): Operation(MANAGE, kind),
        ("POST", f"{path}/invitations"): Operation(MANAGE, kind, 201, _VIEWER),
        ("DELETE", f"{path}/invitations/{{invitation_id}}"): Operation(MANAGE, kind, 204),
        ("PUT", f"{path}/budget"): Operation(MANAGE, kind, 200, {"limit": 5}),
        ("GET", f"{path}/budget"): Operation(READ, kind),
        ("DELETE", f"{path}/budget"): Operation(MANAGE, kind, 204),
    }


OPERATIONS: Final[dict[Route, Operation | str]] = {
    ("GET", "/health"): OF_NOBODY,
    ("HEAD", "/health"): OF_NOBODY,
    ("GET", "/openapi.json"): OF_NOBODY,
    ("POST", "/webhooks/{provider}"): OF_NOBODY,
    ("GET", "/me"): OF_NOBODY,
    ("GET", "/providers"): OF_NOBODY,
    ("GET", "/models"): OF_NOBODY,
    ("POST", "/models"): OF_NOBODY,
    ("GET", "/models/{model_id}"): OF_NOBODY,
    ("PATCH", "/models/{model_id}"): OF_NOBODY,
    ("DELETE", "/models/{model_id}"): OF_NOBODY,
    ("GET", "/clients"): LISTED,
    ("GET", "/campaigns"): LISTED,
    ("GET", "/tasks"): LISTED,
    ("GET", "/assets"): LISTED,
    ("GET", "/shares"): LISTED,
    ("GET", "/activity"): LISTED,
    ("GET", "/reports/usage"): REPORT,
    ("POST", "/invitations/accept"): ACCEPT,
    ("GET", "/exports"): LISTED,
    ("POST", "/exports"): Operation(READ, "campaign", 202, {"campaign_id": "{campaign_id}"}),
    ("GET", "/exports/{export_id}"): Operation(READ, "export"),
    ("DELETE", "/exports/{export_id}"): Operation(READ, "export", 204),
    ("GET", "/imports"): LISTED,
    ("POST", "/imports"): OF_NOBODY,
    ("GET", "/imports/{import_id}"): Operation(READ, "import"),
    ("GET", "/imports/{import_id}/failures"): Operation(READ, "import"),
    ("POST", "/imports/{import_id}/start"): Operation(CHANGE, "import", 409),  # its file was not uploaded
    ("POST", "/imports/{import_id}/cancel"): Operation(CHANGE, "import"),
    ("POST", "/assets"): Operation(CHANGE, "client", 201, {**_ASSET, "client_id": "{client_id}"}),
    ("GET", "/assets/{asset_id}"): Operation(READ, "asset"),
    ("PATCH", "/assets/{asset_id}"): Operation(CHANGE, "asset", 200, {"filename": "By {caller}"}),
    ("POST", "/assets/{asset_id}/complete"): Operation(CHANGE, "asset", 409),  # its file was not uploaded
    ("POST", "/tasks/{task_id}/outputs/{number}/asset"): Operation(READ._replace(token="editor"), "task", 409, {}),
    ("GET", "/account"): Operation(READ, "account"),
    ("GET", "/webhook-secret"): Operation(SECRET, "account"),
    ("POST", "/webhook-secret"): Operation(MANAGE, "account"),
    ("POST", "/clients"): Operation(CHANGE, "account", 201, {"name": "Acme", "user_id": "{account}"}),
    ("GET", "/clients/{client_id}"): Operation(READ, "client"),
    ("PATCH", "/clients/{client_id}"): Operation(CHANGE, "client", 200, {"description": "By {caller}"}),
    ("GET", "/clients/{client_id}/campaigns"): Operation(READ, "client"),
    ("POST", "/clients/{client_id}/campaigns"): Operation(CHANGE, "client", 201, _CAMPAIGN),
    ("POST", "/campaigns"): Operation(CHANGE, "client", 201, {**_CAMPAIGN, "client_id": "{client_id}"}),
    ("GET", "/campaigns/{campaign_id}"): Operation(READ, "campaign"),
    ("PATCH", "/campaigns/{campaign_id}"): Operation(CHANGE, "campaign", 200, {"brief": "By {caller}"}),
    **{("POST", f"/generate/{each}"): Operation(CHANGE, on, 202, body) for each, (on, body) in _GENERATED.items()},
    **{
        ("POST", f"/generate/{each}/estimate"): Operation(CHANGE, on, 200, body)
        for each, (on, body) in _GENERATED.items()
    },
    **{
        ("POST", f"/generate/{each}{what}"): Operation(CHANGE, "client", 400, _EDIT)  # the task has no outputs
        for each in ("edit", "upscale", "remove-background")
        for what in ("", "/estimate")
    },
    # Each batch, and each matrix, has one item, whose status counts.
    ("POST", "/clients/batch"): Operation(
        CHANGE, "client", 200, {"op": "update", "id": "{client_id}", "body": {"description": "By {caller}"}}
    ),
    ("POST", "/campaigns/batch"): Operation(
        CHANGE, "client", 201, {"op": "create", "body": {**_CAMPAIGN, "client_id": "{client_id}"}}
    ),
    ("POST", "/tasks/batch"): Operation(
        CHANGE, "task", 200, {"op": "update", "id": "{task_id}", "body": {"tags": ["{caller}"]}}
    ),
    ("POST", "/generate/batch"): Operation(CHANGE, "account", 202, {"type": "image", **_BOAT, "user_id": "{account}"}),
    ("POST", "/generate/matrix"): Operation(CHANGE, "account", 202, {"type": "image", **_BOAT, "user_id": "{account}"}),
    ("GET", "/tasks/{task_id}"): Operation(READ, "task"),
    ("GET", "/tasks/{task_id}/result"): Operation(READ, "task", 409),  # it was canceled
    ("POST", "/tasks/{task_id}/cancel"): Operation(CHANGE, "task"),
    ("POST", "/tasks/{task_id}/retry"): Operation(CHANGE, "task", 202),
    ("POST", "/tasks/{task_id}/webhook"): Operation(CHANGE, "task", 409),  # it has none
    ("PATCH", "/tasks/{task_id}"): Operation(CHANGE, "task", 200, {"tags": ["{caller}"]}),
    ("PUT", "/tasks/{task_id}/cost"): Operation(MANAGE, "task", 200, {"actual": 0.04}),
    **{route: operation for kind, path in _SCOPES.items() for route, operation in _managed(kind, path).items()},
    ("DELETE", "/tasks/{task_id}"): Operation(DELETE, "task", 204),
    ("DELETE", "/assets/{asset_id}"): Operation(DELETE, "asset", 204),
    ("DELETE", "/campaigns/{campaign_id}"): Operation(DELETE, "campaign", 204),
    ("DELETE", "/clients/{client_id}"): Operation(DELETE, "client", 204),
}


@dataclass(frozen=True)
class Thing:
    """A client, a campaign, a task or an account: its id, whose it is, and what is above it."""

    kind: str
    id: str
    account: int
    client_id: str | None = None
    campaign_id: str | None = None

    @property
    def places(self) -> set[tuple[str, str | None]]:
        """What a share may be of that covers it: itself, and all above it."""
        if self.kind in PRIVATE:
            return set()
        above = {("account", str(self.account)), ("client", self.client_id), ("campaign", self.campaign_id)}
        return {(self.kind, self.id), *above}


@dataclass
class Share:
    """A role of a guest on a thing, until it ends."""

    role: str
    ends: datetime | None = None


@dataclass
class Model:
    """What there is, and with whom it is shared."""

    things: dict[str, Thing] = field(default_factory=dict)
    shares: dict[tuple[str, str, int], Share] = field(default_factory=dict)
    budgets: set[tuple[str, str]] = field(default_factory=set)

    def live(self, caller: int, now: datetime) -> dict[tuple[str, str], str]:
        """What is shared with a user: the roles."""
        return {
            (kind, id_): share.role
            for (kind, id_, guest), share in self.shares.items()
            if guest == caller and (share.ends is None or now < share.ends)
        }

    def sees(self, thing: Thing, caller: int, now: datetime) -> bool:
        """Whether a user may read a thing."""
        return thing.account == caller or bool(thing.places & self.live(caller, now).keys())

    def status(self, operation: Operation, thing: Thing, caller: int, token: str, now: datetime) -> int:
        """What a good request is answered."""
        act, rank = operation.act, ROLES.index
        if rank(token) < rank(act.token):
            return 403
        if thing.kind != "account" and thing.id not in self.things:
            return 404
        if thing.account != caller:
            live = self.live(caller, now)
            covering = [(place, live[place]) for place in live if place in thing.places]
            if not covering:
                return 404
            if not any(
                min(rank(role), rank(token)) >= rank(act.itself if place == (thing.kind, thing.id) else act.below)
                for place, role in covering
            ):
                return 403
        return operation.done

    def reports(self, account: int, caller: int, now: datetime) -> bool:
        """Whether there is something of an account that a user may have reported."""
        shared = self.live(caller, now)
        things = [Thing("account", str(account), account), *self.things.values()]
        return account == caller or any(t.account == account and (t.kind, t.id) in shared for t in things)

    def delete(self, id_: str) -> None:
        """A thing goes, and with a client its campaigns and assets; tasks stay, shares and invitations do not."""
        gone = {each.id for each in self.things.values() if id_ in (each.id, each.kind in BELOW and each.client_id)}
        self.things = {
            each.id: Thing(
                each.kind,
                each.id,
                each.account,
                each.client_id if each.client_id not in gone else None,
                each.campaign_id if each.campaign_id not in gone else None,
            )
            for each in self.things.values()
            if each.id not in gone
        }
        self.shares = {key: share for key, share in self.shares.items() if key[1] not in gone}
        self.budgets = {key for key in self.budgets if key[1] not in gone}
