"""Assets: uploads, checks of what is in them, lists, sharing, and what is left when they go."""

import base64
import hashlib
import io
import json
import re
from collections.abc import Callable
from typing import Any
from unittest import mock

import boto3
import pytest
from PIL import Image

from atelier import wiring
from atelier.store.asset_files import AssetFiles
from atelier.store.tasks import Tasks
from testbed.harness import BUCKET, TABLE, Harness
from testbed.lambda_events import sqs_record
from tests.integration.builders import (
    NOBODY,
    Json,
    a_client,
    a_finished_task,
    clean_up,
    created,
    ids,
    places,
    problem,
    shown,
    walk,
)
from tests.support.recount import scan, violations
from tests.support.signed_requests import is_signed


def a_picture(form: str = "PNG", size: tuple[int, int] = (8, 6), mode: str = "RGB", **how: Any) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, how.pop("color", 0)).save(file, form, **how)
    return file.getvalue()


PNG = a_picture()


def body_of(content: bytes, content_type: str = "image/png", **fields: Any) -> Json:
    announced = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "purpose": "reference"}
    return {"filename": "a.png", "content_type": content_type, **announced, **fields}


def an_asset(w: Harness, content: bytes = PNG, content_type: str = "image/png", **fields: Any) -> Json:
    """An asset whose file is to be uploaded."""
    answer = w.call("POST", "/assets", body_of(content, content_type, **fields))
    assert answer.status == 201, answer.text
    made: Json = answer.json
    return made


def put(made: Json, content: bytes = PNG) -> None:
    """Upload, as the URL says where."""
    key = f"uploads/{made['user_id']}/{made['id']}"
    assert f"/{key}?" in made["upload"]["url"]
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)


def complete(w: Harness, made: Json) -> Any:
    return w.call("POST", f"/assets/{made['id']}/complete")


def a_ready_asset(w: Harness, content: bytes = PNG, content_type: str = "image/png", **fields: Any) -> Json:
    made = an_asset(w, content, content_type, **fields)
    put(made, content)
    answer = complete(w, made)
    assert answer.status == 200, answer.text
    ready: Json = answer.json
    return ready


def files() -> list[str]:
    """The keys of all files in the bucket."""
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET)
    return [file["Key"] for file in listed.get("Contents", [])]


def stored(asset: Json, name: str) -> bytes:
    """One of the files of an asset."""
    key = next(key for key in files() if f"{asset['id']}/{name}" in key)
    return boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()


@pytest.mark.parametrize("filename", ["a\r\nX-Evil: 1.png", 'a"; filename="evil.exe', "../evil.html", "x\u202egnp.exe"])
def test_a_file_is_saved_under_a_safe_name(w: Harness, filename: str) -> None:
    ready = a_ready_asset(w, filename=filename)
    assert ready["filename"] == filename
    key = next(key for key in files() if f"{ready['id']}/original" in key)
    header = boto3.client("s3").head_object(Bucket=BUCKET, Key=key)["ContentDisposition"]
    assert re.fullmatch(r'inline; filename="[A-Za-z0-9=-]+\.png"', header)


def test_an_uploaded_picture_becomes_ready(w: Harness) -> None:
    made = an_asset(w)
    assert (made["status"], made["url"], made["upload"]["method"]) == ("pending", None, "PUT")
    put(made)
    answer = complete(w, made)
    assert answer.status == 200, answer.text
    assert (answer.json["status"], answer.json["width"], answer.json["height"]) == ("ready", 8, 6)
    assert answer.json["normalized"]["content_type"] == "image/jpeg"
    assert shown(w, f"/assets/{made['id']}") == answer.json
    place = f"media/1/{made['id']}/"
    assert [key for key in files() if made["id"] in key] == [
        f"{place}normalized.jpg",
        f"{place}original.png",
        f"{place}thumbnail.webp",
    ]
    assert violations(scan(w.dynamodb, TABLE)) == []


# ------------------------------------------------------------------------------------------------------- the upload


