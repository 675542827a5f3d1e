"""What each golden event of `events/` must lead to, whatever the function runs in: this process, or a container."""

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, cast

import boto3

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.activity_list import ActivityQuery
from atelier.domain.assets import AssetStatus, NewAsset
from atelier.domain.budgets import NewBudget
from atelier.domain.campaigns import CampaignStatus, NewCampaign
from atelier.domain.clients import NewClient
from atelier.domain.exports import NewExport
from atelier.domain.import_files import ImportFormat
from atelier.domain.imports import ImportStatus, ImportType, NewImport
from atelier.domain.model_lines import NewModel
from atelier.domain.reservations import Period, Scope
from atelier.domain.roles import Role
from atelier.domain.schema import utcnow
from atelier.domain.shares import InvitationFields, digest_of, invitation_end, token_text
from atelier.domain.sharing import SharedKind
from atelier.domain.task_creation import Parents, TaskIdentity, new_task
from atelier.domain.tasks.life_cycle import canceled, succeeded
from atelier.domain.tasks.record import Output, Task, TaskType
from atelier.domain.tasks.requests import NewImage
from atelier.settings import settings
from atelier.store import keys
from atelier.store.table import Write
from testbed.template import PROJECT
from tests.contract.conformity import check_answer

EVENTS: Final = PROJECT / "events"
ME: Final = Access.own(1, at=datetime(2026, 1, 31, tzinfo=UTC))  # when nothing of what is seeded has expired
CLIENT: Final = "019c13ec-9e00-7000-9b3c-5d7e9f024681"
CAMPAIGN: Final = "019c13ed-8860-7000-ac4e-6a8b0d1f3357"
TASK: Final = "019c13ee-72c0-7000-8d9b-8c7a6f5e4d3c"
CANCELED: Final = "019c13ef-5d20-7000-ba1b-2c3d4e5f6071"
DONE: Final = "019c13ef-5d20-7000-ba1b-2c3d4e5f6072"
OF_DONE: Final = {"role": "reference", "task_id": DONE, "output": 0}
GUEST: Final = 1000
INVITATIONS: Final = {
    "client": "019c13f1-0000-7000-8000-00000000000c",
    "campaign": "019c13f1-0000-7000-8000-00000000000d",
    "account": "019c13f1-0000-7000-8000-00000000000e",
}
EXPORT: Final = "019c13f2-0000-7000-8000-0000000000e1"
LINE: Final = "019c13f2-0000-7000-8000-0000000000f1"
FOREIGN: Final = "019c13f1-0000-7000-8000-0000000000f0"
SECRET: Final = "theirs-" * 6
IMPORT: Final = "019c13f2-0000-7000-8000-0000000000a1"
CONSOLE: Final = 200 if (PROJECT / "functions/system/console/index.html").exists() else 404  # until it is built
PAGES: Final = ("system.root", "system.console", "system.docs")
"""Beginnings of the names of requests that the API's document does not describe."""
ROWS: Final = b"name\nImported"
ASSET: Final = "019c13f2-0000-7000-8000-0000000000b1"
OF_ASSET: Final = {"asset_id": ASSET}
PICTURE: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
NEW_ASSET: Final = {
    "filename": "a.png",
    "content_type": "image/png",
    "size": len(PICTURE),
    "sha256": hashlib.sha256(PICTURE).hexdigest(),
    "purpose": "reference",
}
FILE: Final = f"media/1/{TASK}/0.png"

