"""Exports over HTTP: what is in the archives, for whom, and what is left when a worker dies."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final
from unittest import mock

import boto3
import pytest

from atelier import wiring
from atelier.domain.due import LATE_AFTER
from atelier.domain.exports import KEPT, LEASE
from atelier.settings import settings
from atelier.store import export_builder, keys, multipart
from atelier.store.export_builder import ExportBuilder
from atelier.telemetry import log
from bench.calls import Call, heard
from testbed.harness import BUCKET, Answer, Harness, harness
from testbed.lambda_events import sqs_record
from tests.integration.builders import (
    NOBODY,
    Json,
    a_campaign,
    a_client,
    a_finished_task,
    created,
    places,
    problem,
    shown,
    theirs,
    walk,
)
from tests.property.test_file_names import is_safe

GUEST: Final = {"iss": "https://id.example", "sub": "guest", "cognito:groups": "[viewer]"}
FORMULA: Final = '=HYPERLINK("http://evil.example")'


@pytest.fixture(scope="module")
def client_of() -> Iterator[tuple[Harness, Json]]:
    """A harness with a client that has two campaigns of one name, and five tasks with hostile prompts."""
    # The harness says that there are seconds left, as in a function behind the API.
    with harness() as w, mock.patch.object(export_builder, "TIME_FOR_A_FILE", 0):
        client = a_client(w, "Acme")
        first, second = (a_campaign(w, client, name="../CON") for _ in range(2))
        for prompt, campaign in (("../x", first), ("../X", first), ("🙂 \u202egnp.exe", second), (FORMULA, second)):
            a_finished_task(w, prompt=prompt, campaign_id=campaign["id"])
        a_finished_task(w, prompt="../x", client_id=client["id"], num_outputs=2)
        yield w, client


@pytest.fixture
def w(client_of: tuple[Harness, Json]) -> Harness:
    w, _ = client_of
    w.exports.take()
    return w


@pytest.fixture
def client(client_of: tuple[Harness, Json]) -> Json:
    return client_of[1]


def asked_for(w: Harness, **body: Any) -> Json:
    """An export that was just asked for."""
    return created(w.call("POST", "/exports", body))


def carried_out(w: Harness, export: Json) -> Json:
    """The export, after all that its messages lead to."""
    while w.export():
        pass
    return shown(w, f"/exports/{export['id']}")


def archives(export: Json) -> list[bytes]:
    """What is at the keys of the export's files."""
    s3 = boto3.client("s3")
    named = [f"exports/1/{export['id']}/{number}.zip" for number in range(1, len(export["files"]) + 1)]
    return [s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in named]


def contents(export: Json) -> dict[str, bytes]:
    """The files in the archives, which are whole, by their names."""
    found: dict[str, bytes] = {}
    for archive in archives(export):
        with zipfile.ZipFile(io.BytesIO(archive)) as read:
            assert read.testzip() is None
            assert not found.keys() & set(read.namelist())
            found |= {name: read.read(name) for name in read.namelist()}
    return found


def left_open() -> list[Any]:
    """The uploads that are not completed."""
    return boto3.client("s3").list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])


def stored(export: Json) -> list[str]:
    """What S3 has of an export."""
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"exports/1/{export['id']}/")
    return [each["Key"].rpartition("/")[2] for each in listed.get("Contents", [])]


# ------------------------------------------------------------------------------------------------ what is in it