def test_an_upload_takes_the_announced_file_once(w: Harness) -> None:
    answer = w.call("POST", "/assets", body_of(PNG), headers={"Idempotency-Key": "asset-1"})
    upload = answer.json["upload"]
    url, headers = upload["url"], {**upload["headers"], "Content-Length": str(len(PNG))}
    assert is_signed(url, headers)
    assert not is_signed(url.replace(answer.json["id"], NOBODY), headers)
    others = {
        "Content-Length": str(len(PNG) + 1),
        "Content-Type": "text/html",
        "x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(b"").digest()).decode(),
        "If-None-Match": "",
    }
    for name, other in others.items():
        assert not is_signed(url, {**headers, name: other}), name
        assert not is_signed(url, {each: value for each, value in headers.items() if each != name}), name
    checksum = base64.b64encode(hashlib.sha256(PNG).digest()).decode()
    assert upload["headers"] == {"Content-Type": "image/png", "x-amz-checksum-sha256": checksum, "If-None-Match": "*"}
    assert "X-Amz-Expires=900&" in url
    again = w.call("POST", "/assets", body_of(PNG), headers={"Idempotency-Key": "asset-1"})
    assert (again.json["id"], again.headers["Idempotent-Replayed"]) == (answer.json["id"], "true")
    assert again.json["upload"] is not None
    put(answer.json)
    complete(w, answer.json)
    done = w.call("POST", "/assets", body_of(PNG), headers={"Idempotency-Key": "asset-1"})
    assert (done.json["status"], done.json["upload"]) == ("ready", None)


def test_what_is_announced_fits_its_purpose(w: Harness) -> None:
    refused: dict[str, dict[str, Any]] = {
        "/content_type": {"content_type": "video/mp4"},
        "/size": {"size": 30_000_001},
        "/sha256": {"sha256": "AB"},
        "/purpose": {"purpose": "picture"},
        "/filename": {"filename": " "},
    }
    for pointer, fields in refused.items():
        assert places(w.call("POST", "/assets", body_of(PNG, **fields))) == {pointer}
    heic = w.call("POST", "/assets", body_of(PNG, content_type="image/heic"))
    assert "convert the picture to JPEG or PNG" in problem(heic, 400)["detail"]
    assert an_asset(w, content_type="image/jpg")["content_type"] == "image/jpeg"
    problem(w.call("POST", "/assets", body_of(PNG, client_id=NOBODY)), 404)


def test_an_asset_without_its_file_stays_pending(w: Harness) -> None:
    made = an_asset(w)
    said = problem(complete(w, made), 409)
    assert (said["type"], said["detail"]) == (
        "urn:atelier:problem:conflict",
        f"Upload the file first, all {len(PNG)} bytes of it.",
    )
    put(made)
    assert complete(w, made).status == 200


# -------------------------------------------------------------------------------------------------------- the check


def cmyk() -> bytes:
    return a_picture("JPEG", mode="CMYK", color=(0, 255, 255, 0))


def on_its_side() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a secret place"
    return a_picture("JPEG", (8, 6), exif=exif, comment=b"a secret place")


def of_16_bits() -> bytes:
    file = io.BytesIO()
    Image.new("I;16", (8, 6), 40_000).save(file, "PNG")
    return file.getvalue()


def with_alpha() -> bytes:
    return a_picture(mode="RGBA", color=(255, 0, 0, 100))


@pytest.mark.parametrize(
    ("made", "content_type", "pixel", "sides"),
    [
        (cmyk, "image/jpeg", (255, 0, 0), (8, 6)),
        (on_its_side, "image/jpeg", (0, 0, 0), (6, 8)),
        (of_16_bits, "image/png", (156, 156, 156), (8, 6)),
        (with_alpha, "image/png", (255, 0, 0, 100), (8, 6)),
    ],
)
def test_a_picture_is_normalized(
    w: Harness, made: Any, content_type: str, pixel: tuple[int, ...], sides: tuple[int, int]
) -> None:
    form = "image/png" if len(pixel) == 4 else "image/jpeg"
    content = made()
    asset = a_ready_asset(w, content, content_type)
    copy, original = stored(asset, "normalized"), stored(asset, "original")
    assert original == content
    assert b"a secret place" not in copy
    picture = Image.open(io.BytesIO(copy))
    assert (Image.MIME[str(picture.format)], asset["normalized"]["content_type"]) == (form, form)
    assert (picture.size, asset["width"], asset["height"]) == (sides, *sides)
    assert asset["normalized"]["has_alpha"] is (form == "image/png")
    seen = picture.getpixel((3, 3))
    assert isinstance(seen, tuple)
    assert len(seen) == len(pixel)
    assert all(abs(one - other) <= 30 for one, other in zip(seen, pixel, strict=True))