ANSWERS: Final = {
    "clients.create": 201,
    "clients.batch": 200,
    "clients.list": 200,
    "clients.get": 200,
    "clients.update": 200,
    "clients.delete": 204,
    "campaigns.create": 201,
    "campaigns.batch": 200,
    "campaigns.list": 200,
    "campaigns.get": 200,
    "campaigns.update": 200,
    "campaigns.delete": 204,
    "campaigns.create_for_client": 201,
    "campaigns.list_for_client": 200,
    "tasks.image": 202,
    "tasks.video": 202,
    "tasks.audio": 202,
    "tasks.edit": 202,
    "tasks.upscale": 202,
    "tasks.remove_background": 202,
    "tasks.estimate_edit": 200,
    "tasks.estimate_upscale": 200,
    "tasks.estimate_remove_background": 200,
    "tasks.estimate_image": 200,
    "tasks.estimate_video": 200,
    "tasks.estimate_audio": 200,
    "tasks.generate_batch": 200,
    "tasks.generate_matrix": 200,
    "tasks.batch_tasks": 200,
    "tasks.list_providers": 200,
    "tasks.list_models": 200,
    "tasks.create_model": 400,  # where its provider is not configured
    "tasks.get_model": 200,
    "tasks.update_model": 200,
    "tasks.retire_model": 204,
    "tasks.list_tasks": 200,
    "tasks.get_task": 200,
    "tasks.get_result": 202,
    "tasks.cancel_task": 200,
    "tasks.correct_task_cost": 409,  # it has not ended
    "tasks.retry_task": 202,
    "tasks.resend_webhook": 409,  # it has not ended
    "tasks.update_task": 200,
    "tasks.delete_task": 204,
    "account.get_me": 200,
    "account.get_account": 200,
    "account.set_account_budget": 200,
    "account.get_account_budget": 200,
    "account.delete_account_budget": 204,
    "account.set_client_budget": 200,
    "account.get_client_budget": 200,
    "account.delete_client_budget": 204,
    "account.set_campaign_budget": 200,
    "account.get_campaign_budget": 200,
    "account.delete_campaign_budget": 204,
    "account.get_webhook_secret": 200,
    "account.rotate_webhook_secret": 200,
    "imports.create": 202,
    "imports.list": 200,
    "imports.get": 200,
    "imports.failures": 200,
    "imports.start": 202,
    "imports.cancel": 200,
    "assets.create_asset": 201,
    "assets.list_assets": 200,
    "assets.get_asset": 200,
    "assets.update_asset": 200,
    "assets.delete_asset": 204,
    "asset_checks.complete_asset": 200,
    "asset_checks.create_asset_of_output": 409,  # the task has none yet
    "exports.create_export": 202,
    "exports.list_exports": 200,
    "exports.get_export": 200,
    "exports.delete_export": 204,
    "reports.get_usage_report": 200,
    "reports.list_activity": 200,
    "shares.list_received": 200,
    "shares.accept_invitation": 200,
    **{
        f"shares.{verb}_{kind}_{what}": status
        for kind in INVITATIONS
        for verb, what, status in (
            ("list", "shares", 200),
            ("put", "share", 200),
            ("delete", "share", 204),
            ("list", "invitations", 200),
            ("create", "invitation", 201),
            ("delete", "invitation", 204),
        )
    },
    "callbacks.fal": 404,  # where fal is not configured, it has nothing to report
    "system.health": 200,
    "system.head_health": 200,
    "system.openapi": 200,
    "system.root": 302,
    "system.console": CONSOLE,
    "system.console_asset": 404,  # of this name
    "system.docs": 200,
    "system.docs_asset": 200,
    "system.unknown_path": 404,
    "system.unknown_method": 405,
}
PASSED_ON: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "relay.task_created": ("generation", {"task_id": TASK, "step": 0, "user_id": 1}),
    "relay.client_deleted": ("cascade", {"user_id": 1, "kind": "client", "id": CLIENT}),
    "relay.campaign_deleted": ("cascade", {"user_id": 1, "kind": "campaign", "id": CAMPAIGN}),
    "relay.asset_deleted": ("assets", {"user_id": 1, "asset_id": ASSET}),
    "relay.task_deleted": ("generation", {"task_id": TASK, "step": None, "user_id": 1}),
    "relay.task_canceled": ("generation", {"task_id": TASK, "step": None, "job": "sandbox-1769860925000-1500"}),
    "relay.task_succeeded": ("deliveries", {"task_id": TASK, "user_id": 1}),
    "relay.webhook_resent": ("deliveries", {"task_id": TASK, "user_id": 1, "resent_at": "2026-01-31T12:30:00Z"}),
    "relay.budget_reached": ("deliveries", {"task_id": None, "user_id": 1}),
}
PUT_BACK: Final[dict[str, Any]] = {"task_id": TASK, "step": 0, "user_id": 1}
MESSAGES: Final = {
    "worker.step",
    "worker.task_deleted",
    "cascade.client_deleted",
    "cascade.campaign_deleted",
    "exporter.step",
    "webhook_delivery.task_ended",
    "activity.client_updated",
    "import_worker.turn",
    "asset_worker.uploaded",
}
BY_HAND: Final = {"verify.users"}
SCHEDULED: Final = {"sweep.every_minute", "models.every_minute", "models.every_hour"}


@dataclass(frozen=True)
class Sent:
    """A request whose event is that of `events/clients.create.json` but for what stands here."""

    route: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


