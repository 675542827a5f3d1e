"""How many round trips, units and bytes does each request take?  It rewrites the tables of docs/capacity.md.

    PYTHONPATH=layers/common:layers/sandbox:. .venv/bin/python bench/capacity.py

The real handlers on moto, in harnesses that are the same each time. Calls and bytes are counted where botocore would
send them; units are computed from the items and the template's projections (bench/calls.py, bench/units.py).
tests/integration/test_capacity.py measures the same, and fails when the document says something else.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar
from unittest import mock
from urllib.parse import parse_qsl

import boto3

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.account_limits import AccountLimits
from atelier.domain.catalog import Catalog
from atelier.domain.provider import Working
from atelier.domain.schema import format_timestamp
from atelier.domain.tasks.record import TaskStatus
from atelier.store import keys
from atelier.store.ledger import booking
from atelier.store.tasks import Tasks
from atelier.store.webhook_client import WebhookClient
from bench.calls import Call, Usage, heard, usage
from bench.emulated import Place, multiply, orderly_harness
from bench.metered import Steady
from bench.samples import CAMPAIGN, CLIENT, WORDS, image
from testbed.environment import ENVIRONMENT
from testbed.harness import BUCKET, Answer, Harness
from testbed.template import PROJECT

DOCUMENT: Final = PROJECT / "docs/capacity.md"
USER: Final = 1
FEW: Final = 100
MANY: Final = 500
CHILDREN: Final = (0, 10, 1000)
KB: Final = 1024
LONG: Final = "Use blue. " * (32 * KB // 10)
FILE: Final = b"name\nAcme\n"
PICTURE: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
CEILING: Final = 1.2
"""What a page may read, as a multiple of the bytes that it shows."""

Calls = Sequence[Call]
R = TypeVar("R")


# ---------------------------------------------------------------------------------------------------------- harnesses


class Measuring:
    """A harness that is used, and what each use of it took: `rows`, by name.

    `names` are the ids and other values that paths and queries speak of.
    """

    def __init__(self, made: Harness) -> None:
        self.made = made
        self.rows: dict[str, Calls] = {}
        self.names: dict[str, str] = {}
        self._calls: list[Call] = []

    def hear(self, call: Call) -> None:
        """A call was made."""
        self._calls.append(call)

    def note(self, name: str, happens: Callable[[], R]) -> R:
        """Let it happen, and keep its calls under the name."""
        self._calls.clear()
        result = happens()
        self.rows[name] = tuple(self._calls)
        return result

    def ask(self, route: str, body: Any = None, *, what: str = "", **how: Any) -> Answer:
        """Send a request ("GET /clients/{client_id}"), noted as the route and `what` is special about it."""
        return self.note(f"{route}, {what}" if what else route, lambda: self.call(route, body, **how))

    def call(self, route: str, body: Any = None, **how: Any) -> Answer:
        """Send a request that is not noted."""
        method, path = route.format(**self.names).split(" ")
        answer = self.made.call(method, path, body, **how)
        assert answer.status < 400, answer.text  # noqa: S101, PLR2004 - a refused request costs something else
        return answer

    def create(self, route: str, body: Any, times: int = 1) -> str:
        """Create something through the API, and have as many as `times` of it; the id of one."""
        return multiply(self.made, lambda: str(self.call(route, body).json["id"]), times - 1)

    def create_done(self, body: Any, times: int = 1) -> str:
        """Request an image and have it made, `times` times; the id of one."""

        def create() -> str:
            id_ = str(self.call("POST /generate/image", body).json["id"])
            self.made.settle()
            return id_

        return multiply(self.made, create, times - 1)

    def fill(self, size: int) -> None:
        """So many clients, campaigns and tasks; all campaigns are one client's, and all tasks one campaign's.

        Of both, one half was created last, and a twentieth, which is rare, first. Sounds in between are waited for.
        """
        rare, most = size // 20, size // 2
        self.names["client_id"] = client = self.create("POST /clients", CLIENT, size)
        for status, times in (("archived", rare), ("draft", size - rare - most), ("active", most)):
            body = {**CAMPAIGN, "client_id": client, "status": status}
            self.names["campaign_id"] = campaign = self.create("POST /campaigns", body, times)
        self.create_done(
            {**image(campaign_id=campaign), "prompt": "fail:refused", "metadata": {"about": WORDS * 2}}, rare
        )
        self.create("POST /generate/audio", {"prompt": WORDS * 2, "campaign_id": campaign}, size - rare - most)
        self.made.changes()  # which nobody hears of: all of them wait for ever
        self.names["midway"] = format_timestamp(self.made.now)
        self.names["task_id"] = self.create_done(image(campaign_id=campaign), most)


@contextmanager
def measuring(**environment: str) -> Iterator[Measuring]:
    """A new harness to measure in."""
    with (
        mock.patch.dict(ENVIRONMENT, environment),
        orderly_harness() as made,
        mock.patch.object(wiring, "providers", return_value={"sandbox": Steady()}),
        mock.patch.object(WebhookClient, "post", return_value=204),
        mock.patch.object(wiring, "callback_verifier", return_value=mock.Mock(verified_job=lambda *_, **__: "job-1")),
    ):
        measured = Measuring(made)
        with heard(measured.hear):
            yield measured


# -------------------------------------------------------------------------------------------------------- requests


def requests() -> dict[str, Calls]:
    """Every endpoint, in a harness with `FEW` of everything."""
    with measuring() as it:
        it.fill(FEW)
        key = {"Idempotency-Key": "capacity"}
        of_client = {**CAMPAIGN, "client_id": it.names["client_id"]}
        new_image = image(campaign_id=it.names["campaign_id"])
        it.ask("POST /clients", CLIENT)
        it.ask("GET /clients")
        it.ask("GET /clients/{client_id}")
        it.ask("PATCH /clients/{client_id}", {"description": "Renewed for a year."})
        it.ask("PATCH /clients/{client_id}", {}, what="of nothing")
        it.ask("POST /campaigns", of_client)
        it.ask("POST /campaigns", of_client, what="with an idempotency key", headers=key)
        it.ask("POST /campaigns", of_client, what="repeated", headers=key)
        it.ask("GET /campaigns")
        it.ask("GET /campaigns/{campaign_id}")
        it.ask("PATCH /campaigns/{campaign_id}", {"goal": "Renewed for a year."})
        it.ask("PATCH /campaigns/{campaign_id}", {"status": "draft"}, what="its status")
        it.ask("POST /clients/{client_id}/campaigns", CAMPAIGN)
        it.ask("GET /clients/{client_id}/campaigns")
        _long_texts(it)
        _tasks(it, new_image)
        _budgets(it, new_image)
        _assets(it)
        it.names["export_id"] = it.ask("POST /exports", {"campaign_id": it.names["campaign_id"]}).json["id"]
        it.ask("GET /exports/{export_id}")
        it.ask("GET /exports")
        it.ask("DELETE /exports/{export_id}")
        it.ask("DELETE /campaigns/{campaign_id}")
        it.ask("DELETE /clients/{client_id}")
        it.ask("GET /webhook-secret", what="the first time")
        it.ask("GET /webhook-secret")
        it.ask("POST /webhook-secret")
        it.names["provider"] = "fal"
        it.ask("POST /webhooks/{provider}", {}, query={"task": it.names["task_id"], "token": "token"})
        year = {"from": "2026-01-01", "to": "2027-01-01", "bucket": "month"}
        _imports(it)
        _models(it)
        it.ask("GET /activity")
        it.ask("GET /reports/usage", query=year)
        it.ask("GET /reports/usage", query=year | {"group_by": "client,campaign"}, what="with names")
        for route in (
            "GET /providers",
            "GET /models",
            "GET /me",
            "GET /account",
            "GET /health",
            "HEAD /health",
            "GET /openapi.json",
        ):
            it.ask(route)
        return it.rows


def _long_texts(it: Measuring) -> None:
    usual = it.names["client_id"]
    body = {**CLIENT, "brand_guidelines": LONG}
    it.names["client_id"] = it.ask("POST /clients", body, what="guidelines of 32 KB").json["id"]
    it.ask("GET /clients/{client_id}", what="guidelines of 32 KB")
    it.ask("PATCH /clients/{client_id}", {"description": "Renewed."}, what="beside guidelines of 32 KB")
    it.ask("PATCH /clients/{client_id}", {"brand_guidelines": LONG[1:]}, what="guidelines of 32 KB")
    campaign = {**CAMPAIGN, "client_id": it.names["client_id"], "brief": LONG}
    it.ask("POST /campaigns", campaign, what="a brief of 32 KB")
    it.create("POST /clients", body, 49)
    it.ask("GET /clients", what="guidelines of 32 KB each")
    it.names["client_id"] = usual


def _tasks(it: Measuring, new_image: Mapping[str, Any]) -> None:
    key = {"Idempotency-Key": "image"}
    it.ask("POST /generate/image", new_image, what="for a campaign")
    it.ask("POST /generate/image", new_image, what="for a campaign, with an idempotency key", headers=key)
    it.ask("POST /generate/image", new_image, what="repeated", headers=key)
    with mock.patch.object(wiring, "tasks", return_value=Tasks(wiring.table(), lambda: AccountLimits(1000, 10_000))):
        it.ask("POST /generate/image", new_image, what="for a campaign, with limits per account")
    it.ask("POST /generate/video", {"prompt": WORDS, "client_id": it.names["client_id"]}, what="for a client")
    it.names["new"] = it.ask("POST /generate/audio", {"prompt": WORDS}, what="for nobody").json["id"]
    it.ask("GET /tasks")
    it.ask("GET /tasks/{task_id}")
    it.ask("GET /tasks/{task_id}/result")
    it.ask("PATCH /tasks/{task_id}", {"rating": 5, "tags": ["hero"]}, what="its marks")
    it.ask("PATCH /tasks/{task_id}", {"client_id": None}, what="moved out of its campaign")
    it.ask("GET /tasks", query={"tag": "hero"}, what="by tag, one of them")
    _batches(it, new_image)
    told = {**new_image, "webhook_url": "https://receiver.example/hooks"}
    it.names["task_id"] = it.call("POST /generate/image", told).json["id"]
    it.call("POST /tasks/{task_id}/cancel")
    it.ask("POST /tasks/{task_id}/webhook")
    waiting = it.call("POST /generate/image", new_image).json["id"]
    for route in ("POST /tasks/{task_id}/cancel", "POST /tasks/{task_id}/retry", "DELETE /tasks/{task_id}"):
        it.names["task_id"] = waiting
        it.ask(route)
    _edits(it)


def _edits(it: Measuring) -> None:
    """Each kind of generation that begins with a file, of three outputs of one task."""
    source = it.create_done({**image(), "num_outputs": 3})
    inputs = [{"role": "reference", "task_id": source, "output": number} for number in range(3)]
    for kind, count in (("edit", 3), ("upscale", 1), ("remove-background", 1)):
        new = {"prompt": WORDS, "inputs": inputs[:count]}
        it.ask(f"POST /generate/{kind}", new, what="for nobody")
        it.ask(f"POST /generate/{kind}/estimate", new, what="for nobody")


def _batches(it: Measuring, new_image: Mapping[str, Any]) -> None:
    campaign = {**CAMPAIGN, "client_id": it.names["client_id"]}
    it.ask("POST /clients/batch", {"items": [{"op": "create", "body": CLIENT}] * 10}, what="that creates ten")
    it.ask("POST /campaigns/batch", {"items": [{"op": "create", "body": campaign}] * 10}, what="that creates ten")
    generations = {"items": [{"type": "image", **new_image}] * 10}
    it.ask("POST /generate/batch", generations, what="of ten")
    it.ask(
        "POST /generate/batch", generations, what="of ten, with an idempotency key", headers={"Idempotency-Key": "ten"}
    )
    matrix = {"type": "image", "variables": {"n": [f"{n}" for n in range(10)]}, **new_image, "prompt": f"{WORDS} {{n}}"}
    it.ask("POST /generate/matrix", matrix, what="of ten")
    rated = {"op": "update", "id": it.names["task_id"], "body": {"rating": 1}}
    it.ask("POST /tasks/batch", {"items": [rated]}, what="that changes one")


def _imports(it: Measuring) -> None:
    made = it.ask("POST /imports", {"type": "clients", "format": "csv", "size": len(FILE)}).json
    it.names["import_id"] = made["id"]
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"imports/{made['user_id']}/{made['id']}", Body=FILE)
    for route in ("POST {}/start", "GET {}", "GET {}/failures", "POST {}/cancel"):
        it.ask(route.format("/imports/{import_id}"))
    it.ask("GET /imports")


def _models(it: Measuring) -> None:
    """A line of the catalog, as long as it is the only one."""
    line = {"provider": "fal", "model": "fal-ai/flux/krea", "type": "image"}
    with mock.patch.object(wiring, "configured", return_value=("sandbox", "fal")):
        it.names["model_id"] = it.ask("POST /models", line).json["id"]
    it.ask("GET /models/{model_id}")
    it.ask("PATCH /models/{model_id}", {"aliases": ["krea"]})
    it.ask("DELETE /models/{model_id}")


def _assets(it: Measuring) -> None:
    picture = {"content_type": "image/png", "size": len(PICTURE), "sha256": hashlib.sha256(PICTURE).hexdigest()}
    new = {"filename": "product.png", "purpose": "reference", **picture}
    it.ask("POST /assets", new, what="without a client")
    made = it.ask("POST /assets", {**new, "client_id": it.names["client_id"]}).json
    it.names["asset_id"] = made["id"]
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"uploads/{made['user_id']}/{made['id']}", Body=PICTURE)
    it.ask("POST /assets/{asset_id}/complete")
    it.ask("GET /assets/{asset_id}")
    it.ask("GET /assets")
    it.ask("PATCH /assets/{asset_id}", {"purpose": "logo"})
    it.ask("DELETE /assets/{asset_id}")
    before, it.names["number"] = it.names["task_id"], "0"
    it.names["task_id"] = it.create_done(image(client_id=it.names["client_id"]))
    it.ask("POST /tasks/{task_id}/outputs/{number}/asset", {})
    it.names["task_id"] = before


def _budgets(it: Measuring, new_image: Mapping[str, Any]) -> None:
    scopes = ("/account", "/clients/{client_id}", "/campaigns/{campaign_id}")
    for scope in scopes:
        it.ask(f"PUT {scope}/budget", {"limit": 100})
        it.ask(f"GET {scope}/budget")
    with mock.patch.object(Catalog, "estimate", return_value=Decimal("0.04")):
        it.ask("POST /generate/image/estimate", new_image, what="for a campaign, with three budgets")
        it.ask("POST /generate/video/estimate", {"prompt": WORDS}, what="for nobody")
        it.ask("POST /generate/audio/estimate", {"prompt": WORDS}, what="for nobody")
        it.names["task_id"] = it.ask("POST /generate/image", new_image, what="for a campaign, with three budgets").json[
            "id"
        ]
    it.ask("POST /tasks/{task_id}/cancel", what="with three budgets")
    it.ask("PUT /tasks/{task_id}/cost", {"actual": 0.05}, what="with three budgets")
    for scope in scopes:
        it.ask(f"DELETE {scope}/budget")


SHARED: Final = 10
_PEOPLE: Final = ("ann", "ben", "cid")


def shares() -> dict[str, Calls]:
    """Sharing, and what a guest's requests take with `SHARED` shares of campaigns and as many of clients."""
    claims = {who: {"iss": "https://id.example", "sub": who, "cognito:groups": "[admin]"} for who in _PEOPLE}
    ann, ben, cid = claims.values()
    with measuring(AUTH_MODE="jwt") as it:
        numbers = {who: str(it.call("GET /me", claims=claims[who]).json["user_id"]) for who in _PEOPLE}
        it.names["client_id"] = it.call("POST /clients", CLIENT, claims=ann).json["id"]
        of_client = {**CAMPAIGN, "client_id": it.names["client_id"]}
        it.names["campaign_id"] = it.call("POST /campaigns", of_client, claims=ann).json["id"]
        for scope in ("/clients/{client_id}", "/campaigns/{campaign_id}", "/account"):
            it.names["user_id"] = numbers["cid"]
            it.ask(f"PUT {scope}/shares/{{user_id}}", {"role": "editor"}, claims=ann)
            it.ask(f"GET {scope}/shares", claims=ann)
            it.ask(f"DELETE {scope}/shares/{{user_id}}", claims=ann)
            invitation = it.ask(f"POST {scope}/invitations", {"role": "editor"}, claims=ann).json
            it.ask(f"GET {scope}/invitations", claims=ann)
            it.names["invitation_id"] = invitation["id"]
            it.ask(f"DELETE {scope}/invitations/{{invitation_id}}", claims=ann)
        _guest(it, numbers["ben"], ann, ben)
        token = it.call("POST /clients/{client_id}/invitations", {"role": "editor"}, claims=ann).json["token"]
        it.ask("POST /invitations/accept", {"token": token}, claims=cid)
        return it.rows


