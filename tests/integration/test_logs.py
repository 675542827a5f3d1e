"""What is written while people work: ids to follow everything by, and nothing that anybody confided to us."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any, Final
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from atelier import settings, wiring
from atelier.domain.provider import InvalidSignature
from atelier.telemetry import log
from testbed.harness import Harness
from tests.integration.builders import created

Line = dict[str, Any]

# None of these may be in any line; each is a word that appears nowhere else.
CONFIDED: Final = {
    "a name": "Zanzibar",
    "guidelines": "turquoise-guideline",
    "a prompt": "walrus-prompt",
    "metadata": "marmalade-metadata",
    "params": "quixotic-param",
    "an idempotency key": "wombat-key",
    "a token": "eyJ-token-of-somebody",
    "a callback's token": "callback-token-xylophone",
    "a callback's body": "confidential-body",
    "a path of a receiver": "secret-hook-path",
    "a person": "persephone@example.com",
    "a search": "searched-for-words",
    "a cursor": "cursor-of-somebody",
}


@pytest.fixture
def lines() -> Iterator[Callable[[], list[Line]]]:
    """Everything that anybody logs at info level or above, as it would be written."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(log.registered_formatter)
    root = logging.getLogger()
    level, ours = root.level, log.log_level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    log.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)
    log.setLevel(ours)


@pytest.fixture
def jwt() -> Iterator[dict[str, str]]:
    """Claims of an admin, where tokens are asked for."""
    with mock.patch.dict("os.environ", {"AUTH_MODE": "jwt"}):
        settings.settings.cache_clear()
        yield {
            "iss": "https://issuer.test",
            "sub": "f3a1",
            "cognito:groups": "admin",
            "email": CONFIDED["a person"],
            "name": CONFIDED["a person"],
        }
    settings.settings.cache_clear()


class CallbackVerifier:
    """Somebody whose callbacks are never believed."""

    def verified_job(self, callback: object, *, now: object) -> str:
        raise InvalidSignature("The signature is not of this body.")


def the_whole_story(w: Harness, claims: dict[str, str]) -> tuple[Line, str]:
    """Everything that people do, with much that goes wrong: a task of theirs, and their webhook secret."""
    headers = {"Authorization": f"Bearer {CONFIDED['a token']}"}
    who: Line = {"claims": claims, "headers": headers}
    keyed: Line = {"claims": claims, "headers": {**headers, "Idempotency-Key": CONFIDED["an idempotency key"]}}
    secret = w.call("POST", "/webhook-secret", **who).json["secret"]
    about = {"name": CONFIDED["a name"], "brand_guidelines": CONFIDED["guidelines"]}
    client = created(w.call("POST", "/clients", about, **keyed))
    brief = {"client_id": client["id"], "name": CONFIDED["a name"], "goal": CONFIDED["guidelines"]}
    campaign = created(w.call("POST", "/campaigns", brief, **who))
    tasks = [a_job_request(w, campaign, who, end) for end in ("", "fail:provider_auth", "fail:provider_unavailable")]
    w.settle()
    while w.deliveries.waiting:
        w.pass_time(3600)
        w.tell()
    w.call("POST", f"/tasks/{a_job_request(w, campaign, who, '')['id']}/cancel", **who)
    w.call("POST", "/clients", {"name": CONFIDED["a name"], "colour": CONFIDED["a prompt"]}, **who)
    w.call("POST", "/clients", raw=f'{{"name": "{CONFIDED["a name"]}', **who)
    w.call("GET", "/clients", query={"search": CONFIDED["a search"]}, **who)
    w.call("GET", "/tasks", query={"cursor": CONFIDED["a cursor"]}, **who)
    w.call("GET", f"/tasks/{tasks[0]['id']}/result", **who)
    report = {"task": tasks[0]["id"], "token": CONFIDED["a callback's token"]}
    with mock.patch.object(wiring, "callback_verifier", return_value=CallbackVerifier()):
        w.call("POST", "/webhooks/fal", raw=CONFIDED["a callback's body"], query=report)
    w.call("DELETE", f"/clients/{client['id']}", **who)
    w.settle()
    return tasks[0], str(secret)