def _of_sharing(kind: str, path: str, ids: Mapping[str, str]) -> dict[str, Sent]:
    """One request for each route of the shares and invitations of a kind of resource."""
    of_share, of_invitation = {**ids, "user_id": str(GUEST)}, {**ids, "invitation_id": INVITATIONS[kind]}
    return {
        f"shares.list_{kind}_shares": Sent(f"GET {path}/shares", ids),
        f"shares.put_{kind}_share": Sent(f"PUT {path}/shares/{{user_id}}", of_share, {"role": "editor"}),
        f"shares.delete_{kind}_share": Sent(f"DELETE {path}/shares/{{user_id}}", of_share),
        f"shares.list_{kind}_invitations": Sent(f"GET {path}/invitations", ids),
        f"shares.create_{kind}_invitation": Sent(f"POST {path}/invitations", ids, {"role": "viewer"}),
        f"shares.delete_{kind}_invitation": Sent(f"DELETE {path}/invitations/{{invitation_id}}", of_invitation),
    }


REQUESTS: Final[Mapping[str, Sent]] = {
    "clients.batch": Sent("POST /api/v3/clients/batch", body={"items": [{"op": "create", "body": {"name": "Acme"}}]}),
    "campaigns.batch": Sent("POST /api/v3/campaigns/batch", body={"items": [{"op": "delete", "id": CAMPAIGN}]}),
    "tasks.generate_batch": Sent(
        "POST /api/v3/generate/batch", body={"items": [{"type": "image", "prompt": "A boat", "client_id": CLIENT}]}
    ),
    "tasks.generate_matrix": Sent(
        "POST /api/v3/generate/matrix",
        body={"type": "image", "prompt": "A {color} boat", "variables": {"color": ["red"]}, "client_id": CLIENT},
    ),
    "tasks.resend_webhook": Sent("POST /api/v3/tasks/{task_id}/webhook", {"task_id": TASK}),
    "tasks.batch_tasks": Sent("POST /api/v3/tasks/batch", body={"items": [{"op": "cancel", "id": TASK}]}),
    "tasks.create_model": Sent(
        "POST /api/v3/models", body={"provider": "fal", "model": "fal-ai/flux/other", "type": "image"}
    ),
    "tasks.get_model": Sent("GET /api/v3/models/{model_id}", {"model_id": LINE}),
    "tasks.update_model": Sent("PATCH /api/v3/models/{model_id}", {"model_id": LINE}, {"aliases": ["krea"]}),
    "tasks.retire_model": Sent("DELETE /api/v3/models/{model_id}", {"model_id": LINE}),
    "tasks.update_task": Sent("PATCH /api/v3/tasks/{task_id}", {"task_id": TASK}, {"rating": 5, "tags": ["hero"]}),
    "imports.create": Sent("POST /api/v3/imports", body={"type": "clients", "format": "csv", "size": len(ROWS)}),
    "imports.list": Sent("GET /api/v3/imports"),
    "imports.get": Sent("GET /api/v3/imports/{import_id}", {"import_id": IMPORT}),
    "imports.failures": Sent("GET /api/v3/imports/{import_id}/failures", {"import_id": IMPORT}),
    "imports.start": Sent("POST /api/v3/imports/{import_id}/start", {"import_id": IMPORT}),
    "imports.cancel": Sent("POST /api/v3/imports/{import_id}/cancel", {"import_id": IMPORT}),
    "assets.create_asset": Sent("POST /api/v3/assets", body=NEW_ASSET),
    "assets.list_assets": Sent("GET /api/v3/assets"),
    "assets.get_asset": Sent("GET /api/v3/assets/{asset_id}", OF_ASSET),
    "assets.update_asset": Sent("PATCH /api/v3/assets/{asset_id}", OF_ASSET, {"purpose": "logo"}),
    "assets.delete_asset": Sent("DELETE /api/v3/assets/{asset_id}", OF_ASSET),
    "asset_checks.complete_asset": Sent("POST /api/v3/assets/{asset_id}/complete", OF_ASSET),
    "asset_checks.create_asset_of_output": Sent(
        "POST /api/v3/tasks/{task_id}/outputs/{number}/asset", {"task_id": TASK, "number": "0"}, {}
    ),
    "exports.create_export": Sent("POST /api/v3/exports", body={"client_id": CLIENT}),
    "exports.list_exports": Sent("GET /api/v3/exports"),
    "exports.get_export": Sent("GET /api/v3/exports/{export_id}", {"export_id": EXPORT}),
    "exports.delete_export": Sent("DELETE /api/v3/exports/{export_id}", {"export_id": EXPORT}),
    "shares.list_received": Sent("GET /api/v3/shares"),
    "shares.accept_invitation": Sent(
        "POST /api/v3/invitations/accept", body={"token": token_text(2, "client", FOREIGN, SECRET)}
    ),
    **_of_sharing("client", "/api/v3/clients/{client_id}", {"client_id": CLIENT}),
    **_of_sharing("campaign", "/api/v3/campaigns/{campaign_id}", {"campaign_id": CAMPAIGN}),
    **_of_sharing("account", "/api/v3/account", {}),
    "tasks.video": Sent("POST /api/v3/generate/video", body={"prompt": "A slow pan across the product", "duration": 1}),
    "account.get_account": Sent("GET /api/v3/account"),
    "account.set_account_budget": Sent(
        "PUT /api/v3/account/budget", body={"limit": 100, "webhook_url": "https://receiver.example/budgets"}
    ),
    "account.get_account_budget": Sent("GET /api/v3/account/budget"),
    "account.delete_account_budget": Sent("DELETE /api/v3/account/budget"),
    "account.set_client_budget": Sent(
        "PUT /api/v3/clients/{client_id}/budget", {"client_id": CLIENT}, body={"limit": 100, "period": "month"}
    ),
    "account.get_client_budget": Sent("GET /api/v3/clients/{client_id}/budget", {"client_id": CLIENT}),
    "account.delete_client_budget": Sent("DELETE /api/v3/clients/{client_id}/budget", {"client_id": CLIENT}),
    "account.set_campaign_budget": Sent(
        "PUT /api/v3/campaigns/{campaign_id}/budget", {"campaign_id": CAMPAIGN}, body={"limit": 100, "period": "month"}
    ),
    "account.get_campaign_budget": Sent("GET /api/v3/campaigns/{campaign_id}/budget", {"campaign_id": CAMPAIGN}),
    "account.delete_campaign_budget": Sent("DELETE /api/v3/campaigns/{campaign_id}/budget", {"campaign_id": CAMPAIGN}),
    "system.root": Sent("GET /"),
    "system.console": Sent("GET /console"),
    "system.console_asset": Sent("GET /console/{name}", {"name": "nothing.js"}),
    "tasks.audio": Sent("POST /api/v3/generate/audio", body={"prompt": "Rain on a roof", "duration": 1}),
    "tasks.correct_task_cost": Sent("PUT /api/v3/tasks/{task_id}/cost", {"task_id": TASK}, body={"actual": 0.04}),
    "tasks.edit": Sent("POST /api/v3/generate/edit", body={"prompt": "In a storm", "inputs": [OF_DONE]}),
    "tasks.upscale": Sent("POST /api/v3/generate/upscale", body={"inputs": [OF_DONE], "upscale_factor": 2}),
    "tasks.remove_background": Sent("POST /api/v3/generate/remove-background", body={"inputs": [OF_DONE]}),
    "tasks.estimate_edit": Sent(
        "POST /api/v3/generate/edit/estimate", body={"prompt": "In a storm", "inputs": [OF_DONE]}
    ),
    "tasks.estimate_upscale": Sent("POST /api/v3/generate/upscale/estimate", body={"inputs": [OF_DONE]}),
    "tasks.estimate_remove_background": Sent(
        "POST /api/v3/generate/remove-background/estimate", body={"inputs": [OF_DONE]}
    ),
    "tasks.estimate_image": Sent(
        "POST /api/v3/generate/image/estimate", body={"prompt": "A boat", "campaign_id": CAMPAIGN}
    ),
    "tasks.estimate_video": Sent("POST /api/v3/generate/video/estimate", body={"prompt": "A slow pan", "duration": 1}),
    "tasks.estimate_audio": Sent("POST /api/v3/generate/audio/estimate", body={"prompt": "Rain", "duration": 1}),
}
"""Requests by the names of their events, for routes that have no file in `events/`."""


