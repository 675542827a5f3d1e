"""Random histories, and SQLite with real foreign keys beside them: at every moment both answer alike.

Messages come late, partly, twice, out of order or never; the answers must not show it. `ORACLE_EXAMPLES=500` looks for
longer, at other histories each time.
"""

import os
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from atelier import wiring
from atelier.domain.ids import is_id
from atelier.domain.tasks.record import TaskDetail, TaskSummary
from atelier.store.items import part_to_item
from testbed.harness import TABLE, Answer, Harness, HeldQueue, harness
from testbed.lambda_events import sqs_record
from tests.integration.test_assets import PNG, body_of, hear, put, s3_event
from tests.support.fault_injection import Snapshot, settle_by_sweep, stored_files
from tests.support.oracle import TOLD, Question, Sql, compare, compare_one
from tests.support.recount import astray, scan, violations

ASKED: Final = os.environ.get("ORACLE_EXAMPLES")
NEVER: Final = "01900000-0000-7000-8000-000000000000"
MALFORMED: Final = "none"
# Case pairs that are no pairs of letters, LIKE's wildcards, what sorts differently as UTF-16, and white space.
LETTERS: Final = "aAbBßẞsSİiIéÉ%_😀\ufb01 "
STATUSES: Final = ("active", "archived", "draft")
TASK_STATUSES: Final = ("pending", "processing", "succeeded", "failed", "canceled")
PURPOSES: Final = ("reference", "mask", "logo")
WITH_PICTURES: Final = ("image", "edit")
NAMES: Final = ("name", "filename")

Json = dict[str, Any]

names = st.text(LETTERS, min_size=1, max_size=3).filter(str.strip)
optional_texts = st.none() | st.sampled_from(["", "x", "ß\n😀"])
# Stored with the resource, or beside it.
long_texts = st.none() | st.sampled_from(["x", "ß" * 2048, "ß" * 2048 + "x", "😀" * 2000])
statuses = st.sampled_from(STATUSES)


# Which of the things of a kind that were ever made: most of the time one that is still there.
which = st.integers(0, 2**16)


