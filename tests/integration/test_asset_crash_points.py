"""The process dies after any write of an asset, in the table or in the bucket, which is before the next one.

Callers repeat their request or never come back, queues bring their message again, and the sweep looks at what is due.
It ends as if nothing had died: no item without its files, no file without its item, and every count is right.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from testbed.harness import TABLE, Harness
from tests.integration.builders import Json, a_client, a_finished_task, shown
from tests.integration.test_assets import PNG, a_ready_asset, an_asset, body_of, complete, hear, put, s3_event
from tests.support.fault_injection import (
    CrashAt,
    Crashed,
    FaultyDynamoDB,
    Snapshot,
    Trouble,
    faulty_harness,
    settle_stubbornly,
    stored_files,
)
from tests.support.recount import astray, scan, violations

Agency = Mapping[str, Json]


@dataclass
class Stage:
    """A harness with assets in every state."""

    w: Harness
    client: FaultyDynamoDB
    agency: Agency

    def wrongs(self) -> list[str]:
        """What is wrong with the table and the bucket, where nothing is left to be done."""
        items = list(scan(self.w.dynamodb, TABLE))
        return [*violations(items, at_rest=True, deleted=None), *astray(items, stored_files())]

    def outcome(self) -> dict[str, Any]:
        """What a caller sees, without ids and times."""
        page, files = shown(self.w, "/assets"), stored_files()
        return {
            "total": page["total"],
            "assets": sorted((each["filename"], each["status"], each["purpose"]) for each in page["items"]),
            "files": sorted(key.rpartition("/")[2] for key in files),
            "clients": shown(self.w, "/clients")["total"],
        }


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[Stage, Snapshot]]:
    """One harness for all tests, and the moment at which each of them begins."""
    with faulty_harness(files=True) as (w, client):
        yield Stage(w, client, an_agency(w)), Snapshot(w)


def an_agency(w: Harness) -> Agency:
    """Assets of a client and of none: `waiting` has its file, `wrong` another one, `abandoned` none."""
    client = a_client(w)
    waiting = an_asset(w, client_id=client["id"], filename="waiting.png")
    wrong, rejected = (an_asset(w, filename=f"{name}.png") for name in ("wrong", "rejected"))
    put(waiting)
    for each in (wrong, rejected):
        put(each, PNG[:-1])
    assert complete(w, rejected).status == 409
    return {
        "client": client,
        "waiting": waiting,
        "wrong": wrong,
        "abandoned": an_asset(w, filename="abandoned.png"),
        "ready": a_ready_asset(w, client_id=client["id"], filename="ready.png"),
        "task": a_finished_task(w, client_id=client["id"]),
    }


# ------------------------------------------------------------------------------------------------------- what is done


@dataclass(frozen=True)
class Ask:
    """A request, and how it is answered: the first time, and when it was carried out already.

    `{client}` and the like in its path are the agency's; a new asset is the client's.
    """

    method: str
    path: str
    body: Json | None = None
    status: int = 200
    again: int | None = None

    def of(self, w: Harness, agency: Agency) -> None:
        """Send it, always with the same idempotency key. Raises AssertionError for another answer."""
        ids = {name: each["id"] for name, each in agency.items()}
        body = {**self.body, "client_id": ids["client"]} if self.body and self.path == "/assets" else self.body
        headers = {"Idempotency-Key": "once"} if self.method == "POST" else {}
        answer = w.call(self.method, self.path.format(**ids), body, headers=headers)
        assert answer.status in (self.status, self.again), answer.text


@dataclass(frozen=True)
class Hear:
    """S3's event of an upload."""

    asset: str

    def of(self, w: Harness, agency: Agency) -> None:
        """Have the worker hear of it."""
        hear(w, s3_event(agency[self.asset]))


@dataclass(frozen=True)
class Wait:
    """Nobody comes back for a day and more. Then the sweep looks at what is due."""

    def of(self, w: Harness, agency: Agency) -> None:
        """Let the time go by; who has died is begun again."""
        w.now = max(w.now, datetime.fromisoformat(agency["client"]["created_at"]) + timedelta(hours=26))
        w.sweep()


ACTS: Final[Mapping[str, Ask | Hear | Wait]] = {
    "delete": Ask("DELETE", "/assets/{ready}", status=204, again=404),
    "create": Ask("POST", "/assets", body_of(PNG, filename="new.png"), status=201),
    "complete": Ask("POST", "/assets/{waiting}/complete"),
    "complete another file": Ask("POST", "/assets/{wrong}/complete", status=409),
    "copy an output": Ask("POST", "/tasks/{task}/outputs/0/asset", {}, status=201),
    "change": Ask("PATCH", "/assets/{ready}", {"purpose": "mask"}),
    "delete while it waits": Ask("DELETE", "/assets/{waiting}", status=204, again=404),
    "delete the client": Ask("DELETE", "/clients/{client}", status=204, again=404),
    "hear of an upload": Hear("waiting"),
    "hear of another file": Hear("wrong"),
    "wait": Wait(),
}
"""Each with the messages that follow from it."""


@pytest.mark.parametrize("name", ACTS)
def test_what_is_repeated_after_a_crash_happens_once(opened: tuple[Stage, Snapshot], name: str) -> None:
    stage, beginning = opened
    last = CrashAt(0, effect=True)
    expected = _outcome(stage, beginning, name, last)
    assert last.writes > 0  # or this test is about nothing
    for number in range(1, last.writes + 1):
        found = _outcome(stage, beginning, name, CrashAt(number, effect=True))
        assert found == expected, f"crash at write {number}"


def _outcome(stage: Stage, beginning: Snapshot, name: str, crash: CrashAt) -> dict[str, Any]:
    beginning.again()
    stage.client.trouble = crash
    try:
        ACTS[name].of(stage.w, stage.agency)
    except Crashed:
        ACTS[name].of(stage.w, stage.agency)
    settle_stubbornly(stage.w, generating=False)
    stage.client.trouble = Trouble()
    assert stage.wrongs() == []
    return stage.outcome()


@pytest.mark.parametrize("name", ["create", "complete", "copy an output", "delete"])
def test_the_sweep_ends_what_nobody_repeats(opened: tuple[Stage, Snapshot], name: str) -> None:
    (stage, beginning), number, crash = opened, 0, CrashAt(0, effect=True)
    while crash.happened:
        beginning.again()
        number += 1
        stage.client.trouble = crash = CrashAt(number, effect=True)
        with suppress(Crashed):
            ACTS[name].of(stage.w, stage.agency)
        stage.client.trouble = Trouble()
        stage.w.changes()  # what follows from it is lost as well
        Hear("waiting").of(stage.w, stage.agency)
        Wait().of(stage.w, stage.agency)
        settle_stubbornly(stage.w, generating=False)
        assert stage.wrongs() == [], f"crash at write {number}"
        assert shown(stage.w, "/assets", status="pending")["total"] == 0