def event(name: str) -> dict[str, Any]:
    if name in REQUESTS:
        return _request(REQUESTS[name])
    parsed: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return parsed


def _request(sent: Sent) -> dict[str, Any]:
    method, _, path = sent.route.partition(" ")
    for name, value in sent.parameters.items():
        path = path.replace(f"{{{name}}}", value)
    like = event("clients.create")
    context = like["requestContext"]
    about = {**context, "routeKey": sent.route, "http": {**context["http"], "method": method, "path": path}}
    headers = {
        name: text for name, text in like["headers"].items() if name not in ("idempotency-key", "content-length")
    }
    made = {**like, "routeKey": sent.route, "rawPath": path, "headers": headers, "requestContext": about}
    return {
        **made,
        "pathParameters": dict(sent.parameters),
        "body": None if sent.body is None else json.dumps(sent.body),
    }


def saved() -> set[str]:
    return {path.name.removesuffix(".json") for path in EVENTS.glob("*.json")} | REQUESTS.keys()


def kept(id_: str) -> Task:
    """A task as it is now."""
    return wiring.tasks().kept(id_, access=ME)


def stored() -> list[str]:
    """The names of all files of tasks in the bucket."""
    listed = boto3.client("s3").list_objects_v2(Bucket=settings().bucket, Prefix="media/")
    return [file["Key"] for file in listed.get("Contents", [])]


