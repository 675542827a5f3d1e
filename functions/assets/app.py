"""/api/v3/assets, but for the checks"""

from atelier.bootstrap import bootstrap

from secrets import randbits
from typing import Annotated

from aws_lambda_powertools.event_handler import Request
from aws_lambda_powertools.event_handler.openapi.params import Query

from atelier import wiring
from atelier.caller import access_of
from atelier.domain.assets import (
    Asset,
    AssetPage,
    AssetPatch,
    AssetQuery,
    AssetStatus,
    AssetUpload,
    NewAsset,
    check_new,
)
from atelier.domain.ids import new_id
from atelier.domain.schema import utcnow
from atelier.web.api import Reply, api, no_content, page_response, serve
from atelier.web.assets import asset_response, upload_response, versions_of, with_urls
from atelier.web.idempotency import idempotent_request
from atelier.web.openapi import (
    CHANGE,
    CREATE,
    CREATED_HEADERS,
    READ,
    AssetId,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    responses,
)

app = api()


@app.post(
    "/api/v3/assets",
    tags=["Assets"],
    operation_id="createAsset",
    summary="Create an asset",
    responses=responses(201, AssetUpload, "The asset, and how to upload its file.", *CREATE, headers=CREATED_HEADERS),
)
def create_asset(body: NewAsset, request: Request, key: IdempotencyKey = None) -> Reply:
    """Create an asset. Upload its file as `upload` says, within 15 minutes, then complete the asset."""
    check_new(body)
    now = utcnow()
    id_, idempotent = new_id(now, randbits(62)), idempotent_request(request, key)
    made = wiring.assets().create(body, id_=id_, access=access_of(app), idempotent=idempotent, now=now)
    waits = made.record.status is AssetStatus.PENDING
    upload = wiring.asset_files().upload(made.record, now=now) if waits else None
    return upload_response(made, upload, wiring.media_urls(), now=now)


@app.get(
    "/api/v3/assets",
    tags=["Assets"],
    operation_id="listAssets",
    summary="List assets",
    responses=responses(200, AssetPage, "A page of assets.", 400),
)
def list_assets(query: Annotated[AssetQuery, Query()]) -> Reply:
    """List the assets you may see, by page or cursor. `search` looks at filenames."""
    page, media = wiring.assets().list(query, access=access_of(app)), wiring.media_urls()
    return page_response(page.model_copy(update={"items": [with_urls(each, media) for each in page.items]}))


@app.get(
    "/api/v3/assets/<asset_id>",
    tags=["Assets"],
    operation_id="getAsset",
    summary="Get an asset",
    responses=responses(200, Asset, "The asset.", 304, *READ, headers=("ETag",)),
)
def get_asset(asset_id: AssetId, if_none_match: IfNoneMatch = None) -> Reply:
    """Show an asset as it is now. The URLs of its files work for at least an hour."""
    return asset_response(wiring.assets().get(asset_id, access=access_of(app)), wiring.media_urls(), now=utcnow())


@app.patch(
    "/api/v3/assets/<asset_id>",
    tags=["Assets"],
    operation_id="updateAsset",
    summary="Update an asset",
    responses=responses(200, Asset, "The asset as it is now.", *CHANGE, headers=("ETag",)),
)
def update_asset(asset_id: AssetId, body: AssetPatch, if_match: IfMatch = None) -> Reply:
    """Update an asset by a merge patch: absent fields stay. Its file and its client never change."""
    now = utcnow()
    asset = wiring.assets().patch(asset_id, body, access=access_of(app), accepted=versions_of(if_match), now=now)
    return asset_response(asset, wiring.media_urls(), now=now)


@app.delete(
    "/api/v3/assets/<asset_id>",
    tags=["Assets"],
    operation_id="deleteAsset",
    summary="Delete an asset",
    responses=responses(204, None, "Deleted.", *READ, 412),
)
def delete_asset(asset_id: AssetId, if_match: IfMatch = None) -> Reply:
    """Delete an asset and its files. Tasks that used it stay, and no longer name it."""
    wiring.assets().delete(asset_id, access=access_of(app), accepted=versions_of(if_match), now=utcnow())
    return no_content()


handler = bootstrap(serve(app), wiring.assets, prime=app.get_openapi_json_schema)