def _guest(it: Measuring, number: str, ann: Mapping[str, str], ben: Mapping[str, str]) -> None:
    it.names["user_id"] = number
    for _ in range(SHARED):
        it.names["client_id"] = it.call("POST /clients", CLIENT, claims=ann).json["id"]
        it.call("PUT /clients/{client_id}/shares/{user_id}", {"role": "editor"}, claims=ann)
        of_client = {**CAMPAIGN, "client_id": it.names["client_id"]}
        it.names["campaign_id"] = it.call("POST /campaigns", of_client, claims=ann).json["id"]
        task = it.call("POST /generate/image", image(campaign_id=it.names["campaign_id"]), claims=ann).json["id"]
        it.names["task_id"] = task
        alone = it.call("POST /clients", CLIENT, claims=ann).json["id"]
        it.names["alone"] = it.call("POST /campaigns", {**CAMPAIGN, "client_id": alone}, claims=ann).json["id"]
        it.call("PUT /campaigns/{alone}/shares/{user_id}", {"role": "viewer"}, claims=ann)
    for route in ("GET /shares", "GET /clients", "GET /campaigns", "GET /tasks"):
        it.ask(route, what="" if route == "GET /shares" else "of a guest", claims=ben)
    for route in ("GET /clients/{client_id}", "GET /campaigns/{campaign_id}", "GET /tasks/{task_id}"):
        it.ask(route, what="as a guest", claims=ben)
    it.ask("PATCH /clients/{client_id}", {"description": "Renewed."}, what="as a guest", claims=ben)
    it.ask("POST /campaigns", of_client, what="as a guest", claims=ben)
    picture = image(campaign_id=it.names["campaign_id"])
    it.ask("POST /generate/image", picture, what="as a guest", claims=ben)


