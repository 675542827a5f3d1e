"""What others make of openapi.json: a generated client."""

import sys
from pathlib import Path
from typing import Final

from local.stack import PROJECT, Stack
from tests.e2e.tools import run

DOCUMENT: Final = PROJECT / "layers/common/atelier/web/openapi.json"

TOUR: Final = """
import sys, time
from atelier_client import Client
from atelier_client.api.clients import create_client, delete_client, list_clients
from atelier_client.api.campaigns import create_campaign
from atelier_client.api.generation import generate_image
from atelier_client.api.tasks import get_task, get_task_result
from atelier_client.models import NewCampaign, NewClient, NewImage

api = Client(base_url=sys.argv[1], raise_on_unexpected_status=True)
client = create_client.sync(client=api, body=NewClient(name="Generated", brand_guidelines="Use blue"))
campaign = create_campaign.sync(client=api, body=NewCampaign(client_id=client.id, name="Tour", goal="See it work"))
task = generate_image.sync(client=api, body=NewImage(prompt="A lighthouse", campaign_id=campaign.id, size="64x64"))
while get_task.sync(task.id, client=api).status.value not in ("succeeded", "failed"):
    time.sleep(0.2)
(output,) = get_task_result.sync(task.id, client=api).outputs
assert output.content_type == "image/png", output
assert client.id in [each.id for each in list_clients.sync(client=api, search="generated").items]
assert delete_client.sync_detailed(client.id, client=api).status_code == 204
print("done")
"""


def test_a_generated_client_takes_the_tour(stack: Stack, tmp_path: Path) -> None:
    generate = ["openapi-python-client", "generate", f"--path={DOCUMENT}", "--meta=none"]
    run(*generate, "--output-path=atelier_client", "--fail-on-warning", folder=tmp_path)
    assert run(sys.executable, "-W", "error", "-c", TOUR, stack.url, folder=tmp_path) == "done\n"