def test_a_large_picture_is_made_smaller(w: Harness) -> None:
    asset = a_ready_asset(w, a_picture("PNG", (5000, 20)))
    made = asset["normalized"]
    assert (asset["width"], asset["height"], made["width"], made["height"]) == (5000, 20, 4096, 16)


def test_a_mask_keeps_its_edges(w: Harness) -> None:
    mask = a_picture(mode="L", size=(16, 16), color=255)
    assert a_ready_asset(w, mask, purpose="mask")["normalized"]["content_type"] == "image/png"


def animated() -> bytes:
    frames = [Image.new("RGB", (8, 6), color) for color in ("red", "green", "blue")]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    return file.getvalue()


def bomb() -> bytes:
    """A picture of a few kilobytes and 64 megapixels."""
    return a_picture("PNG", (8000, 8000), mode="1")


REJECTED: dict[str, tuple[Callable[[], bytes], str, str, str]] = {
    "another format": (lambda: a_picture("JPEG"), "image/png", "wrong_type", "is image/jpeg, and image/png"),
    "no picture": (lambda: b"<html>" * 99, "image/png", "wrong_type", "is not image/png"),
    "heic": (lambda: b"\0\0\0\x18ftypheic" + b"\0" * 99, "image/jpeg", "wrong_type", "HEIC"),
    "truncated": (lambda: a_picture("JPEG", (300, 300), color=9)[:-900], "image/jpeg", "broken", "ends before"),
    "animated": (animated, "image/gif", "animated", "animated"),
    "bomb": (bomb, "image/png", "too_large", "50,000,000 pixels"),
}


@pytest.mark.parametrize("case", REJECTED)
def test_a_file_is_rejected_with_words(w: Harness, case: str) -> None:
    make, content_type, code, words = REJECTED[case]
    content = make()
    made = an_asset(w, content, content_type)
    put(made, content)
    for _ in range(2):
        said = problem(complete(w, made), 409)
        assert (said["type"], said["code"]) == ("urn:atelier:problem:asset-rejected", code)
        assert words in said["detail"]
    asset = shown(w, f"/assets/{made['id']}")
    assert (asset["status"], asset["error"]["code"], asset["url"]) == ("rejected", code, None)
    assert [key for key in files() if made["id"] in key] == []


def test_another_file_than_announced_is_rejected(w: Harness) -> None:
    for wrong in (PNG[:-1], PNG[:-1] + b"x", PNG + b"x"):
        made = an_asset(w)
        put(made, wrong)
        assert problem(complete(w, made), 409)["code"] == "wrong_checksum"


@pytest.mark.parametrize("change", ["removed", "replaced"])
def test_a_file_changed_while_checked_is_not_kept(w: Harness, change: str) -> None:
    made, fetch = an_asset(w), AssetFiles.fetch
    put(made)

    def fetch_then(self: AssetFiles, *args: Any, **how: Any) -> Any:
        fetched = fetch(self, *args, **how)
        if change == "replaced":
            put(made, b"<script>")
        else:
            boto3.client("s3").delete_object(Bucket=BUCKET, Key=f"uploads/1/{made['id']}")
        return fetched

    with mock.patch.object(AssetFiles, "fetch", fetch_then):
        assert problem(complete(w, made), 409)["code"] == "source_gone"
    assert [key for key in files() if made["id"] in key] == []


def test_recordings_are_played_and_measured(w: Harness) -> None:
    sound = finished(w, "audio")
    asset = a_ready_asset(w, sound, "audio/x-wav", purpose="audio")
    assert (asset["duration"], asset["width"], asset["normalized"]) == (pytest.approx(1, abs=0.1), None, None)
    film = finished(w, "video")
    with mock.patch("atelier.store.asset_check.MOST_SECONDS", 0.5):
        made = an_asset(w, film, "video/mp4", purpose="video")
        put(made, film)
        assert problem(complete(w, made), 409)["code"] == "too_long"
    asset = a_ready_asset(w, film, "video/mp4", purpose="video")
    assert asset["duration"] == pytest.approx(1, abs=0.1)
    assert asset["width"] > 0
    assert asset["thumbnail_url"]
    made = an_asset(w, film, "audio/mp4", purpose="audio")
    put(made, film)
    assert problem(complete(w, made), 409)["code"] == "wrong_type"