def first_requests() -> dict[str, Calls]:
    """What a token adds: every other row is of a caller whom the process has met before."""
    claims = {"iss": "https://id.example", "sub": "ann", "cognito:groups": "[viewer]"}
    with measuring(AUTH_MODE="jwt") as it:
        it.ask("GET /me", what="a user's first request of all", claims=claims)
        wiring.users.cache_clear()
        wiring.users()
        it.ask("GET /me", what="a user's first request to a process", claims=claims)
        return it.rows


# ----------------------------------------------------------------------------------------------------------- lists

LISTS: Final = (
    "/clients",
    "/clients?sort_by=name",
    "/clients?sort_by=updated_at",
    "/clients?cursor={cursor}",
    "/clients?page=2",
    "/clients?search=acme",
    "/campaigns",
    "/campaigns?sort_by=name",
    "/campaigns?sort_by=updated_at",
    "/campaigns?sort_by=status",
    "/campaigns?status=active",
    "/campaigns?status=archived",
    "/campaigns?status=archived&sort_by=name",
    "/campaigns?client_id={client_id}",
    "/campaigns?client_id={client_id}&sort_by=name",
    "/campaigns?client_id={client_id}&status=active",
    "/clients/{client_id}/campaigns",
    "/clients/{client_id}/campaigns?status=active",
    "/tasks",
    "/tasks?cursor={cursor}",
    "/tasks?page=2",
    "/tasks?client_id={client_id}",
    "/tasks?client_id=none",
    "/tasks?campaign_id={campaign_id}",
    "/tasks?type=image",
    "/tasks?type=audio",
    "/tasks?status=succeeded",
    "/tasks?status=failed",
    "/tasks?status=processing",
    "/tasks?campaign_id={campaign_id}&status=failed",
    "/tasks?created_from={midway}",
    "/tasks?created_to={midway}",
)
"""Every filter and order, and what may be combined with what."""