def test_an_export_has_every_file_with_its_checksum(w: Harness, client: Json) -> None:
    export = carried_out(w, asked_for(w, client_id=client["id"]))
    assert (export["status"], export["progress"], export["missing"]) == ("succeeded", 1, 0)
    assert (export["tasks"], export["outputs"]) == (5, 6)
    (file,), (archive,) = export["files"], archives(export)
    assert (file["bytes"], file["sha256"]) == (len(archive), hashlib.sha256(archive).hexdigest())
    assert "X-Amz-Expires=900" in file["url"]
    found = contents(export)
    manifest = json.loads(found["manifest.json"])
    listed = {each["name"]: each for each in manifest["files"]}
    assert listed.keys() == found.keys() - {"tasks.csv", "spend.csv", "manifest.json"}
    tasks = {task["id"]: task for task in shown(w, "/tasks", client_id=client["id"])["items"]}
    for name, each in listed.items():
        assert (each["sha256"], each["bytes"]) == (hashlib.sha256(found[name]).hexdigest(), len(found[name]))
        assert (each["prompt"], each["seed"]) == tuple(tasks[each["task_id"]][it] for it in ("prompt", "seed"))
    assert stored(export) == ["1.zip"]
    assert left_open() == []


def test_files_and_costs_are_of_models_by_their_ids(w: Harness) -> None:
    task = a_finished_task(w, client_id=a_client(w, "Other")["id"], provider="fal", model="fal-ai/flux-pro")
    found = contents(carried_out(w, asked_for(w, client_id=task["client_id"])))
    (file,) = json.loads(found["manifest.json"])["files"]
    (spend,) = csv.DictReader(io.StringIO(found["spend.csv"].decode(), newline=""))
    assert task["model"] == "fal-ai/flux-pro"
    assert file["model"] == spend["SkuId"] == "fal-ai/flux-pro/v1.1"
    assert file["provenance"] == task["outputs"][0]["provenance"]


def test_hostile_names_stay_inside_and_apart(w: Harness, client: Json) -> None:
    found = contents(carried_out(w, asked_for(w, client_id=client["id"])))
    parts = [name.split("/") for name in found if "/" in name]
    assert len(parts) == 6
    assert all(len(each) == 2 and all(map(is_safe, each)) for each in parts)
    assert len({name.upper() for name in found}) == len(found)
    assert {folder for folder, _ in parts} == {"_CON", "_CON-2", "No-campaign"}


def test_tables_are_inert(w: Harness, client: Json) -> None:
    found = contents(carried_out(w, asked_for(w, client_id=client["id"])))
    rows = list(csv.DictReader(io.StringIO(found["tasks.csv"].decode(), newline="")))
    assert f"'{FORMULA}" in {row["prompt"] for row in rows}
    assert [len(row["files"].splitlines()) for row in rows] == [1, 1, 1, 1, 2]
    assert all(name in found for row in rows for name in row["files"].splitlines())
    (spend,) = csv.DictReader(io.StringIO(found["spend.csv"].decode(), newline=""))
    assert (spend["x_Tasks"], spend["x_Outputs"], spend["x_TaskStatus"]) == ("5", "6", "succeeded")
    assert int(spend["x_Bytes"]) == sum(len(content) for name, content in found.items() if "/" in name)


def test_only_what_is_included_is_in_it(w: Harness, client: Json) -> None:
    export = carried_out(w, asked_for(w, client_id=client["id"], include=["spend"]))
    assert contents(export).keys() == {"spend.csv", "manifest.json"}


def test_tasks_and_campaigns_can_be_exported(w: Harness, client: Json) -> None:
    tasks = shown(w, "/tasks", client_id=client["id"])["items"]
    campaign = next(task["campaign_id"] for task in tasks if task["campaign_id"])
    of_campaign = carried_out(w, asked_for(w, campaign_id=campaign))
    assert of_campaign["tasks"] == 2
    of_tasks = carried_out(w, asked_for(w, task_ids=[tasks[0]["id"], tasks[3]["id"]]))
    assert (of_tasks["tasks"], of_tasks["files"][0]["name"][:6]) == (2, "Tasks_")