def finished(w: Harness, kind: str) -> bytes:
    """The file of a task."""
    task = a_finished_task(w, kind)
    name = next(key for key in files() if task["id"] in key and "thumbnail" not in key)
    return boto3.client("s3").get_object(Bucket=BUCKET, Key=name)["Body"].read()


# --------------------------------------------------------------------------------------------------- lists, changes


def test_assets_are_listed_by_all_filters(w: Harness) -> None:
    client = a_client(w)["id"]
    logo = an_asset(w, purpose="logo", filename="Zebra.png")["id"]
    mask = an_asset(w, purpose="mask", client_id=client, filename="anchor.png")["id"]
    ready = a_ready_asset(w, client_id=client, filename="Boat.png")["id"]
    lists: list[tuple[dict[str, Any], list[str]]] = [
        ({}, [ready, mask, logo]),
        ({"client_id": client}, [ready, mask]),
        ({"client_id": "none"}, [logo]),
        ({"client_id": NOBODY}, []),
        ({"client_id": "None"}, []),
        ({"status": "ready"}, [ready]),
        ({"status": "pending", "client_id": client}, [mask]),
        ({"purpose": "logo"}, [logo]),
        ({"purpose": "mask", "client_id": "none"}, []),
        ({"purpose": "mask", "status": "pending", "client_id": client}, [mask]),
        ({"search": "bOA"}, [ready]),
        ({"sort_by": "name"}, [mask, ready, logo]),
        ({"sort_by": "updated_at"}, [ready, mask, logo]),
        ({"sort_by": "status"}, [logo, mask, ready]),
    ]
    for query, expected in lists:
        page = shown(w, "/assets", **query)
        assert ([each["id"] for each in page["items"]], page["total"]) == (expected, len(expected)), query
        if expected:
            second = shown(w, "/assets", page=len(expected), page_size=1, **query)
            assert (second["items"][0]["id"], second["total"]) == (expected[-1], len(expected)), query
        walked = [item["id"] for each in walk(w, "/assets", page_size=1, **query) for item in each["items"]]
        assert walked == expected, query
    assert violations(scan(w.dynamodb, TABLE)) == []


def test_a_patch_changes_filename_and_purpose(w: Harness) -> None:
    made = a_ready_asset(w)
    path, tag = f"/assets/{made['id']}", w.call("GET", f"/assets/{made['id']}").headers["ETag"]
    answer = w.call("PATCH", path, {"filename": "b.png", "purpose": "logo"}, headers={"If-Match": tag})
    assert (answer.json["filename"], answer.json["purpose"], answer.json["url"]) == ("b.png", "logo", made["url"])
    assert made["id"] in ids(w, "/assets", purpose="logo", search="b.png")
    assert made["id"] not in ids(w, "/assets", purpose="reference")
    assert w.call("PATCH", path, {"filename": "c.png"}, headers={"If-Match": tag}).status == 412
    assert places(w.call("PATCH", path, {"purpose": "video"})) == {"/purpose"}
    assert places(w.call("PATCH", path, {"client_id": NOBODY})) == {"/client_id"}
    assert w.call("GET", path, headers={"If-None-Match": answer.headers["ETag"]}).status == 304
    w.pass_time(3600)
    assert w.call("GET", path, headers={"If-None-Match": answer.headers["ETag"]}).status == 200  # with living URLs
    assert violations(scan(w.dynamodb, TABLE)) == []


def test_guests_share_the_assets_of_a_client(w: Harness) -> None:
    client, other = a_client(w)["id"], a_client(w)["id"]
    theirs, hidden, alone = (a_ready_asset(w, client_id=each)["id"] for each in (client, other, None))
    guest = wiring.users().id_of(issuer="https://id.example", subject="guest")
    share = f"/clients/{client}/shares/{guest}"
    assert w.call("PUT", share, {"role": "viewer"}).status == 201
    with mock.patch("atelier.caller.PLACEHOLDER_USER", guest):
        assert ids(w, "/assets") == [theirs]
        assert shown(w, "/assets", purpose="reference", owner="shared")["total"] == 1
        assert shown(w, f"/assets/{theirs}")["user_id"] == 1
        for gone in (hidden, alone):
            problem(w.call("GET", f"/assets/{gone}"), 404)
            problem(w.call("POST", f"/assets/{gone}/complete"), 404)
        problem(w.call("DELETE", f"/assets/{theirs}"), 403)
        problem(w.call("POST", f"/assets/{theirs}/complete"), 403)
        problem(w.call("POST", "/assets", body_of(PNG, client_id=client)), 403)
    w.call("PUT", share, {"role": "editor"})
    with mock.patch("atelier.caller.PLACEHOLDER_USER", guest):
        made = a_ready_asset(w, client_id=client)
        assert (made["user_id"], made["created_by"], made["updated_by"]) == (1, guest, guest)
        assert w.call("DELETE", f"/assets/{theirs}").status == 204
        late = an_asset(w, client_id=client)
    put(late)
    w.call("DELETE", share)
    with mock.patch("atelier.caller.PLACEHOLDER_USER", guest):
        problem(complete(w, late), 404)
    assert shown(w, f"/assets/{late['id']}")["status"] == "pending"
    assert violations(scan(w.dynamodb, TABLE)) == []