@dataclass(frozen=True)
class Listed:
    """One page of a list: its calls, and which items it shows."""

    calls: Calls
    shown: Sequence[Place]

    @property
    def read(self) -> int:
        """Bytes that were read beside the counts, which every list reads too."""
        return sum(size for call in self.calls for (_, sk), size in call.read.items() if not is_count(sk))

    @property
    def own(self) -> int:
        """Bytes of the page itself: of each item that it shows, where it stood."""
        return sum(max(call.read.get(place, 0) for call in self.calls) for place in self.shown)

    @property
    def is_within(self) -> bool:
        """Whether it is one round trip of two calls that read little more than the page."""
        took = usage(self.calls)
        return (took.calls, took.round_trips) == (2, 1) and self.read <= self.own * CEILING


def is_count(sk: str) -> bool:
    """Whether an item with this sort key is an account's totals or the counts of a scope."""
    return sk == "SUMMARY" or sk.startswith("COUNTERS#")


def lists(size: int) -> dict[str, Listed]:
    """The first page of every list, or the page that is asked for, in a harness with `size` of everything."""
    with measuring() as it:
        it.fill(size)
        return {each: _listed(it, each) for each in LISTS}


def _listed(it: Measuring, each: str) -> Listed:
    if "{cursor}" in each:
        it.names["cursor"] = page(it, each.partition("?")[0])["next_cursor"]
    shown = it.note(each, lambda: page(it, each))["items"]
    kind = each.partition("?")[0].rpartition("/")[2]
    return Listed(it.rows[each], [_place(kind, item["id"]) for item in shown])


