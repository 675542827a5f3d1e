"""docs/extending.md keeps its word: each recipe is carried out in a copy of the project, and holds."""

import json
import shlex
from collections.abc import Callable
from functools import cache
from typing import Final

import pytest

from tests.support.recipes import PAGE, Copy, changed, recipe

MOST_FILES: Final = 10
DOCUMENT: Final = "layers/common/atelier/web/openapi.json"
TITLES: Final = ("A resource", "A provider", "A model", "A route")

Follow = Callable[[str], Copy]


@pytest.fixture(scope="module")
def follow(tmp_path_factory: pytest.TempPathFactory) -> Follow:
    """A copy in which the recipe of this title was carried out, the same one for all tests."""

    @cache
    def followed(title: str) -> Copy:
        copy = Copy(tmp_path_factory.mktemp("copy"))
        copy.follow(recipe(title))
        return copy

    return followed


@pytest.mark.parametrize("title", TITLES)
def test_the_tests_that_a_recipe_names_pass(follow: Follow, title: str) -> None:
    copy, wanted = follow(title), recipe(title)
    python = [path for path in wanted.files if path.endswith(".py")]
    copy.run("-m", "ruff", "check", *python)
    copy.run("-m", "ruff", "format", "--check", *python)
    assert wanted.commands
    for command in wanted.commands:
        copy.run(*shlex.split(command), "-p", "no:cacheprovider")


def test_a_new_kind_touches_ten_files() -> None:
    assert len({*recipe("A resource").files, DOCUMENT}) == MOST_FILES


@pytest.mark.parametrize("title", TITLES)
def test_the_page_counts_its_files(title: str) -> None:
    words = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    row = next(line for line in PAGE.read_text().splitlines() if line.startswith(f"| [{title.lower()}]"))
    own = len(recipe(title).files)
    assert words[own if "generated |" in row and "one is generated" in row else own - 1] in row


RELATION: Final = """
    from atelier import wiring
    from atelier.domain.access import Access
    from atelier.domain.errors import NotFound
    from atelier.domain.ids import new_id
    from tests.integration.builders import a_campaign, a_client, clean_up
    from testbed.harness import TABLE, harness
    from tests.support.recount import scan
    from tests.support.third_level import BriefVersions, NewBriefVersion

    with harness() as w:
        me, versions, campaign = Access.own(1), BriefVersions(wiring.table()), a_campaign(w)
        new, now = NewBriefVersion(campaign_id=campaign["id"], text="Bright"), w.clock()
        made = versions.create(new, id_=new_id(now, 0), access=me, idempotent=None, now=now).record
        assert w.call("DELETE", "/clients/" + campaign["client_id"]).status == 204
        try:
            versions.get(made.id, access=me)
        except NotFound:
            print("hidden")
        clean_up(w)
        print("left" if [item for item in scan(w.dynamodb, TABLE) if item.get("id") == made.id] else "deleted")
"""


def test_a_relation_is_one_row(follow: Follow) -> None:
    assert len(recipe("A relation").files) == 1
    assert follow("A relation").words(RELATION) == ["hidden", "deleted"]


LISTED: Final = """
    from testbed.harness import harness

    with harness() as w:
        items = w.call("GET", "/providers").json["items"]
        print(*(model["id"] for provider in items for model in provider["models"]))
"""


@pytest.mark.parametrize(("title", "model"), [("A provider", "easel-1"), ("A model", "fal-ai/flux/krea")])
def test_a_new_model_is_offered(follow: Follow, title: str, model: str) -> None:
    copy = follow(title)
    assert model in copy.words(LISTED)
    document = json.loads((copy.root / DOCUMENT).read_text())
    assert model in document["components"]["schemas"]["NewImage"]["properties"]["model"]["anyOf"][0]["enum"]


GENERATES: Final = """
    import urllib3
    from atelier.providers.fal import Fal
    from atelier.providers.http import Http
    from tests.support.fal_server import FalServer
    from tests.support.pipeline_harness import PipelineHarness

    with FalServer(queued=0, working=0) as server, urllib3.PoolManager() as pool:
        fal = Fal(Http(pool), key=lambda: server.key, queue_url=server.url, rest_url=server.url, api_url=server.url)
        works = PipelineHarness({"fal": fal})
        id_ = works.job_request(1, provider="fal", model="fal-ai/flux/krea", prompt="A boat")
        works.run()
        print(works.task(id_).status, len(works.shelf.sizes))
"""


def test_a_new_model_generates(follow: Follow) -> None:
    assert follow("A model").words(GENERATES) == ["succeeded", "1"]


ASKED: Final = """
    from tests.integration.builders import a_client
    from testbed.harness import harness

    with harness() as w:
        print(w.call("GET", "/clients/" + a_client(w)["id"] + "/guidelines").status)
"""


def test_a_route_without_a_role_is_refused(follow: Follow) -> None:
    copy = follow("A route")
    assert copy.words(ASKED) == ["200"]
    assert "/api/v3/clients/{client_id}/guidelines" in json.loads((copy.root / DOCUMENT).read_text())["paths"]
    roles = copy.root / "layers/common/atelier/web/roles.py"
    text = roles.read_text()
    roles.write_text("".join(line for line in text.splitlines(keepends=True) if "/guidelines" not in line))
    try:
        assert copy.words(ASKED) == ["403"]
    finally:
        roles.write_text(text)


def test_a_change_that_fits_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="0 places"):
        changed("a\n", " b\n+c\n")
    with pytest.raises(ValueError, match="2 places"):
        changed("a\na\n", " a\n+c\n")