def test_a_file_that_is_gone_is_named_as_missing(w: Harness, client: Json) -> None:
    task = a_finished_task(w, prompt="gone", client_id=client["id"])
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=f"media/1/{task['id']}/0.png")
    export = carried_out(w, asked_for(w, task_ids=[task["id"]]))
    assert (export["status"], export["missing"]) == ("succeeded", 1)
    (entry,) = json.loads(contents(export)["manifest.json"])["files"]
    assert (entry["missing"], entry["sha256"], entry["task_id"]) == (True, None, task["id"])
    assert w.call("DELETE", f"/tasks/{task['id']}").status == 204
    w.settle()


# -------------------------------------------------------------------------------------------------- in volumes


def test_large_exports_come_in_volumes(w: Harness, client: Json) -> None:
    whole = contents(carried_out(w, asked_for(w, client_id=client["id"])))
    most = 2 * max(len(content) for content in whole.values()) + 1000
    with mock.patch.object(export_builder, "VOLUME_BYTES", most):
        export = carried_out(w, asked_for(w, client_id=client["id"]))
    assert len(export["files"]) > 2
    assert all(file["bytes"] <= most for file in export["files"])
    found = contents(export)
    assert found.keys() == whole.keys()
    assert len({file["name"] for file in export["files"]}) == len(export["files"])
    for each in json.loads(found["manifest.json"])["files"]:
        assert each["sha256"] == hashlib.sha256(found[each["name"]]).hexdigest()
        with zipfile.ZipFile(io.BytesIO(archives(export)[each["volume"] - 1])) as volume:
            assert each["name"] in volume.namelist()


def test_a_volume_ends_before_its_time_does(w: Harness, client: Json) -> None:
    with mock.patch.object(export_builder, "TIME_FOR_A_FILE", 1000):
        export = carried_out(w, asked_for(w, client_id=client["id"]))
    assert len(export["files"]) == 7
    assert len(contents(export)) == 9


@pytest.mark.parametrize("what", ["tasks", "files"])
def test_what_is_too_much_fails_visibly(w: Harness, client: Json, what: str) -> None:
    with mock.patch.object(export_builder, "MOST_FILES", 4 if what == "tasks" else 5):
        export = carried_out(w, asked_for(w, client_id=client["id"]))
    assert (export["status"], export["error"]["code"]) == ("failed", f"too_many_{what}")
    assert stored(export) == []


# ----------------------------------------------------------------------------------------------- when it breaks


class Killed(BaseException):
    """The end of a worker that has no time to say so."""


def killed(w: Harness, step: str) -> None:
    """A worker dies at this call of S3, without a word."""
    message = w.exports.take()[0][0]
    with (
        mock.patch.object(multipart.MultipartUpload, "__exit__", return_value=None),
        mock.patch.object(multipart.MultipartUpload, step, side_effect=Killed),
        pytest.raises(Killed),
    ):
        w.invoke("exporter", {"Records": [sqs_record(message)]})


def test_a_killed_worker_is_replaced_and_leaves_nothing_open(w: Harness, client: Json) -> None:
    export = asked_for(w, client_id=client["id"])
    w.export()
    killed(w, "complete")
    assert len(left_open()) == 1
    assert w.sweep()["put_back"] == 0
    w.pass_time((LEASE + LATE_AFTER).total_seconds() + 1)
    assert w.sweep() == {"looked_at": 1, "put_back": 1}
    done = carried_out(w, export)
    assert done["status"] == "succeeded"
    assert len(contents(done)) == 9
    assert left_open() == []
    assert w.sweep()["looked_at"] == 0


def test_workers_that_all_die_end_it_visibly(w: Harness, client: Json) -> None:
    export = asked_for(w, client_id=client["id"])
    w.export()
    for _ in range(3):
        killed(w, "complete")
        w.pass_time((LEASE + 2 * LATE_AFTER).total_seconds())
        w.sweep()
    failed = carried_out(w, export)
    assert (failed["status"], failed["error"]["code"], failed["files"]) == ("failed", "export_failed", [])
    assert (left_open(), stored(export)) == ([], [])


