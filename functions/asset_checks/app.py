"""POST /api/v3/assets/{asset_id}/complete and /api/v3/tasks/{task_id}/outputs/{number}/asset: files are checked"""

from atelier.bootstrap import bootstrap

from secrets import randbits
from typing import Annotated

from aws_lambda_powertools.event_handler import Request
from aws_lambda_powertools.event_handler.openapi.params import Path

from atelier import wiring
from atelier.caller import access_of
from atelier.domain.access import Access
from atelier.domain.assets import Asset, OutputAsset, asset_of_output
from atelier.domain.ids import new_id
from atelier.domain.schema import utcnow
from atelier.web.api import Reply, api, serve
from atelier.web.assets import asset_response, checked, made_response
from atelier.web.idempotency import idempotent_request
from atelier.web.openapi import CREATE, CREATED_HEADERS, READ, AssetId, IdempotencyKey, TaskId, responses

app = api()
Number = Annotated[str, Path(description="Which of the outputs, counted from 0.")]


@app.post(
    "/api/v3/assets/<asset_id>/complete",
    tags=["Assets"],
    operation_id="completeAsset",
    summary="Complete an asset",
    responses=responses(200, Asset, "The asset, which is ready.", *READ, 409, headers=("ETag",)),
)
def complete_asset(asset_id: AssetId) -> Reply:
    """Have an uploaded file checked. 409 says why it was rejected, or that it is not there yet.

    A picture is decoded and normalized: sRGB, 8 bits, upright, without metadata. Repeated, it changes nothing.
    """
    return asset_response(checked(_settled(asset_id, access_of(app))), wiring.media_urls(), now=utcnow())


@app.post(
    "/api/v3/tasks/<task_id>/outputs/<number>/asset",
    tags=["Assets"],
    operation_id="createAssetOfOutput",
    summary="Make an asset of a result",
    responses=responses(201, Asset, "The asset, which is ready.", *CREATE, headers=CREATED_HEADERS),
)
def create_asset_of_output(
    task_id: TaskId, number: Number, body: OutputAsset, request: Request, key: IdempotencyKey = None
) -> Reply:
    """Make an asset of a task's output, with the task's client. The file is copied; nothing is uploaded."""
    now, access, idempotent = utcnow(), access_of(app), idempotent_request(request, key)
    made = wiring.assets().find_replay(idempotent, access=access, now=now)  # the task may be gone by now
    if made is None:
        new = asset_of_output(wiring.tasks().get_summary(task_id, access=access), number, body)
        id_ = new_id(now, randbits(62))
        made = wiring.assets().create(new, id_=id_, access=access, idempotent=idempotent, now=now)
    return made_response(made, _settled(made.record.id, access), wiring.media_urls(), now=now)


def _settled(asset_id: str, access: Access) -> Asset:
    def attempt() -> Asset:
        asset, acting = wiring.assets().get_to_check(asset_id, access=access)
        return wiring.asset_check().settle(asset, access=acting, now=utcnow())

    return wiring.table().retry_on_conflict(attempt)


handler = bootstrap(serve(app), wiring.asset_check, prime=app.get_openapi_json_schema)
