"""The whole project in one process: real handlers on moto or dynoxide, with time and queues under the test's control.

Nothing happens by itself: `call` sends a request, `relay` hands the table's changes to the queues, `work` and `clean`
deliver what waits in them. So a test decides what is late, what comes twice, and what never comes.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from unittest import mock

import boto3
from botocore.session import get_session

from atelier import wiring
from atelier.domain.messages import AccountMessage
from atelier.domain.schema import utcnow
from atelier.web.routes import fits
from local.openapi import load
from testbed import engines
from testbed.environment import ENVIRONMENT, fresh_wiring
from testbed.lambda_events import LambdaContext, http_event, sqs_record
from testbed.moto_conditions import conditional_copies
from testbed.moto_shortcuts import quick_aws
from testbed.stream_filters import passes
from testbed.template import PROJECT, create_table, template

TABLE: Final = ENVIRONMENT["TABLE_NAME"]
BUCKET: Final = ENVIRONMENT["MEDIA_BUCKET"]
FUNCTIONS: Final = tuple(sorted(path.parent.name for path in (PROJECT / "functions").glob("*/app.py")))
_session: Final = cache(get_session)
"""botocore's, kept for the next harness: it registers 120 handlers when it is made."""


@dataclass
class Answer:
    """What came back over HTTP."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.text)


@dataclass
class HeldQueue:
    """A queue that delivers when the test says so. `waiting` holds message and delay in seconds."""

    waiting: list[tuple[str, int]] = field(default_factory=list)

    def send(self, message: AccountMessage, *, delay: int = 0, provider: str = "") -> None:
        """Keep the message; the queues of all providers are one here."""
        self.waiting.append((message.model_dump_json(), delay))

    def take(self) -> list[tuple[str, int]]:
        """Everything that waits, in the order in which it came."""
        taken, self.waiting = self.waiting, []
        return taken


class Harness:
    """See the module."""

    def __init__(self) -> None:
        self.now = utcnow()
        self.generation = HeldQueue()
        self.cascade = HeldQueue()
        self.exports = HeldQueue()
        self.deliveries = HeldQueue()
        self.imports = HeldQueue()
        self.assets = HeldQueue()
        self.to_log: list[dict[str, Any]] = []
        self.dynamodb = boto3.client("dynamodb")
        self.stream = engines.Stream(TABLE)
        self._modules: dict[str, Any] = {}

    def clock(self) -> datetime:
        """The time, which moves a little with every look at it, as it does for two requests."""
        self.now += timedelta(microseconds=7)
        return self.now

    def pass_time(self, seconds: float) -> None:
        """Let `seconds` go by."""
        self.now += timedelta(seconds=seconds)

    # ---------------------------------------------------------------------------------------------------- requests

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | str | None = None,
        raw: str | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Send one request below /api/v3. `body` is sent as JSON; `raw` is sent as it is.

        `claims` are what the gateway has verified.
        """
        text = raw if raw is not None else None if body is None else json.dumps(body)
        event = http_event(method, f"/api/v3{path}", text, headers=headers or {}, query=query or {})
        if claims is not None:
            event["requestContext"]["authorizer"] = {"jwt": {"claims": dict(claims), "scopes": None}}
        answer = self.invoke(_function_of(path), event)
        return Answer(answer["statusCode"], answer["headers"], answer.get("body") or "")

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """Call one function's handler as Lambda does."""
        return self.module(function).handler(event, LambdaContext())

    def module(self, function: str) -> Any:
        """One function's module, loaded when it is first asked for."""
        if function not in self._modules:
            module: Any = load(function)
            if hasattr(module, "utcnow"):
                module.utcnow = self.clock
            self._modules[function] = module
        return self._modules[function]

    # ------------------------------------------------------------------------------------------------------- events

    def changes(self) -> list[dict[str, Any]]:
        """The table's stream records since the last call, as the relay's filters would let them through.

        Those that the activity log's filters let through wait for `log_activity`.
        """
        records = self.records()
        self.to_log += [record for record in records if passes(record, "Activity")]
        return [record for record in records if passes(record)]

    def records(self) -> list[dict[str, Any]]:
        """All of the table's stream records since the last call."""
        return self.stream.read()

    def log_activity(self) -> None:
        """Have what changed since the last call written to the activity log."""
        self.relay()
        records, self.to_log = self.to_log, []
        if records:
            assert self.invoke("activity", {"Records": records}) == {"batchItemFailures": []}

    def relay(self) -> None:
        """Hand the table's changes to the queues."""
        if records := self.changes():
            self.invoke("relay", {"Records": records})

    def work(self) -> int:
        """Deliver every message of the generation queue, after its delay; how many there were."""
        return self._deliver("worker", self.generation)

    def clean(self) -> int:
        """Deliver every message of the cascade queue, after its delay; how many there were."""
        return self._deliver("cascade", self.cascade)

    def export(self) -> int:
        """Deliver every message of the export queue, after its delay; how many there were."""
        return self._deliver("exporter", self.exports)

    def tell(self) -> int:
        """Deliver every message of the webhook delivery queue, after its delay; how many there were."""
        return self._deliver("webhook_delivery", self.deliveries)

    def bring_in(self) -> int:
        """Deliver every message of the import queue, after its delay; how many there were."""
        return self._deliver("import_worker", self.imports)

    def see_to_assets(self) -> int:
        """Deliver every message of the asset queue, after its delay; how many there were."""
        return self._deliver("asset_worker", self.assets)

    def sweep(self) -> dict[str, int]:
        """Have overdue work put back on its queue, as it is every minute; how much was looked at and put back."""
        swept: dict[str, int] = self.invoke("sweep", {})
        return swept

    def check_models(self) -> dict[str, int]:
        """Have the lines of the catalog that are due checked, as they are every minute."""
        checked: dict[str, int] = self.invoke("models", {})
        return checked

    def check_built_in_models(self) -> dict[str, int]:
        """Have the built-in models whose turn it is checked, as some of them are every hour."""
        checked: dict[str, int] = self.invoke("models", {"models": "built_in"})
        return checked

    def _deliver(self, function: str, queue: HeldQueue) -> int:
        taken = queue.take()
        for body, delay in taken:
            self.pass_time(delay)
            failed = self.invoke(function, {"Records": [sqs_record(body)]})["batchItemFailures"]
            assert not failed, f"{function} could not handle {body}"
        return len(taken)

    def settle(self, rounds: int = 200) -> None:
        """Deliver all waiting messages, and those that follow from them, until none is left."""
        for _ in range(rounds):
            self.relay()
            if not self.work() + self.clean():
                return
        raise AssertionError("Messages keep coming.")