def test_an_asset_is_logged_like_any_resource(w: Harness) -> None:
    made = a_ready_asset(w)
    w.log_activity()
    w.call("DELETE", f"/assets/{made['id']}")
    w.log_activity()
    entries = shown(w, "/activity")["items"]
    assert [each["action"] for each in entries] == ["asset.deleted", "asset.updated", "asset.created"]
    assert {each["resource"]["name"] for each in entries} == {"a.png"}
    assert entries[1]["changes"] == {"status": {"from": "pending", "to": "ready"}}


# ------------------------------------------------------------------------------------------------------- the outputs


def test_an_output_becomes_an_asset(w: Harness) -> None:
    client = a_client(w)["id"]
    task = a_finished_task(w, client_id=client)
    path = f"/tasks/{task['id']}/outputs"
    answer = w.call("POST", f"{path}/0/asset", {"purpose": "logo"}, headers={"Idempotency-Key": "output"})
    assert answer.status == 201, answer.text
    asset = answer.json
    assert (asset["status"], asset["client_id"], asset["purpose"]) == ("ready", client, "logo")
    assert (asset["source"], asset["filename"]) == ({"task_id": task["id"], "output": 0}, "A-boat_1.png")
    assert (asset["width"], asset["size"]) == (64, task["outputs"][0]["bytes"])
    again = w.call("POST", f"{path}/0/asset", {"purpose": "logo"}, headers={"Idempotency-Key": "output"})
    assert (again.json["id"], again.headers["Idempotent-Replayed"]) == (asset["id"], "true")
    for number in ("1", "x", "-1", "99999999999"):
        problem(w.call("POST", f"{path}/{number}/asset", {}), 404)
    assert places(w.call("POST", f"{path}/0/asset", {"purpose": "video"})) == {"/purpose"}
    problem(w.call("POST", f"/tasks/{NOBODY}/outputs/0/asset", {}), 404)
    assert w.call("DELETE", f"/tasks/{task['id']}").status == 204
    w.settle()
    assert stored(asset, "original")
    again = w.call("POST", f"{path}/0/asset", {"purpose": "logo"}, headers={"Idempotency-Key": "output"})
    assert (again.status, again.json["id"], again.headers["Idempotent-Replayed"]) == (201, asset["id"], "true")


def test_an_output_that_is_gone_is_said_so(w: Harness) -> None:
    task = a_finished_task(w)
    for key in files():
        if task["id"] in key:
            boto3.client("s3").delete_object(Bucket=BUCKET, Key=key)
    said = problem(w.call("POST", f"/tasks/{task['id']}/outputs/0/asset", {}), 409)
    assert said["code"] == "source_gone"


# ------------------------------------------------------------------------------------------------ events and the end


def s3_event(made: Json) -> str:
    key = f"uploads/{made['user_id']}/{made['id']}"
    return json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": {"object": {"key": key}}}]})


def hear(w: Harness, body: str) -> None:
    """Have the worker take a message of S3's."""
    assert w.invoke("asset_worker", {"Records": [sqs_record(body)]}) == {"batchItemFailures": []}


