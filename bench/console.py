"""Does the console stay fast and small with 50,000 tasks?

    PYTHONPATH=layers/common:layers/sandbox:. .venv/bin/python -m bench.console [--tasks 50000]

The local run, with one task that came through the API and copies of it in its table, and a Chromium that has seen
nothing yet: how soon pages show something. Then the gallery is scrolled to its end, a page of a hundred after the
other: how long the next one takes, how many elements and how much memory there are, and how long frames take on the
way back. These pages are answered at once, with copies of that task: the emulator looks at each of 50,000 items for
every page, which says nothing about the console.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from random import Random
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.sync_api import Browser, Page, Route, sync_playwright

from atelier.domain.ids import new_id
from local.stack import Stack, start
from testbed.chromium import ALONE, CHROMIUM

Json = dict[str, Any]
Item = dict[str, Any]
"""As in DynamoDB's JSON."""

AT_ONCE: Final = 25
"""Items of a BatchWriteItem."""
VISITS: Final = 5
PAINTS: Final = "performance.getEntriesByName('first-contentful-paint')"
PAGE: Final = 100
SIZE: Final[Any] = {"width": 1200, "height": 900}
SHOWN: Final = (100, 1_000, 5_000, 20_000)
NEXT: Final = """
async () => {
  const all = document.documentElement, before = all.scrollHeight, began = performance.now();
  scrollTo(0, before);
  while (all.scrollHeight === before) await new Promise(requestAnimationFrame);
  return performance.now() - began;
}
"""
GLIDE: Final = """
async () => {
  const frames = [];
  let last = await new Promise(requestAnimationFrame);
  for (let n = 0; n < 300; n++) {
    scrollBy(0, -400);
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
  }
  return frames;
}
"""