class Integrity(RuleBasedStateMachine):
    """What callers, the pipeline and the cascade may do, in any order."""

    def __init__(self, w: Harness, beginning: Snapshot, rows: Iterable[tuple[str, Json]]) -> None:
        super().__init__()
        beginning.again()
        self.harness = w
        self.sql = Sql()
        self.made: dict[str, list[str]] = {"clients": [NEVER, MALFORMED], "campaigns": [NEVER], "tasks": [NEVER]}
        self.made["assets"] = [NEVER]
        self.uploads: dict[str, Json] = {}
        self.uploaded: set[str] = set()
        self.deleted: list[Json] | None = []
        self.random = Random(0)
        for table, row in rows:
            self._known(table, row)

    @initialize(seed=which)
    def choose_questions(self, seed: int) -> None:
        self.random = Random(seed)

    # --------------------------------------------------------------------------------------------------- clients

    @rule(name=names, description=optional_texts, again=st.booleans())
    def make_client(self, name: str, description: str | None, again: bool) -> None:
        wanted = {"name": name, "description": description}
        self._made("clients", self._create("/clients", wanted, again=again), wanted)

    @rule(client=which, name=names)
    def rename_client(self, client: int, name: str) -> None:
        self._patch("clients", client, {"name": name})

    @rule(client=which, description=optional_texts)
    def describe_client(self, client: int, description: str | None) -> None:
        self._patch("clients", client, {"description": description})

    @rule(client=which, guidelines=long_texts)
    def guide_client(self, client: int, guidelines: str | None) -> None:
        self._patch("clients", client, {"brand_guidelines": guidelines})

    @rule(campaign=which, brief=long_texts)
    def brief_campaign(self, campaign: int, brief: str | None) -> None:
        self._patch("campaigns", campaign, {"brief": brief})

    @rule(client=which)
    def delete_client(self, client: int) -> None:
        had = self.sql.rows("SELECT id FROM campaigns WHERE client_id = ?", [self._pick("clients", client)])
        id_ = self._delete("clients", client)
        lists = [Question(table, {"client_id": id_}) for table in ("campaigns", "tasks", "assets")]
        for question in lists + [Question("tasks", {"campaign_id": row["id"]}) for row in had]:
            compare(self.harness, self.sql, question)
        campaign, task = {"client_id": id_, "name": "n", "goal": "g"}, {"client_id": id_, "prompt": "p"}
        self._made("campaigns", self._create("/campaigns", campaign, again=False), campaign)
        self._made("tasks", self._create("/generate/image", task, again=False), task)
        self._make_asset({"client_id": id_, "filename": "n", "purpose": "logo"}, again=False)

    # ------------------------------------------------------------------------------------------------- campaigns

    @rule(client=which, name=names, status=statuses, nested=st.booleans(), again=st.booleans())
    def make_campaign(self, client: int, name: str, status: str, nested: bool, again: bool) -> None:
        client_id = self._pick("clients", client)
        wanted = {"name": name, "goal": "g", "status": status, "client_id": client_id}
        path = f"/clients/{client_id}/campaigns" if nested else "/campaigns"
        self._made("campaigns", self._create(path, wanted, again=again), wanted)

    @rule(campaign=which, name=names, status=statuses)
    def change_campaign(self, campaign: int, name: str, status: str) -> None:
        self._patch("campaigns", campaign, {"name": name, "status": status})

    @rule(campaign=which, status=statuses)
    def move_campaign(self, campaign: int, status: str) -> None:
        self._patch("campaigns", campaign, {"status": status})

    @rule(campaign=which)
    def delete_campaign(self, campaign: int) -> None:
        task = {"campaign_id": self._delete("campaigns", campaign), "prompt": "p"}
        self._made("tasks", self._create("/generate/image", task, again=False), task)

    # ----------------------------------------------------------------------------------------------------- tasks

    @rule(
        client=st.none() | which,
        campaign=st.none() | which,
        kind=st.sampled_from(["image", "audio"]),
        provider=st.sampled_from(["fal", "sandbox"]),
        prompt=st.sampled_from(["p", "fail:x"]),
        again=st.booleans(),
    )
    def make_task(  # noqa: PLR0917 - hypothesis gives them by name
        self, client: int | None, campaign: int | None, kind: str, provider: str, prompt: str, again: bool
    ) -> None:
        client_id = None if client is None else self._pick("clients", client)
        campaign_id = None if campaign is None else self._pick("campaigns", campaign)
        parent = self.sql.get("campaigns", campaign_id) if campaign_id else None
        wanted = {"client_id": client_id, "campaign_id": campaign_id, "prompt": prompt, "provider": provider}
        smallest = {"size": "64x64"} if kind == "image" else {"duration": 1}
        answer = self._create(f"/generate/{kind}", {**wanted, **smallest}, again=again)
        if parent and client_id not in (None, parent["client_id"]):
            assert answer.status == 400, answer.text
        else:
            implied = {"client_id": parent["client_id"]} if parent else {}
            self._made("tasks", answer, {**wanted, **implied, "type": kind})

    @rule(task=which)
    def cancel_task(self, task: int) -> None:
        id_ = self._pick("tasks", task)
        row = self.sql.get("tasks", id_)
        answer = self.harness.call("POST", f"/tasks/{id_}/cancel")
        expected = 404 if row is None else 200 if row["status"] in ("pending", "processing", "canceled") else 409
        assert answer.status == expected, answer.text
        self._told()

    @rule(task=which, again=st.booleans())
    def retry_task(self, task: int, again: bool) -> None:
        id_ = self._pick("tasks", task)
        row = self.sql.get("tasks", id_)
        answer = self._create(f"/tasks/{id_}/retry", None, again=again)
        gone = row is not None and not all(each["asset_id"] or each["task_id"] for each in row["inputs"])
        if row is None or row["status"] not in ("failed", "canceled") or gone:
            assert answer.status == (404 if row is None else 409), answer.text
        else:
            same = {name: row[name] for name in ("client_id", "campaign_id", "type", "provider", "prompt", "inputs")}
            self._made("tasks", answer, {**same, "retry_of": id_})

    @rule(task=which, client=st.none() | which, campaign=st.none() | which, rating=st.sampled_from([None, 1, 5]))
    def move_task(self, task: int, client: int | None, campaign: int | None, rating: int | None) -> None:
        id_ = self._pick("tasks", task)
        client_id = None if client is None else self._pick("clients", client)
        changes: Json = {"client_id": client_id, "campaign_id": None, "rating": rating}
        if campaign is not None and (parent := self.sql.get("campaigns", self._pick("campaigns", campaign))):
            changes |= {"client_id": parent["client_id"], "campaign_id": parent["id"]}
        answer = self.harness.call("PATCH", f"/tasks/{id_}", changes)
        there = changes["client_id"] is None or self.sql.get("clients", changes["client_id"])
        if self.sql.get("tasks", id_) and there:
            assert answer.status == 200, answer.text
            self.sql.update("tasks", id_, changes)
        else:
            assert answer.status == 404, answer.text

    @rule(task=which)
    def delete_task(self, task: int) -> None:
        id_ = self._pick("tasks", task)
        kept = wiring.tasks().load(id_) if is_id(id_) else None
        if kept is not None and kept.sent and not kept.over and self.sql.get("tasks", id_):
            self.deleted = None  # booked for as long as it ran until the delete, which nobody outside can say
        elif kept is not None and kept.over and self.deleted is not None and self.sql.get("tasks", id_):
            self.deleted.append({**part_to_item(kept, TaskDetail), **part_to_item(kept, TaskSummary)})
        self._delete_one("tasks", id_)

    # ---------------------------------------------------------------------------------------------------- assets

    @rule(client=st.none() | which, filename=names, purpose=st.sampled_from(PURPOSES), again=st.booleans())
    def make_asset(self, client: int | None, filename: str, purpose: str, again: bool) -> None:
        client_id = None if client is None else self._pick("clients", client)
        self._make_asset({"client_id": client_id, "filename": filename, "purpose": purpose}, again=again)

    @rule(asset=which, heard=st.sampled_from(["call", "event", "nobody"]), is_there=st.booleans())
    def complete_asset(self, asset: int, heard: str, is_there: bool) -> None:
        """The file is uploaded, or not, and then checked because somebody asks, because S3 tells of it, or not yet."""
        id_ = self._pick("assets", asset)
        row = self.sql.get("assets", id_)
        if row and row["status"] == "pending" and is_there and id_ not in self.uploaded:
            put(self.uploads[id_])
            self.uploaded.add(id_)
        is_ready = row is not None and (row["status"] == "ready" or id_ in self.uploaded)
        if heard == "event" and id_ in self.uploaded:
            hear(self.harness, s3_event(self.uploads[id_]))
        elif heard == "call":
            status = self.harness.call("POST", f"/assets/{id_}/complete").status
            assert status == (404 if row is None else 200 if is_ready else 409)
        if is_ready and heard != "nobody":
            self._told_of_asset(id_)

    @rule(asset=which, filename=names, purpose=st.sampled_from(PURPOSES))
    def change_asset(self, asset: int, filename: str, purpose: str) -> None:
        self._patch("assets", asset, {"filename": filename, "purpose": purpose})

    @rule(asset=which)
    def delete_asset(self, asset: int) -> None:
        self._delete("assets", asset)

    @rule(asset=st.none() | which, source=st.none() | which, client=st.none() | which, again=st.booleans())
    def make_edit(self, asset: int | None, source: int | None, client: int | None, again: bool) -> None:
        client_id = None if client is None else self._pick("clients", client)
        inputs: list[Json] = []
        if asset is not None:
            inputs.append({"asset_id": self._pick("assets", asset), "task_id": None, "output": None})
        if source is not None or not inputs:
            inputs.append({"asset_id": None, "task_id": self._pick("tasks", source or 0), "output": 0})
        inputs = [{"role": "reference", **each} for each in inputs]
        wanted = {"client_id": client_id, "prompt": "p", "provider": "sandbox", "inputs": inputs}
        answer = self._create("/generate/edit", wanted, again=again)
        if client_id is not None and self.sql.get("clients", client_id) is None:
            assert answer.status == 404, answer.text
        elif not all(self._has_picture(each) for each in inputs):
            assert answer.status == 400, answer.text
        else:
            self._made("tasks", answer, {**wanted, "type": "edit"})

    def _has_picture(self, named: Json) -> bool:
        """Whether an input is there, and a picture. SQL knows the first, and was told of the second."""
        if named["asset_id"]:
            asset = self.sql.get("assets", named["asset_id"])
            return asset is not None and asset["status"] == "ready"
        task = self.sql.get("tasks", named["task_id"])
        return task is not None and task["status"] == "succeeded" and task["type"] in WITH_PICTURES

    # ------------------------------------------------------------------------------------------- what goes on behind

    @rule()
    def relay(self) -> None:
        self.harness.relay()

    @rule()
    def work(self) -> None:
        self.harness.relay()
        self.harness.work()
        self._told()

    @rule(message=which, again=st.booleans())
    def work_on_one(self, message: int, again: bool) -> None:
        self._deliver("worker", self.harness.generation, message, again=again)
        self._told()

    @rule(message=which, again=st.booleans())
    def clean_one(self, message: int, again: bool) -> None:
        self._deliver("cascade", self.harness.cascade, message, again=again)

    @rule(message=which, name=st.sampled_from(["cascade", "generation", "assets"]))
    def lose_a_message(self, message: int, name: str) -> None:
        queue: HeldQueue = getattr(self.harness, name)
        if queue.waiting:
            del queue.waiting[message % len(queue.waiting)]

    @rule()
    def lose_records(self) -> None:
        self.harness.changes()

    @rule()
    def sweep(self) -> None:
        self.harness.sweep()

    @rule(message=which, again=st.booleans())
    def see_to_one_asset(self, message: int, again: bool) -> None:
        self.harness.relay()
        self._deliver("asset_worker", self.harness.assets, message, again=again)

    @rule()
    def clean(self) -> None:
        self.harness.relay()
        self.harness.clean()

    @rule(seconds=st.sampled_from([1, 89, 91, 2000]))
    def pass_time(self, seconds: int) -> None:
        self.harness.pass_time(seconds)

    @rule()
    def settle(self) -> None:
        self.harness.settle()
        self._told()

    # ------------------------------------------------------------------------------------------ what must be the same

    @invariant()
    def a_list_and_one_thing_agree(self) -> None:
        compare(self.harness, self.sql, self._question())
        table = self.random.choice(list(self.made))
        compare_one(self.harness, self.sql, table, self.random.choice(self.made[table]))

    @invariant()
    def the_recount_finds_nothing(self) -> None:
        if self.random.random() < 0.3:
            assert self._findings(at_rest=False) == []

    def teardown(self) -> None:
        settle_by_sweep(self.harness)
        self._told()
        for row in self.sql.rows("SELECT id FROM assets WHERE status = 'pending'", []):
            # A day has passed: what was uploaded was checked, and what never was is gone.
            if row["id"] in self.uploaded:
                self._told_of_asset(row["id"])
            else:
                self.sql.delete("assets", row["id"])
        assert self._findings(at_rest=True) == []
        assert astray(scan(self.harness.dynamodb, TABLE), stored_files()) == []
        for table, ids in self.made.items():
            for id_ in ids:
                compare_one(self.harness, self.sql, table, id_)
        for question in self.random.sample(self._all_orders(), 10):
            compare(self.harness, self.sql, question)
        self.sql.close()

    # ---------------------------------------------------------------------------------------------------- both sides

    def _create(self, path: str, body: Any, *, again: bool) -> Answer:
        """Create something; with `again`, the caller sends the same request twice."""
        key = {"Idempotency-Key": f"{self.random.getrandbits(64)}"} if again else {}
        answer = self.harness.call("POST", path, body, headers=key)
        if again:
            repeated = self.harness.call("POST", path, body, headers=key)
            assert repeated.status == answer.status
            if answer.status < 300:
                assert repeated.headers["Idempotent-Replayed"] == "true"
                assert repeated.json["id"] == answer.json["id"]
        return answer

    def _made(self, table: str, answer: Answer, wanted: Json) -> None:
        """Let SQL judge the create, and then know what was made."""
        if not self.sql.accepts(table, {**wanted, "id": "candidate"}):
            assert answer.status == 404, answer.text
            return
        assert answer.status in (201, 202), answer.text
        made: Json = answer.json
        shown = {name: value.strip() if name in NAMES else value for name, value in wanted.items()}
        assert {name: made[name] for name in shown} == shown
        self._known(table, made)

    def _known(self, table: str, row: Json) -> None:
        self.sql.insert(table, row)
        if "upload" in row:
            self.uploads[row["id"]] = row
        self.made[table].append(str(row["id"]))

    def _pick(self, table: str, number: int) -> str:
        """Any of those that were ever made: seven times of ten one that is there, else one that is not, if any."""
        there = [id_ for id_ in self.made[table] if self.sql.get(table, id_)]
        gone = [id_ for id_ in self.made[table] if id_ not in there]
        wanted = there if number % 10 < 7 and there else gone
        return wanted[-1 - number // 10 % len(wanted)]

    def _patch(self, table: str, number: int, changes: Json) -> None:
        id_ = self._pick(table, number)
        answer = self.harness.call("PATCH", f"/{table}/{id_}", changes)
        before = self.sql.get(table, id_)
        if before is None:
            assert answer.status == 404, answer.text
            return
        assert answer.status == 200, answer.text
        shown = {name: value.strip() if name in NAMES else value for name, value in changes.items()}
        differs = any(before[name] != value for name, value in shown.items())
        after = answer.json
        assert (after["updated_at"] != before["updated_at"]) == differs
        self.sql.update(table, id_, {**shown, "updated_at": after["updated_at"]})

    def _delete(self, table: str, number: int) -> str:
        """Delete one on both sides; its id, under which nothing can be created from now on."""
        id_ = self._pick(table, number)
        self._delete_one(table, id_)
        return id_

    def _delete_one(self, table: str, id_: str) -> None:
        """Delete one on both sides, and look at all tasks that may have used it."""
        expected = 204 if self.sql.delete(table, id_) else 404
        assert self.harness.call("DELETE", f"/{table}/{id_}").status == expected
        for row in self.sql.rows("SELECT DISTINCT of_task FROM task_inputs", []):
            compare_one(self.harness, self.sql, "tasks", row["of_task"])

    def _make_asset(self, wanted: Json, *, again: bool) -> None:
        answer = self._create("/assets", {**body_of(PNG), **wanted}, again=again)
        self._made("assets", answer, {**wanted, "status": "pending"})

    def _told_of_asset(self, id_: str) -> None:
        """Tell SQL that the check has found the file to be what was announced."""
        shown = self.harness.call("GET", f"/assets/{id_}").json
        self.sql.update("assets", id_, {"status": "ready", "updated_at": shown["updated_at"]})

    def _deliver(self, function: str, queue: HeldQueue, number: int, *, again: bool) -> None:
        """Deliver one of the messages that wait; with `again`, it will come once more."""
        if not queue.waiting:
            return
        body, delay = queue.waiting[number % len(queue.waiting)]
        if not again:
            queue.waiting.remove((body, delay))
        self.harness.pass_time(delay)
        assert not self.harness.invoke(function, {"Records": [sqs_record(body)]})["batchItemFailures"]

    def _told(self) -> None:
        """Tell SQL what the pipeline made of the tasks."""
        for row in self.sql.rows("SELECT * FROM tasks", []):
            if row["status"] in ("pending", "processing"):
                task = self.harness.call("GET", f"/tasks/{row['id']}").json
                self.sql.update("tasks", row["id"], {name: task[name] for name in TOLD})

    def _findings(self, *, at_rest: bool) -> list[str]:
        return violations(scan(self.harness.dynamodb, TABLE), at_rest=at_rest, deleted=self.deleted)

    # ----------------------------------------------------------------------------------------------------- questions

    def _question(self) -> Question:
        """Any list that can be asked for, mostly of what there is."""
        table = self.random.choice(list(self.made))
        filters, orders = self._filters(table)
        asked = {name: value for name, value in filters.items() if value and self.random.random() < 0.4}
        return Question(
            table,
            asked,
            sort_by=self.random.choice(orders),
            sort_order=self.random.choice(["asc", "desc"]),
            page_size=self.random.choice([3, 5, 50] if table == "tasks" else [1, 1, 2, 50]),
            nested=table == "campaigns" and "client_id" in asked and self.random.random() < 0.5,
        )

    def _filters(self, table: str) -> tuple[dict[str, str], tuple[str, ...]]:
        pick = self.random.choice
        client_id, moments = pick(self.made["clients"]), self._moments()
        searched = pick(LETTERS) if self.random.random() < 0.7 else pick(LETTERS) + pick(LETTERS)
        if table == "clients":
            return {"search": searched}, ("name", "created_at", "updated_at")
        if table == "campaigns":
            campaign_filters = {"client_id": client_id, "status": pick(STATUSES), "search": searched}
            return campaign_filters, ("name", "created_at", "updated_at", "status")
        if table == "assets":
            status, purpose = pick(["pending", "ready"]), pick(PURPOSES)
            asset_filters = {"client_id": pick([client_id, "none"]), "status": status, "purpose": purpose}
            return asset_filters | {"search": searched}, ("name", "created_at", "updated_at", "status")
        start, end = sorted((pick(moments), pick(moments)))
        task_filters = {
            "client_id": pick([client_id, "none"]),
            "campaign_id": pick(self.made["campaigns"]),
            "status": pick(TASK_STATUSES),
            "type": pick(["image", "audio", "edit"]),
            "provider": pick(["fal", "sandbox"]),
            "rating_from": pick(["1", "2"]),
            "created_from": start,
            "created_to": end,
        }
        return task_filters, ("created_at",)

    def _moments(self) -> list[str]:
        return [row["created_at"] for row in self.sql.rows("SELECT created_at FROM tasks", [])] or [""]

    def _all_orders(self) -> list[Question]:
        """Every order of every list, and the lists of every parent that ever was."""
        orders = [(table, order) for table in self.made for order in self._filters(table)[1]]
        plain = [Question(table, sort_by=order, page_size=2) for table, order in orders]
        of_clients = [
            Question(table, {"client_id": id_})
            for table in ("campaigns", "tasks", "assets")
            for id_ in self.made["clients"]
        ]
        of_campaigns = [Question("tasks", {"campaign_id": id_}) for id_ in self.made["campaigns"]]
        unassigned = Question("tasks", {"client_id": "none"}, page_size=1)
        backwards = [replace(question, sort_order="asc") for question in plain]
        return [*plain, *backwards, *of_clients, *of_campaigns, unassigned]


def an_agency(w: Harness) -> list[tuple[str, Json]]:
    """What every history begins with: some of everything, in every state, so that there is something to delete."""

    def made(path: str, **body: Any) -> Json:
        answer: Json = w.call("POST", path, body).json
        return answer

    clients = [made("/clients", name=name) for name in ("ß", "SS", "a_%")]
    of_clients = ((0, "é", "active"), (0, "É", "draft"), (1, "é", "active"), (2, "%", "archived"))
    campaigns = [
        made("/campaigns", client_id=clients[number]["id"], name=name, goal="g", status=status)
        for number, name, status in of_clients
    ]
    small = {"prompt": "p", "size": "64x64"}
    tasks = [made("/generate/image", **small, campaign_id=each["id"]) for each in campaigns[1:]]
    tasks.append(made("/generate/audio", prompt="fail:x", duration=1, client_id=clients[0]["id"]))
    assets = [made("/assets", **body_of(PNG), client_id=client) for client in (clients[0]["id"], None, None)]
    for asset in assets[:2]:
        put(asset)
    ready = [w.call("POST", f"/assets/{asset['id']}/complete").json for asset in assets[:2]]
    w.settle()
    references = [{"role": "reference", "asset_id": asset["id"]} for asset in ready]
    references.append({"role": "reference", "task_id": tasks[0]["id"], "output": 0})
    tasks.append(made("/generate/edit", prompt="p", provider="sandbox", inputs=references))
    w.settle()
    unfinished = [made("/generate/edit", prompt="p", provider="sandbox", inputs=references[:1])]
    unfinished += [made("/generate/image", **small, campaign_id=each["id"]) for each in campaigns[:2]]
    finished = [w.call("GET", f"/tasks/{task['id']}").json for task in tasks]
    kinds = {"clients": clients, "campaigns": campaigns, "assets": [*ready, assets[2]], "tasks": finished + unfinished}
    return [(table, row) for table, rows in kinds.items() for row in rows]


def test_any_history_is_answered_as_sql_would_answer() -> None:
    with harness() as w:
        rows = an_agency(w)
        run_state_machine_as_test(
            partial(Integrity, w, beginning=Snapshot(w), rows=rows),  # type: ignore[arg-type]  # any factory will do
            settings=settings(
                max_examples=int(ASKED or 10),
                stateful_step_count=30,
                derandomize=ASKED is None,
                print_blob=True,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
            ),
        )
