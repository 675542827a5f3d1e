"""The README's tour through `sam local start-api`: functions in containers, everything behind them in the emulator."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local import deployment
from local.stack import Stack
from tests.e2e.conftest import eventually
from tests.sam.containers import Containers, functions_environment


@pytest.fixture(scope="module")
def variables(containers: Containers, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment of every deployed function, with the emulator where a container finds it."""
    names = deployment.function_names(stack.endpoint)
    deployed = functions_environment(stack.client("lambda"), names)
    given = {name: {**own, "AWS_ENDPOINT_URL": containers.address} for name, own in deployed.items()}
    file = tmp_path_factory.mktemp("start-api") / "variables.json"
    file.write_text(json.dumps(given).replace(stack.endpoint, containers.address))
    return file


@pytest.fixture(scope="module")
def api(containers: Containers, variables: Path) -> Iterator[httpx.Client]:
    """A client of the API that SAM serves."""
    with (
        containers.serving("start-api", deployment.ACCOUNT, variables) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v3", timeout=120) as client,
    ):
        yield client


def fetch(url: str, stack: Stack) -> bytes:
    """What a URL of an output gives: its host is what containers call the emulator, which resolves nowhere else."""
    named = httpx.URL(url)
    here = httpx.URL(stack.endpoint)
    answer = httpx.get(named.copy_with(host=here.host, port=here.port), headers={"Host": named.netloc.decode()})
    answer.raise_for_status()
    return answer.content


def test_the_tour(api: httpx.Client, stack: Stack) -> None:
    client = api.post("/clients", json={"name": "Acme Corporation", "brand_guidelines": "Use blue color scheme"})
    assert client.status_code == 201, client.text
    new = {"client_id": client.json()["id"], "name": "Summer Launch", "goal": "Promote", "status": "active"}
    campaign = api.post("/campaigns", json=new)
    assert campaign.status_code == 201, campaign.text
    order = {"prompt": "A futuristic cityscape", "campaign_id": campaign.json()["id"], "size": "64x64"}
    order |= {"provider": "fal", "model": "fal-ai/flux-pro"}
    image = api.post("/generate/image", json=order, headers={"Idempotency-Key": "tour-1"})
    assert image.status_code == 202, image.text
    assert image.json()["served_by"] == "sandbox"
    task = image.headers["location"].removeprefix("/api/v3")
    eventually(lambda: api.get(task).json()["status"] == "succeeded", "the image is made")
    (output,) = api.get(f"{task}/result").json()["outputs"]
    assert fetch(output["url"], stack).startswith(b"\x89PNG")
    wrong = api.post("/clients", json={"name": "", "colour": "blue"})
    assert (wrong.status_code, len(wrong.json()["errors"])) == (400, 2)
    assert api.delete(f"/clients/{new['client_id']}").status_code == 204
    assert api.get("/campaigns").json()["total"] == 0
    assert api.get("/tasks?client_id=none").json()["items"][0]["id"] == image.json()["id"]