def a_job_request(w: Harness, campaign: Line, who: Line, end: str) -> Line:
    """A task that is told everything that must not be written down."""
    new = {
        "prompt": end or CONFIDED["a prompt"],
        "size": "64x64",
        "campaign_id": campaign["id"],
        "metadata": {"about": CONFIDED["metadata"]},
        "params": {"style": CONFIDED["params"]},
        "webhook_url": f"https://receiver.invalid/{CONFIDED['a path of a receiver']}",
    }
    return created(w.call("POST", "/generate/image", new, **who))


def test_secrets_and_content_never_reach_the_logs(
    w: Harness, jwt: dict[str, str], lines: Callable[[], list[Line]], capfd: pytest.CaptureFixture[str]
) -> None:
    _, secret = the_whole_story(w, jwt)
    written = json.dumps(lines()) + "".join(capfd.readouterr())
    assert {line["message"] for line in lines()} >= {"request", "step", "relayed", "cleanup", "webhook delivery"}
    assert not {what for what, word in {**CONFIDED, "a secret": secret}.items() if word in written}


def test_logs_follow_a_request_by_id_and_user(w: Harness, jwt: dict[str, str], lines: Callable[[], list[Line]]) -> None:
    user_id = w.call("GET", "/me", claims=jwt).json["user_id"]
    w.call("GET", "/me")
    known, unknown = [line for line in lines() if line["message"] == "request"]
    assert known.items() >= {"request_id": "request-1", "user_id": user_id, "path": "/api/v3/me", "status": 200}.items()
    assert (unknown["status"], "user_id" in unknown) == (401, False), "a line has the user of the request before it"


def test_an_unexpected_error_logs_its_request_id(w: Harness, lines: Callable[[], list[Line]]) -> None:
    with mock.patch.object(wiring.clients(), "list", side_effect=RuntimeError("a defect")):
        answer = w.call("GET", "/clients")
    (told,) = [line for line in lines() if line["message"] == "unexpected error"]
    assert (answer.status, told["request_id"]) == (500, answer.json["request_id"])


def test_an_error_is_logged_with_place_without_quoted_values(
    w: Harness, lines: Callable[[], list[Line]], capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        try:
            int(CONFIDED["a prompt"])
        except ValueError as error:
            raise KeyError(CONFIDED["metadata"]) from error

    with mock.patch.object(wiring.clients(), "list", side_effect=fail):
        assert w.call("GET", "/clients").status == 500
    (told,) = [line for line in lines() if line["message"] == "unexpected error"]
    assert told["exception_name"] == "KeyError"
    assert "builtins.ValueError" in told["exception"]
    assert "in fail" in told["exception"]
    written = json.dumps(lines()) + "".join(capfd.readouterr())
    assert not {word for word in CONFIDED.values() if word in written}


def test_an_aws_error_is_logged_with_its_message(w: Harness, lines: Callable[[], list[Line]]) -> None:
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}, "Query")
    with mock.patch.object(wiring.clients(), "list", side_effect=denied):
        assert w.call("GET", "/clients").status == 500
    (told,) = [line for line in lines() if line["message"] == "unexpected error"]
    assert "AccessDeniedException" in told["exception"]


def test_logs_follow_a_task_by_id_and_user(w: Harness, jwt: dict[str, str], lines: Callable[[], list[Line]]) -> None:
    task, _ = the_whole_story(w, jwt)
    of_task = [line for line in lines() if task["id"] in (line.get("task_id"), line.get("id"))]
    assert {line["message"] for line in of_task} == {"relayed", "step", "webhook delivery", "callback refused"}
    assert all(line["request_id"] for line in of_task)
    assert {line["user_id"] for line in of_task if line["message"] == "step"} == {task["user_id"]}