@contextmanager
def harness() -> Iterator[Harness]:
    """A new harness: an empty table and bucket, and nothing cached from another one."""
    with fresh_wiring(ENVIRONMENT), quick_aws(), conditional_copies(), engines.current().opened():
        made = Harness()
        create_table(made.dynamodb, TABLE)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        with (
            mock.patch.object(wiring, "_session", _session),
            mock.patch.object(wiring, "generation_queue", return_value=made.generation),
            mock.patch.object(wiring, "cascade_queue", return_value=made.cascade),
            mock.patch.object(wiring, "export_queue", return_value=made.exports),
            mock.patch.object(wiring, "webhook_delivery_queue", return_value=made.deliveries),
            mock.patch.object(wiring, "import_queue", return_value=made.imports),
            mock.patch.object(wiring, "asset_queue", return_value=made.assets),
            mock.patch("atelier.providers.sandbox.utcnow", made.clock),
            mock.patch("atelier.caller.utcnow", made.clock),
            mock.patch("atelier.store.model_lines.utcnow", made.clock),
        ):
            yield made
            wiring.disconnect()
            made.dynamodb.close()


@cache
def _routes() -> list[tuple[list[str], str]]:
    """Every path of template.yaml, split at its slashes, with the folder of the function that serves it."""
    resources = template()["Resources"].values()
    functions = [each["Properties"] for each in resources if each["Type"] == "AWS::Serverless::Function"]
    return [
        (event["Properties"]["Path"].split("/"), function["CodeUri"].removeprefix("functions/"))
        for function in functions
        for event in function.get("Events", {}).values()
        if event["Type"] == "HttpApi"
    ]


def _function_of(path: str) -> str:
    """The function that the gateway hands a path to; the system function answers what no route takes."""
    parts = f"/api/v3{path}".split("/")
    return next((function for template, function in _routes() if fits(parts, template)), "system")