def main() -> None:
    """Print the table of docs/console.md."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=50_000)
    options = parser.parse_args()
    with start(parameters={"SandboxPrices": "list"}) as stack, sync_playwright() as playwright:
        began = time.monotonic()
        task = fill(stack, options.tasks)
        print(f"{options.tasks:,} tasks after {time.monotonic() - began:.0f} s", flush=True)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ALONE)
        for place in ("/work", f"/campaigns/{task['campaign_id']}", "/"):
            print(opened(browser, f"{stack.url}/console/#{place}"), flush=True)
        for line in scrolled(browser, stack.url, options.tasks, task):
            print(line, flush=True)


# ---------------------------------------------------------------------------------------------------- a large table


def fill(stack: Stack, tasks: int) -> Json:
    """Have so many tasks in a campaign, of which one was generated; that one, as a list has it."""
    dynamodb, table = stack.client("dynamodb"), stack.outputs["TableName"]
    with httpx.Client(base_url=f"{stack.url}/api/v3", timeout=60) as api:
        client = api.post("/clients", json={"name": "Acme"}).json()["id"]
        campaign = api.post("/campaigns", json={"client_id": client, "name": "Spring", "goal": "Kites"}).json()["id"]
        before = {_place(item): item for item in _scan(dynamodb, table)}
        task = _generated(api, campaign)
    _stop_readers(stack)
    after = list(_scan(dynamodb, table))
    made = [item for item in after if task["id"] in item["PK"]["S"]]
    counted = [_raised(item, before.get(_place(item), {}), tasks - 1) for item in after if item not in made]
    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(lambda some: _write(dynamodb, table, some), _batches(_copies(made, task["id"], tasks - 1))):
            pass
    for some in _batches(iter(counted)):
        _write(dynamodb, table, some)
    return task


def _generated(api: httpx.Client, campaign: str) -> Json:
    """A task with its file, as a list has it."""
    api.post("/generate/image", json={"prompt": "A kite over dunes", "campaign_id": campaign}).raise_for_status()
    while True:
        (task,) = api.get("/tasks").json()["items"]
        if task["status"] not in ("pending", "processing"):
            return dict(task)
        time.sleep(0.2)


def _stop_readers(stack: Stack) -> None:
    """Nobody is to follow what is written now."""
    functions = stack.client("lambda")
    for each in functions.list_event_source_mappings()["EventSourceMappings"]:
        if ":dynamodb:" in each["EventSourceArn"]:
            functions.update_event_source_mapping(UUID=each["UUID"], Enabled=False)


def _scan(dynamodb: Any, table: str) -> Iterator[Item]:
    for page in dynamodb.get_paginator("scan").paginate(TableName=table):
        yield from page["Items"]


def _place(item: Item) -> tuple[str, str]:
    return item["PK"]["S"], item["SK"]["S"]


def _raised(item: Item, before: Item, times: int) -> Item:
    """What counts tasks, as if there were so many more."""
    counts = {name: value for name, value in item.items() if "N" in value and before and before.get(name) != value}
    added = {name: Decimal(value["N"]) - Decimal(before.get(name, {"N": "0"})["N"]) for name, value in counts.items()}
    return {**item, **{name: {"N": str(Decimal(item[name]["N"]) + each * times)} for name, each in added.items()}}


def _copies(made: list[Item], id_: str, times: int) -> Iterator[Item]:
    chance, now = Random(id_), datetime.now(UTC)  # noqa: S311 - there are no secrets here
    for number in range(times):
        another = new_id(now - timedelta(seconds=number), chance.getrandbits(62))
        for item in made:
            yield {name: _renamed(value, id_, another) for name, value in item.items()}


def _renamed(value: Any, old: str, new: str) -> Any:
    return {"S": value["S"].replace(old, new)} if old in value.get("S", "") else value


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    while some := list(islice(items, AT_ONCE)):
        yield some


def _write(dynamodb: Any, table: str, items: list[Item]) -> None:
    dynamodb.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": each}} for each in items]})


# ------------------------------------------------------------------------------------------------------ in a browser


def opened(browser: Browser, address: str) -> str:
    """How soon a page of a browser that has seen nothing yet shows something."""
    paints = []
    for _ in range(VISITS):
        page = browser.new_page(viewport=SIZE, bypass_csp=True)  # Playwright waits with eval
        page.goto(address)
        page.wait_for_function(f"{PAINTS}.length > 0")
        paints.append(page.evaluate(f"{PAINTS}[0].startTime"))
        page.context.close()
    painted = f"first contentful paint {statistics.median(paints):.0f} ms (at most {max(paints):.0f})"
    return f"{address.partition('#')[2]}: {painted}"


def scrolled(browser: Browser, url: str, tasks: int, task: Json) -> Iterator[str]:
    """What scrolling through so many tasks takes, and what is there then, after some of them."""

    def answer(route: Route) -> None:
        place = int(parse_qs(urlsplit(route.request.url).query).get("cursor", ["0"])[0])
        items = [{**task, "id": f"task-{place + n}"} for n in range(PAGE)]
        following = str(place + PAGE) if place + PAGE < tasks else None
        envelope = {"total": tasks, "page": 1, "page_size": PAGE, "has_more": following is not None}
        route.fulfill(json={"items": items, **envelope, "next_cursor": following})

    page = browser.new_page(viewport=SIZE)
    page.route("**/api/v3/tasks?*", answer)
    page.goto(f"{url}/console/#/work")
    page.locator(".tile img").first.wait_for()
    yield "| tasks | elements | memory, MB | next page, ms | frame, ms: median, 95%, longest |\n" + "| --- " * 5 + "|"
    took: list[float] = []
    for loaded in range(PAGE, tasks + 1, PAGE):
        if loaded in SHOWN or loaded == tasks:
            yield _state(page, loaded, took)
            took = []
        if loaded < tasks:
            took.append(page.evaluate(NEXT))
    page.context.close()


def _state(page: Page, loaded: int, took: list[float]) -> str:
    frames = sorted(page.evaluate(GLIDE)[1:])
    inside = page.context.new_cdp_session(page)
    inside.send("HeapProfiler.collectGarbage")
    memory = inside.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    elements = page.evaluate("document.querySelectorAll('*').length")
    times = f"{statistics.median(frames):.0f}, {frames[int(len(frames) * 0.95)]:.0f}, {frames[-1]:.0f}"
    following = f"{statistics.median(took):.0f}" if took else ""
    return f"| {loaded:,} | {elements:,} | {memory:.1f} | {following} | {times} |"


if __name__ == "__main__":
    main()
