"""What tests are about to talk of, made through the API, with everything that does not matter left out."""

import json
from collections.abc import Iterator
from typing import Any

from atelier import settings, wiring
from atelier.domain.access import Access
from atelier.domain.campaigns import NewCampaign
from atelier.domain.clients import NewClient
from atelier.domain.ids import new_id
from atelier.domain.task_creation import Parents, TaskIdentity, new_task
from atelier.domain.tasks.requests import NewImage
from testbed.harness import Answer, Harness
from testbed.lambda_events import http_event

Json = dict[str, Any]

NOBODY = "01999999-9999-7999-8999-999999999999"
"""An id that is well formed and names nothing."""

SOMEBODY_ELSE = 2
THEIRS = Access.own(SOMEBODY_ELSE)


def forget_settings() -> None:
    """Have the environment read again."""
    for cached in (settings.settings, wiring.generation_context, wiring.account_limits, wiring.tasks):
        cached.cache_clear()


def a_client(w: Harness, name: str = "Acme", **fields: Any) -> Json:
    return created(w.call("POST", "/clients", {"name": name, **fields}))


def a_campaign(w: Harness, client: Json | None = None, **fields: Any) -> Json:
    client_id = (client or a_client(w))["id"]
    return created(w.call("POST", "/campaigns", {"client_id": client_id, "name": "Launch", "goal": "Sell", **fields}))


def a_task(w: Harness, kind: str = "image", **fields: Any) -> Json:
    """A task that was just accepted."""
    return created(w.call("POST", f"/generate/{kind}", {"prompt": "A boat", **fields}))


def a_finished_task(w: Harness, kind: str = "image", **fields: Any) -> Json:
    """A task, once it is over."""
    small: dict[str, Json] = {"image": {"size": "64x64"}, "video": {"duration": 1}, "audio": {"duration": 1}}
    task = a_task(w, kind, **{**small[kind], **fields})
    work_on(w, task["id"])
    return shown(w, f"/tasks/{task['id']}")


def work_on(w: Harness, task_id: str) -> None:
    """Everything that is to be done for this task, while everything else goes on waiting."""
    w.relay()
    while one_step(w, task_id):
        pass


def one_step(w: Harness, task_id: str) -> int:
    """Deliver what waits for this task alone; how many messages there were."""
    waiting = w.generation.take()
    w.generation.waiting = [message for message in waiting if task_id in message[0]]
    delivered = w.work()
    w.generation.waiting += [message for message in waiting if task_id not in message[0]]
    return delivered


def a_canceled_task(w: Harness, **fields: Any) -> Json:
    answer = w.call("POST", f"/tasks/{a_task(w, **fields)['id']}/cancel")
    assert answer.status == 200, answer.text
    canceled: Json = answer.json
    return canceled


def clean_up(w: Harness) -> None:
    """Let everything happen that follows from deletes, and no generation."""
    for _ in range(200):
        w.relay()
        if not w.clean():
            return
    raise AssertionError("Messages keep coming.")


def created(answer: Answer) -> Json:
    """What a POST made."""
    assert answer.status in (201, 202), answer.text
    made: Json = answer.json
    return made


def shown(w: Harness, path: str, **query: Any) -> Json:
    """What a GET shows."""
    answer = w.call("GET", path, query=query)
    assert answer.status == 200, answer.text
    found: Json = answer.json
    return found


def ids(w: Harness, path: str, **query: Any) -> list[str]:
    """The ids on a page of a list."""
    return [item["id"] for item in shown(w, path, **query)["items"]]


def names(w: Harness, path: str, **query: Any) -> list[str]:
    """The names on a page of a list."""
    return [item["name"] for item in shown(w, path, **query)["items"]]


def walk(w: Harness, path: str, **query: Any) -> Iterator[Json]:
    """Every page of a list, by cursor. Raises AssertionError when there is no end to them."""
    page = shown(w, path, **query)
    yield page
    for _ in range(200):
        if page["next_cursor"] is None:
            return
        page = shown(w, path, **query, cursor=page["next_cursor"])
        yield page
    raise AssertionError("The walk does not end.")


def problem(answer: Answer, status: int) -> Json:
    """The problem that an answer tells, which must have this status."""
    assert answer.status == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    told: Json = answer.json
    assert told["status"] == status
    return told


def places(answer: Answer) -> set[str]:
    """Where a 400 says that something is wrong: pointers and parameters."""
    return {fault.get("pointer", fault.get("parameter")) for fault in problem(answer, 400)["errors"]}


def send(w: Harness, function: str, method: str, path: str, **event: Any) -> Answer:
    """A request whose event is as strange as `event` makes it."""
    made = http_event(method, path, None, headers={}, query={}) | event
    answer = w.invoke(function, made)
    return Answer(answer["statusCode"], answer["headers"], answer.get("body") or "")


def theirs(w: Harness) -> tuple[str, str, str]:
    """The ids of a client, a campaign and a task of another user."""
    now = w.clock()
    client, campaign, task = (new_id(now, number) for number in range(3))
    who: Json = {"access": THEIRS, "idempotent": None, "now": now}
    made = wiring.clients().create(NewClient(name="Theirs"), id_=client, **who).record
    new = NewCampaign(client_id=client, name="Theirs", goal="Theirs")
    launch = wiring.campaigns().create(new, id_=campaign, **who).record
    order = NewImage.model_validate({"prompt": "Theirs"})
    parents = Parents(made, launch)
    theirs = new_task(
        order, parents, wiring.generation_context(), identity=TaskIdentity(task, "token", now), access=THEIRS
    )
    wiring.tasks().create(theirs, access=THEIRS, idempotent=None, now=now)
    return client, campaign, task


def pretty(value: object) -> str:
    """JSON text, for bodies that are sent as they are."""
    return json.dumps(value, ensure_ascii=False)