def upload_files() -> None:
    """Put into the bucket what the import and the asset of the events are waiting for."""
    s3 = boto3.client("s3")
    s3.put_object(Bucket=settings().bucket, Key=f"imports/1/{IMPORT}", Body=ROWS)
    s3.put_object(Bucket=settings().bucket, Key=f"uploads/1/{ASSET}", Body=PICTURE)


def seed(now: datetime) -> None:
    """Store what the events speak of: a client, its campaign, and tasks: one waits, one was canceled, one has files."""
    who: dict[str, Any] = {"access": ME, "idempotent": None, "now": now}
    client = wiring.clients().create(NewClient(name="Acme"), id_=CLIENT, **who).record
    new = NewCampaign(client_id=CLIENT, name="Summer", goal="Sell", status=CampaignStatus.ACTIVE)
    parents = Parents(client, wiring.campaigns().create(new, id_=CAMPAIGN, **who).record)
    order = NewImage.model_validate({"prompt": "A boat", "size": "64x64"})
    for id_ in (TASK, CANCELED):
        task = new_task(
            order, parents, wiring.generation_context(), identity=TaskIdentity(id_, "token", now), access=ME
        )
        wiring.tasks().create(task, access=ME, idempotent=None, now=now)
    for scope in (Scope("account"), Scope("client", CLIENT), Scope("campaign", CAMPAIGN)):
        wiring.budgets().put(scope, NewBudget(limit=Decimal(5), period=Period.TOTAL), access=ME, now=now)
    wiring.exports().create(NewExport(client_id=CLIENT), id_=EXPORT, **who)
    line = NewModel(provider="fal", model="fal-ai/flux/krea", type=TaskType.IMAGE)
    wiring.model_lines().create(line, wiring.catalog(), configured=("fal",), id_=LINE, **who)
    done = new_task(order, Parents(), wiring.generation_context(), identity=TaskIdentity(DONE, "s", now), access=ME)
    made = wiring.tasks().create(done, access=ME, idempotent=None, now=now).record
    output = Output(key=f"media/1/{DONE}/0.png", content_type="image/png", bytes=3, width=64, height=64)
    wiring.tasks().move(made, succeeded(made, outputs=[output], cost=None, now=now))
    wiring.tasks().change(CANCELED, lambda task: canceled(task, now=now), access=ME)
    upload = NewImport(type=ImportType.CLIENTS, format=ImportFormat.CSV, size=len(ROWS))
    wiring.imports().create(upload, id_=IMPORT, **who)
    wiring.assets().create(NewAsset.model_validate(NEW_ASSET), id_=ASSET, **who)
    upload_files()
    _share(now)


def _share(now: datetime) -> None:
    """Share with a second user, invite to everything, and have user 1 invited to what is a third user's."""
    wiring.users().id_of(issuer="https://id.example", subject="guest")
    expires_at = invitation_end(None, now=now)
    new = InvitationFields(role=Role.VIEWER, expires_at=expires_at, email=None, digest=digest_of(SECRET))
    me, them = Access.own(1, at=now), Access.own(2, at=now)
    for kind, id_ in (("client", CLIENT), ("campaign", CAMPAIGN), ("account", "1")):
        shares, invitation = wiring.shares(cast("SharedKind", kind)), INVITATIONS[kind]
        shares.put(id_, GUEST, (Role.VIEWER, None), id_=invitation, access=me)
        shares.invite(id_, new, id_=invitation, access=me, idempotent=None, now=now)
    theirs: dict[str, Any] = {"id_": FOREIGN, "access": them, "idempotent": None, "now": now}
    wiring.clients().create(NewClient(name="Theirs"), **theirs)
    wiring.shares("client").invite(FOREIGN, new, **theirs)