def page(it: Measuring, each: str, **more: str) -> Any:
    """The answer to one of `LISTS`, with more parameters."""
    path, _, query = each.format(**it.names).partition("?")
    return it.call(f"GET {path}", query={**dict(parse_qsl(query)), **more}).json


def _place(kind: str, id_: str) -> Place:
    key = {
        "clients": keys.resource(USER, "client", id_),
        "campaigns": keys.resource(USER, "campaign", id_),
        "tasks": keys.task(id_),
    }[kind]
    return key.pk, key.sk


# --------------------------------------------------------------------------------------------- deletes and cleanups


def deletes() -> dict[int, Calls]:
    """DELETE of a client with so many children, half of them campaigns and half tasks."""
    with measuring() as it:
        for children in CHILDREN:
            it.names["client_id"] = client = it.create("POST /clients", CLIENT)
            if children:
                it.create("POST /campaigns", {**CAMPAIGN, "client_id": client}, children // 2)
                it.create_done(image(client_id=client), children // 2)
            it.ask("DELETE /clients/{client_id}", what=str(children))
        return dict(zip(CHILDREN, it.rows.values(), strict=True))


def clean_ups() -> dict[str, Usage]:
    """What is done after a delete: for each child of a kind, and for the parent itself."""
    with measuring() as it:
        return {
            "for each campaign of a client": _for_each(it, "client", _campaigns),
            "for each task of a client": _for_each(it, "client", _tasks_of("client")),
            "for each task of a campaign": _for_each(it, "campaign", _tasks_of("campaign")),
            "for a client itself": usage(_cleaned(it, "client", _nothing, 0)),
            "for a campaign itself": usage(_cleaned(it, "campaign", _nothing, 0)),
        }


Fill = Callable[[Measuring, int], object]


def _campaigns(it: Measuring, times: int) -> None:
    it.create("POST /campaigns", {**CAMPAIGN, "client_id": it.names["client_id"]}, times)


def _tasks_of(parent: str) -> Fill:
    name = f"{parent}_id"
    return lambda it, times: it.create_done(image(**{name: it.names[name]}), times)


def _nothing(it: Measuring, times: int) -> None:
    pass


def _for_each(it: Measuring, parent: str, fill: Fill) -> Usage:
    some, more = (usage(_cleaned(it, parent, fill, children)) for children in (10, 20))
    return more.beyond(some, shared_by=10)


def _cleaned(it: Measuring, parent: str, fill: Fill, children: int) -> Calls:
    """The calls of a cleanup after a new client, or a new campaign, with so many children."""
    it.names["client_id"] = it.create("POST /clients", CLIENT)
    if parent == "campaign":
        it.names["campaign_id"] = it.create("POST /campaigns", {**CAMPAIGN, "client_id": it.names["client_id"]})
    fill(it, children)
    it.made.settle()
    it.call("DELETE /clients/{client_id}" if parent == "client" else "DELETE /campaigns/{campaign_id}")
    it.note("cleanup", it.made.settle)
    return it.rows["cleanup"]


# --------------------------------------------------------------------------------------------------------- reports

YEAR: Final = 365
ROWS: Final = (("100 rows of 100 tasks", 100, 1), ("100 rows of 100,000 tasks", 100, 1000), ("3,650 rows", 3650, 30))
"""What a year's ledger holds: how many rows, and how many tasks each counts."""


def reports() -> dict[str, Calls]:
    """A year's report of accounts whose ledgers have as many rows of as many tasks, and a month of the largest."""
    found: dict[str, Calls] = {}
    for name, rows, tasks in ROWS:
        with measuring() as it:
            _fill_ledger(it, rows, tasks)
            found[f"a year, {name}"] = _report(it, "2026-01-01", "2027-01-01")
            if rows > YEAR:
                found[f"a month of these, {rows // YEAR} rows a day"] = _report(it, "2026-01-01", "2026-02-01")
    return found


def _report(it: Measuring, start: str, end: str) -> Calls:
    it.ask("GET /reports/usage", query={"from": start, "to": end, "bucket": "month", "group_by": "status,model"})
    return it.rows["GET /reports/usage"]


def _fill_ledger(it: Measuring, rows: int, tasks: int) -> None:
    """Book a picture in so many rows over a year, and as often in each."""
    it.names["task_id"] = it.create_done(image())
    done = wiring.tasks().kept(it.names["task_id"], access=Access.own(USER))
    before = done.model_copy(update={"status": TaskStatus.PROCESSING})
    for number in range(rows):
        ended = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=number * YEAR // rows)
        moved = {"completed_at": ended, "created_at": ended - timedelta(seconds=9), "model": f"model-{number % 10}"}
        (write,) = booking(before, done.model_copy(update=moved))
        wiring.table().write(replace(write, add={name: amount * tasks for name, amount in write.add.items()}))


# -------------------------------------------------------------------------------------------------------- pipeline

STEPS: Final = (
    "worker: submits the job",
    "worker: polls, and it runs",
    "worker: polls again",
    "worker: polls once more",
    "worker: stores the file",
)


def pipeline() -> dict[str, Calls]:
    """Every step of an image for a campaign, with a provider that takes 4.5 seconds and does not call back."""
    with measuring() as it:
        client = it.create("POST /clients", CLIENT)
        campaign = it.create("POST /campaigns", {**CAMPAIGN, "client_id": client})
        order = {**image(campaign_id=campaign), "webhook_url": "https://receiver.example/hooks"}
        it.names["task_id"] = it.call("POST /generate/image", order).json["id"]
        it.note("relay: a new task", it.made.relay)
        *before, last = STEPS
        for step in before:
            it.note(step, it.made.work)
        same = Working(it.call("GET /tasks/{task_id}").json["progress"])
        with mock.patch.object(Steady, "poll", return_value=same):
            it.note("worker: polls, and nothing is new", it.made.work)
        it.note(last, it.made.work)
        it.made.relay()
        it.note("notify: tells a receiver", it.made.tell)
        it.names["task_id"] = it.call("POST /generate/image", order).json["id"]
        it.made.relay()
        it.made.work()
        it.call("POST /tasks/{task_id}/cancel")
        it.made.relay()
        it.made.generation.waiting = it.made.generation.waiting[-1:]
        it.note("worker: stops a canceled job", it.made.work)
        it.call("DELETE /tasks/{task_id}")
        it.made.relay()
        it.note("cascade: removes a task's files", it.made.clean)
        return it.rows


# ------------------------------------------------------------------------------------------------------ the tables


@dataclass(frozen=True)
class Measured:
    """Everything that the document says."""

    requests: Mapping[str, Calls]
    few: Mapping[str, Listed]
    many: Mapping[str, Listed]
    deletes: Mapping[int, Calls]
    clean_ups: Mapping[str, Usage]
    reports: Mapping[str, Calls]
    pipeline: Mapping[str, Calls]

    def is_within(self, each: str) -> bool:
        """Whether a list keeps below its ceiling, whatever the size of the catalogue."""
        return self.few[each].is_within and self.many[each].is_within


def measured() -> Measured:
    """All of it."""
    return Measured(
        requests() | shares() | first_requests(), lists(FEW), lists(MANY), deletes(), clean_ups(), reports(), pipeline()
    )


def tables(found: Measured) -> dict[str, str]:
    """Every table of the document, by its name there."""
    return {
        "requests": _calls_table(found.requests),
        "lists": _lists_table(found),
        "deletes": _calls_table({f"with {children:,} children": calls for children, calls in found.deletes.items()}),
        "cleanups": _usage_table(found.clean_ups),
        "reports": _calls_table(found.reports),
        "pipeline": _calls_table(found.pipeline),
    }


def _calls_table(rows: Mapping[str, Calls]) -> str:
    return _usage_table({name: usage(calls) for name, calls in rows.items()})


def _usage_table(rows: Mapping[str, Usage]) -> str:
    head = ["", "calls (round trips)", "items read", "items written", "RCU", "WCU", "KB asked", "KB answered"]
    return table(head, [[name, *_cells(row)] for name, row in rows.items()])


def _cells(row: Usage) -> list[str]:
    return [
        f"{brief(row.calls)} ({brief(row.round_trips)})",
        *(brief(each) for each in (row.items_read, row.items_written, row.read_units, row.write_units)),
        *(f"{each / KB:.1f}" for each in (row.asked, row.answered)),
    ]


def _lists_table(found: Measured) -> str:
    head = ["", f"of {FEW:,}: calls (round trips)", "RCU", "read", f"of {MANY:,}: calls (round trips)", "RCU", "read"]
    rows = [
        [f"`{each}`", *_page(found.few[each]), *_page(found.many[each]), "yes" if found.is_within(each) else "**no**"]
        for each in found.few
    ]
    return table([*head, "within"], rows)


def _page(listed: Listed) -> list[str]:
    took = usage(listed.calls)
    read = f"{listed.read / listed.own:.2f}" if listed.own else "–"
    return [f"{took.calls:.0f} ({took.round_trips:.0f})", brief(took.read_units), read]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """In Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in lines)


def brief(number: float) -> str:
    """With two decimals at most."""
    return f"{number:,.2f}".rstrip("0").rstrip(".")


def rewritten(text: str, found: Measured) -> str:
    """The document with what was found in the places that are marked for it."""
    return filled(text, tables(found))


def filled(text: str, places: Mapping[str, str]) -> str:
    """The document with these texts in the places that are marked for them, by name."""
    for name, each in places.items():
        head, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, tail = rest.partition("\n<!-- end -->")
        assert begin and end, f"docs/capacity.md has no place for {name}"  # noqa: S101, PT018
        text = f"{head}{begin}{each}{end}{tail}"
    return text


def main() -> None:
    """Bring the document up to date."""
    DOCUMENT.write_text(rewritten(DOCUMENT.read_text(), measured()))


if __name__ == "__main__":
    main()
