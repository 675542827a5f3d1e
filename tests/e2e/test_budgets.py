"""A budget under parallel requests from several processes, on the emulator, which runs them at the same time."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import httpx

from tests.e2e.conftest import eventually

PROCESSES = 4
MILLION = 10**6


def generate(url: str, client_id: str, count: int) -> list[str]:
    """Ask for so many images at $0.04 each, five at a time; the tasks that were created."""
    body = {"prompt": "take:600", "client_id": client_id, "provider": "fal", "model": "fal-ai/flux-pro"}
    with httpx.Client(base_url=url, timeout=60) as api, ThreadPoolExecutor(5) as threads:
        answers = list(threads.map(lambda _: api.post("/generate/image", json=body), range(count)))
    assert {answer.status_code for answer in answers} <= {202, 409}, [each.text for each in answers]
    return [answer.json()["id"] for answer in answers if answer.status_code == 202]


def shown(api: httpx.Client, path: str) -> tuple[int, int, int]:
    """What is spent, reserved and available, in millionths of a dollar."""
    found: dict[str, Any] = api.get(path).json()
    spent, reserved, available = (round(found[name] * MILLION) for name in ("spent", "reserved", "available"))
    return spent, reserved, available


def test_a_dollar_pays_for_25_of_200(api: httpx.Client) -> None:
    """At $0.04 each; and all of it is back when they are canceled, whatever the workers have done by then."""
    client_id = api.post("/clients", json={"name": "Acme"}).json()["id"]
    path = f"/clients/{client_id}/budget"
    assert api.put(path, json={"limit": 1, "period": "total"}).status_code == 200
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as processes:
        asked = [processes.submit(generate, str(api.base_url), client_id, 50) for _ in range(PROCESSES)]
        while not all(each.done() for each in asked):
            spent, reserved, _ = shown(api, path)
            assert spent + reserved <= MILLION
        made = [task for each in asked for task in each.result()]
    assert len(made) == 25
    assert shown(api, path) == (0, MILLION, 0)
    for task in made:
        assert api.post(f"/tasks/{task}/cancel").status_code == 200
    eventually(lambda: shown(api, path) == (0, 0, MILLION), "all of it is back")