# ------------------------------------------------------------------------------------------------------- requests


def check_request(name: str, answer: dict[str, Any]) -> None:
    """The answer has the status that it must have, and is as the API's document says."""
    sent = event(name)
    assert answer["statusCode"] == ANSWERS[name], answer["body"]
    assert answer["headers"]["X-Request-Id"] == sent["requestContext"]["requestId"]
    if not name.startswith(PAGES):
        http = sent["requestContext"]["http"]
        check_answer(http["method"], http["path"], answer["statusCode"], answer["headers"], text_of(answer))


def text_of(answer: dict[str, Any]) -> str:
    """The body of an answer, as its caller reads it."""
    body: str = answer.get("body") or ""
    if not answer.get("isBase64Encoded"):
        return body
    assert answer["headers"]["Content-Encoding"] == "gzip"
    return gzip.decompress(base64.b64decode(body)).decode()


# ------------------------------------------------------------------------------------------------------- messages


def _delete_client(now: datetime) -> None:
    wiring.clients().delete(CLIENT, access=ME, accepted=None, now=now)


def _delete_campaign(now: datetime) -> None:
    wiring.campaigns().delete(CAMPAIGN, access=ME, accepted=None, now=now)


def _store_files(_: datetime) -> None:
    for key in (FILE, FILE.replace(TASK, CANCELED)):
        boto3.client("s3").put_object(Bucket=settings().bucket, Key=key, Body=b"png")


def _delete_task(now: datetime) -> None:
    _store_files(now)
    wiring.tasks().delete(TASK, lambda _: None, access=ME)


def _start_the_import(now: datetime) -> None:
    wiring.imports().start(IMPORT, wiring.import_bucket().find(1, IMPORT), access=ME, now=now)


def _lose_the_message(now: datetime) -> None:
    late = now - timedelta(hours=1)
    task = wiring.tasks().note(kept(TASK), next_at=late)
    wiring.table().write(Write(keys.task(TASK), set=keys.due_place(task.id, late)))


BEFORE: Final[dict[str, Callable[[datetime], None]]] = {
    "cascade.client_deleted": _delete_client,
    "cascade.campaign_deleted": _delete_campaign,
    "worker.task_deleted": _delete_task,
    "import_worker.turn": _start_the_import,
    "sweep.every_minute": _lose_the_message,
}
"""What has happened by the time a message comes."""


def _one_step_further() -> None:
    task = kept(TASK)
    assert (task.step, task.provider_task_id is not None) == (1, True)


def _no_client_and_no_campaign() -> None:
    assert wiring.table().get(keys.resource(1, "campaign", CAMPAIGN)) is None
    assert [(kept(id_).client_id, kept(id_).campaign_id) for id_ in (TASK, CANCELED)] == [(None, None)] * 2


def _no_campaign() -> None:
    assert [(kept(id_).client_id, kept(id_).campaign_id) for id_ in (TASK, CANCELED)] == [(CLIENT, None)] * 2


def _an_entry() -> None:
    query = ActivityQuery(action="client.updated")
    (entry,) = wiring.activity_reader().list(query, access=ME, now=utcnow()).items
    assert (entry.actor, entry.request_id, entry.resource.id) == (1, "CGIDrGbbcbccdd=", CLIENT)
    assert entry.changes == {"name": {"from": "Acme", "to": "Acme Corporation"}}


def _an_imported_client() -> None:
    found = wiring.imports().get(IMPORT, access=ME)
    assert (found.status, found.rows_succeeded) == (ImportStatus.SUCCEEDED, 1)


def _a_checked_asset() -> None:
    assert wiring.assets().get(ASSET, access=ME).status is AssetStatus.READY


def _planned() -> None:
    export = wiring.exports().load(1, EXPORT)
    assert export is not None
    assert (export.step, export.tasks, export.name) == (1, 2, "Acme")


def _no_files() -> None:
    assert stored() == [FILE.replace(TASK, CANCELED)]
    assert wiring.tasks().load_deleted(1, TASK) is None


AFTER: Final[dict[str, Callable[[], None]]] = {
    "worker.step": _one_step_further,
    "cascade.client_deleted": _no_client_and_no_campaign,
    "cascade.campaign_deleted": _no_campaign,
    "exporter.step": _planned,
    "worker.task_deleted": _no_files,
    "activity.client_updated": _an_entry,
    "import_worker.turn": _an_imported_client,
    "asset_worker.uploaded": _a_checked_asset,
}
"""What a message has led to."""