def test_a_step_that_fails_is_tried_three_times(w: Harness, client: Json) -> None:
    export = asked_for(w, client_id=client["id"])
    w.export()
    with mock.patch.object(ExportBuilder, "add", side_effect=[OSError, OSError, "0" * 64]) as add:
        w.export()
        assert shown(w, f"/exports/{export['id']}")["status"] == "processing"
        w.export()
        add.side_effect = OSError
        w.export()
    failed = carried_out(w, export)
    assert (failed["status"], left_open(), stored(export)) == ("failed", [], [])


def test_a_message_that_comes_twice_does_no_harm(w: Harness, client: Json) -> None:
    export = asked_for(w, client_id=client["id"])
    for _ in range(2):
        (message,) = w.exports.take()
        for _ in range(2):
            w.invoke("exporter", {"Records": [sqs_record(message[0])]})
        w.exports.waiting = w.exports.waiting[:1]
    assert len(contents(carried_out(w, export))) == 9


def test_an_export_that_is_deleted_meanwhile_leaves_nothing(w: Harness, client: Json) -> None:
    export = asked_for(w, client_id=client["id"])
    w.export()
    send = multipart.MultipartUpload._send

    def deleting(self: multipart.MultipartUpload) -> None:
        w.call("DELETE", f"/exports/{export['id']}")
        send(self)

    with mock.patch.object(multipart, "PART", 1000), mock.patch.object(multipart.MultipartUpload, "_send", deleting):
        w.export()
    assert w.call("GET", f"/exports/{export['id']}").status == 404
    w.export()
    assert (left_open(), stored(export)) == ([], [])
    assert wiring.table().get(keys.export(1, export["id"])) is None


def test_an_export_that_is_removed_meanwhile_leaves_nothing(w: Harness, client: Json) -> None:
    """Its upload is aborted under the worker, which writes down the checksums of a first volume."""
    export = asked_for(w, client_id=client["id"])
    w.export()
    add = ExportBuilder.add

    def removing(self: ExportBuilder, *what: Any) -> Any:
        w.call("DELETE", f"/exports/{export['id']}")
        w.export()
        return add(self, *what)

    with (
        mock.patch.object(export_builder, "TIME_FOR_A_FILE", 1000),
        mock.patch.object(ExportBuilder, "add", removing),
        mock.patch.object(log, "exception") as said,
    ):
        w.export()
    assert (left_open(), stored(export), said.called) == ([], [], False)


def test_an_export_that_is_deleted_does_not_fail(w: Harness, client: Json) -> None:
    export = asked_for(w, client_id=client["id"])
    found = ExportBuilder._tasks

    def deleting(self: ExportBuilder, *what: Any) -> Any:
        w.call("DELETE", f"/exports/{export['id']}")
        return found(self, *what)

    with mock.patch.object(ExportBuilder, "_tasks", deleting), mock.patch.object(export_builder, "MOST_FILES", 1):
        w.export()
    assert stored(export) == []
    assert w.export() == 1  # its removal


def test_a_lost_message_of_a_deletion_is_sent_again(w: Harness, client: Json) -> None:
    export = carried_out(w, asked_for(w, client_id=client["id"]))
    assert w.call("DELETE", f"/exports/{export['id']}").status == 204
    w.exports.take()
    w.pass_time(LATE_AFTER.total_seconds() + 1)
    assert w.sweep()["put_back"] == 1
    w.export()
    assert stored(export) == []


# ------------------------------------------------------------------------------------------------------ the list


def test_an_export_is_gone_after_a_week(w: Harness, client: Json) -> None:
    export = carried_out(w, asked_for(w, client_id=client["id"]))
    item = wiring.table().get(keys.export(1, export["id"]))
    assert item is not None
    assert item["expires_at"] == pytest.approx((w.now + KEPT).timestamp(), abs=60)
    w.now += KEPT - timedelta(minutes=1)
    assert w.call("GET", f"/exports/{export['id']}").status == 200
    assert shown(w, "/exports")["items"][0]["id"] == export["id"]
    w.now += timedelta(minutes=2)
    assert w.call("GET", f"/exports/{export['id']}").status == 404
    assert shown(w, "/exports")["items"] == []