def test_an_event_completes_what_nobody_did(w: Harness) -> None:
    made, done = an_asset(w), an_asset(w)
    put(made)
    put(done)
    first = complete(w, done)
    for each in (made, done, made):
        hear(w, s3_event(each))
    asset = shown(w, f"/assets/{made['id']}")
    assert (asset["status"], asset["updated_by"]) == ("ready", 1)
    assert complete(w, made).json == asset
    assert shown(w, f"/assets/{done['id']}") == first.json
    hear(w, json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": BUCKET}))
    hear(w, s3_event({"user_id": 1, "id": NOBODY}))


def test_a_deleted_asset_leaves_no_files(w: Harness) -> None:
    made = a_ready_asset(w)
    assert w.call("DELETE", f"/assets/{made['id']}").status == 204
    problem(w.call("GET", f"/assets/{made['id']}"), 404)
    assert shown(w, "/assets")["total"] == 0
    assert violations(scan(w.dynamodb, TABLE)) == []
    assert len(files()) == 3
    w.relay()
    assert w.see_to_assets() == 1
    assert files() == []
    assert [item for item in scan(w.dynamodb, TABLE) if item["SK"].startswith("FILES#")] == []


def test_files_wait_for_a_check_that_runs(w: Harness) -> None:
    made = an_asset(w)
    put(made)
    assert w.call("DELETE", f"/assets/{made['id']}").status == 204
    w.relay()
    ((body, delay),) = w.assets.take()
    assert delay == 120
    hear(w, body)  # too early
    ((_, again),) = w.assets.take()
    assert 110 <= again <= 120
    assert len(files()) == 1
    w.pass_time(121)
    hear(w, body)
    assert (files(), w.assets.waiting) == ([], [])


def test_what_is_uploaded_after_the_deletion_goes(w: Harness) -> None:
    """The URL still works: it was signed for a quarter of an hour."""
    made = an_asset(w)
    w.call("DELETE", f"/assets/{made['id']}")
    w.relay()
    w.see_to_assets()
    put(made)
    hear(w, s3_event(made))
    assert files() == []


def test_what_is_uploaded_after_the_check_goes(w: Harness) -> None:
    """The same file, by the same URL."""
    made = an_asset(w)
    put(made)
    complete(w, made)
    put(made)
    hear(w, s3_event(made))
    assert {key.partition("/")[0] for key in files()} == {"media"}


def test_a_client_takes_its_assets_along(w: Harness) -> None:
    client, kept = a_client(w)["id"], a_ready_asset(w)["id"]
    ready, waiting = a_ready_asset(w, client_id=client), an_asset(w, client_id=client)
    put(waiting)
    assert w.call("DELETE", f"/clients/{client}").status == 204
    assert (ids(w, "/assets"), shown(w, "/assets")["total"]) == ([kept], 1)
    for gone in (ready, waiting):
        problem(w.call("GET", f"/assets/{gone['id']}"), 404)
        problem(complete(w, gone), 404)
    hear(w, s3_event(waiting))
    assert violations(scan(w.dynamodb, TABLE)) == []
    clean_up(w)
    while w.see_to_assets():
        pass
    assert {key.split("/")[2] for key in files()} == {kept}
    assert violations(scan(w.dynamodb, TABLE), at_rest=True) == []


def test_lost_messages_are_put_back_by_the_sweep(w: Harness) -> None:
    client = a_client(w)["id"]
    made, alone = a_ready_asset(w, client_id=client), a_ready_asset(w)
    w.call("DELETE", f"/assets/{alone['id']}")
    w.call("DELETE", f"/clients/{client}")
    clean_up(w)
    w.assets.take()
    w.pass_time(1000)
    assert w.sweep()["put_back"] >= 2
    while w.see_to_assets():
        pass
    assert made["id"] not in "".join(files())
    assert files() == []


def test_abandoned_and_rejected_assets_go(w: Harness) -> None:
    abandoned, uploaded, rejected = an_asset(w), an_asset(w), an_asset(w)
    put(rejected, b"x")
    complete(w, rejected)
    w.pass_time(24 * 3600)
    w.sweep()
    assert w.assets.waiting == []
    put(uploaded)
    w.pass_time(2 * 3600)
    w.sweep()
    w.see_to_assets()
    assert sorted(ids(w, "/assets")) == sorted([rejected["id"], uploaded["id"]])
    assert shown(w, f"/assets/{uploaded['id']}")["status"] == "ready"
    problem(complete(w, abandoned), 404)
    w.pass_time(7 * 24 * 3600)
    w.sweep()
    w.see_to_assets()
    assert ids(w, "/assets") == [uploaded["id"]]
    w.log_activity()
    gone = [each for each in shown(w, "/activity")["items"] if each["action"] == "asset.deleted"]
    assert [each["actor"] for each in gone] == [None, None]
    assert violations(scan(w.dynamodb, TABLE)) == []


# -------------------------------------------------------------------------------------------------- races and crashes


def while_checked(what: Callable[[], object]) -> Any:
    """Let something happen once, after a file was read and before what has become of it is recorded."""
    left, copy = [what], AssetFiles.copy

    def copy_then(self: AssetFiles, *args: Any, **how: Any) -> bool:
        copied = copy(self, *args, **how)
        if left:
            left.pop()()
        return copied

    return mock.patch.object(AssetFiles, "copy", copy_then)


def test_two_checks_at_once_are_one(w: Harness) -> None:
    made = an_asset(w)
    put(made)
    with while_checked(lambda: hear(w, s3_event(made))):
        answer = complete(w, made)
    assert (answer.status, answer.json) == (200, shown(w, f"/assets/{made['id']}"))
    assert len([key for key in files() if made["id"] in key]) == 3
    assert violations(scan(w.dynamodb, TABLE)) == []


def test_a_change_while_checking_is_kept(w: Harness) -> None:
    made = an_asset(w)
    put(made)
    with while_checked(lambda: w.call("PATCH", f"/assets/{made['id']}", {"purpose": "mask"})):
        asset = complete(w, made).json
    assert (asset["purpose"], asset["normalized"]["content_type"]) == ("mask", "image/png")
    assert violations(scan(w.dynamodb, TABLE)) == []


@pytest.mark.parametrize("deleted", ["asset", "client"])
def test_a_delete_while_checking_leaves_nothing(w: Harness, deleted: str) -> None:
    client = a_client(w)["id"]
    made = an_asset(w, client_id=client)
    put(made)
    path = f"/assets/{made['id']}" if deleted == "asset" else f"/clients/{client}"
    with while_checked(lambda: w.call("DELETE", path)):
        problem(complete(w, made), 404)
    assert violations(scan(w.dynamodb, TABLE)) == []
    clean_up(w)
    while w.see_to_assets():
        pass
    assert files() == []
    assert violations(scan(w.dynamodb, TABLE), at_rest=True) == []


# ----------------------------------------------------------------------------------------------- what refers to them


def an_edit(asset_id: str, *more: str) -> Json:
    return {"prompt": "At night", "inputs": [{"asset_id": id_, "role": "reference"} for id_ in (asset_id, *more)]}


@pytest.mark.parametrize("deleted", ["asset", "client"])
def test_no_task_is_created_with_an_input_being_deleted(w: Harness, deleted: str) -> None:
    client, creating = a_client(w)["id"], Tasks.creating
    asset = a_ready_asset(w, client_id=client)["id"]
    path = f"/assets/{asset}" if deleted == "asset" else f"/clients/{client}"

    def creating_then(self: Tasks, *args: Any, **how: Any) -> Any:
        change = creating(self, *args, **how)
        assert w.call("DELETE", path).status == 204
        return change

    with mock.patch.object(Tasks, "creating", creating_then):
        said = problem(w.call("POST", "/generate/edit", an_edit(asset)), 404)
    assert said["detail"] == f"There is no asset {asset}."
    assert shown(w, "/tasks")["total"] == 0
    assert violations(scan(w.dynamodb, TABLE)) == []


def test_an_input_is_null_once_its_asset_is_deleted(w: Harness) -> None:
    client = a_client(w)["id"]
    alone, of_client = a_ready_asset(w)["id"], a_ready_asset(w, client_id=client)["id"]
    tasks = [created(w.call("POST", "/generate/edit", an_edit(alone, of_client))) for _ in range(2)]
    in_client = created(w.call("POST", "/generate/edit", {**an_edit(of_client), "client_id": client}))

    def seen() -> list[list[str | None]]:
        shown_ = (shown(w, f"/tasks/{each['id']}")["inputs"] for each in (*tasks, in_client))
        return [[each["asset_id"] for each in inputs] for inputs in shown_]

    assert seen() == [[alone, of_client], [alone, of_client], [of_client]]
    w.call("DELETE", f"/assets/{alone}")
    assert seen() == [[None, of_client], [None, of_client], [of_client]]
    w.call("DELETE", f"/clients/{client}")
    assert seen() == [[None, None], [None, None], [None]]
    clean_up(w)
    assert seen() == [[None, None], [None, None], [None]]
    assert [each["role"] for each in shown(w, f"/tasks/{tasks[0]['id']}")["inputs"]] == ["reference", "reference"]