def listed(w: Harness, **query: Any) -> list[Json]:
    """The exports on all pages of the list."""
    return [each for page in walk(w, "/exports", **query) for each in page["items"]]


def without_urls(export: Json) -> Json:
    """An export without what is signed anew with every answer."""
    return {**export, "files": [{**file, "url": bool(file["url"])} for file in export["files"]]}


def test_exports_are_listed_as_they_are_shown(w: Harness, client: Json) -> None:
    made = [asked_for(w, client_id=client["id"], include=["spend"]) for _ in range(2)]
    tasks = [task["id"] for task in shown(w, "/tasks", client_id=client["id"], page_size=2)["items"]]
    made.append(carried_out(w, asked_for(w, task_ids=tasks)))
    assert [each["name"] for each in made] == ["Acme", "Acme", None]
    whole = listed(w)
    assert [each["id"] for each in whole] == sorted((each["id"] for each in whole), reverse=True)
    assert [each["id"] for each in whole[:3]] == [each["id"] for each in reversed(made)]
    assert whole[0]["files"][0]["url"]
    assert all(without_urls(each) == without_urls(shown(w, f"/exports/{each['id']}")) for each in whole[:3])
    assert [each["id"] for each in listed(w, page_size=2)] == [each["id"] for each in whole]


def test_exports_with_a_status_are_found_among_all(w: Harness, client: Json) -> None:
    with mock.patch.object(export_builder, "MOST_FILES", 4):
        failed = [carried_out(w, asked_for(w, client_id=client["id"])) for _ in range(2)]
    for _ in range(4):
        carried_out(w, asked_for(w, client_id=client["id"], include=["spend"]))
    wanted = [each for each in listed(w) if each["status"] == "failed"]  # none of which has files
    assert wanted[:2] == failed[::-1]
    with mock.patch("atelier.store.newest.SCANNED", 3):
        assert listed(w, status="failed", page_size=9) == wanted
    first = shown(w, "/exports", status="failed", page_size=1)
    assert (first["items"], first["has_more"]) == (wanted[:1], True)
    for query in ({"status": "gone"}, {"page": 2}, {"cursor": first["next_cursor"]}):
        problem(w.call("GET", "/exports", query=query), 400)


def test_a_deleted_export_is_in_no_list(w: Harness, client: Json) -> None:
    older, export = (asked_for(w, client_id=client["id"]) for _ in range(2))
    page = shown(w, "/exports", page_size=1)
    assert w.call("DELETE", f"/exports/{export['id']}").status == 204
    assert export["id"] not in [each["id"] for each in listed(w)]
    while w.export():
        pass
    rest = shown(w, "/exports", page_size=1, cursor=page["next_cursor"])
    assert [each["id"] for each in rest["items"]] == [older["id"]]


@pytest.mark.only_on_moto  # what it is measured with
def test_a_page_of_exports_is_one_query(w: Harness, client: Json) -> None:
    made: list[Call] = []
    for _ in range(2):
        asked_for(w, client_id=client["id"])
    with heard(made.append):
        assert len(shown(w, "/exports", page_size=2)["items"]) == 2
    assert [each.operation for each in made] == ["Query"]


# ------------------------------------------------------------------------------------------------------ for whom


@pytest.mark.parametrize("scope", ["client_id", "task_ids"])
def test_a_guest_downloads_as_long_as_it_is_shared(w: Harness, client: Json, scope: str) -> None:
    tasks = [task["id"] for task in shown(w, "/tasks", client_id=client["id"])["items"]]
    body = {scope: {"client_id": client["id"], "task_ids": tasks}[scope]}
    guest = as_guest(w, "GET", "/me").json["user_id"]
    assert as_guest(w, "POST", "/exports", body).status == 404
    assert w.call("PUT", f"/clients/{client['id']}/shares/{guest}", {"role": "viewer"}).status == 201
    export = created(as_guest(w, "POST", "/exports", body))
    assert (export["user_id"], export["created_by"]) == (1, guest)
    while w.export():
        pass
    done = as_guest(w, "GET", f"/exports/{export['id']}").json
    assert (done["status"], done["tasks"]) == ("succeeded", 5)
    assert w.call("GET", f"/exports/{export['id']}").status == 404  # it is the guest's
    assert without_urls(as_guest(w, "GET", "/exports").json["items"][0]) == without_urls(done)
    assert export["id"] not in [each["id"] for each in listed(w)]
    assert w.call("DELETE", f"/clients/{client['id']}/shares/{guest}").status == 204
    for method in ("GET", "DELETE"):
        assert as_guest(w, method, f"/exports/{export['id']}").status == 404
    assert as_guest(w, "GET", "/exports").json == {"items": [], "has_more": False, "next_cursor": None}


def as_guest(w: Harness, method: str, path: str, body: Any = None) -> Answer:
    """A request of another user."""
    with mock.patch.dict("os.environ", {"AUTH_MODE": "jwt"}):
        settings.cache_clear()
        answer = w.call(method, path, body, claims=GUEST)
    settings.cache_clear()
    return answer


def test_an_export_is_of_who_asked_for_it(w: Harness, client: Json) -> None:
    export = carried_out(w, asked_for(w, client_id=client["id"]))
    for method in ("GET", "DELETE"):
        assert as_guest(w, method, f"/exports/{export['id']}").status == 404
    assert w.call("GET", f"/exports/{export['id']}").status == 200
    assert as_guest(w, "GET", "/exports").json["items"] == []


def test_what_is_not_there_is_not_exported(w: Harness, client: Json) -> None:
    their_client, their_campaign, their_task = theirs(w)
    for body in (
        {"client_id": NOBODY},
        {"client_id": their_client},
        {"campaign_id": their_campaign},
        {"task_ids": [their_task]},
        {"task_ids": ["x"]},
    ):
        problem(w.call("POST", "/exports", body), 404)
    problem(w.call("GET", f"/exports/{NOBODY}"), 404)
    assert w.exports.waiting == []


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, {""}),
        ({"client_id": NOBODY, "campaign_id": NOBODY}, {""}),
        ({"task_ids": []}, {"/task_ids"}),
        ({"task_ids": [NOBODY, NOBODY]}, {"/task_ids"}),
        ({"client_id": NOBODY, "include": []}, {"/include"}),
        ({"client_id": NOBODY, "include": ["media", "media"]}, {"/include"}),
        ({"client_id": NOBODY, "include": ["all"]}, {"/include/0"}),
    ],
)
def test_bad_requests_say_what_is_wrong(w: Harness, body: Json, where: set[str]) -> None:
    assert places(w.call("POST", "/exports", body)) == where


def test_a_request_with_a_key_exports_once(w: Harness, client: Json) -> None:
    key = {"Idempotency-Key": "export-1"}
    first, second = (w.call("POST", "/exports", {"client_id": client["id"]}, headers=key) for _ in range(2))
    assert (first.status, second.status) == (202, 202)
    assert first.json["id"] == second.json["id"]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(w.exports.waiting) == 1


def test_a_replay_finds_what_outlives_its_client(w: Harness) -> None:
    client, key = a_client(w)["id"], {"Idempotency-Key": "export-2"}
    first = w.call("POST", "/exports", {"client_id": client}, headers=key)
    assert w.call("DELETE", f"/clients/{client}").status == 204
    again = w.call("POST", "/exports", {"client_id": client}, headers=key)
    assert (again.status, again.json["id"]) == (202, first.json["id"])
