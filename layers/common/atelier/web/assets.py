"""Responses with assets: signed URLs, and an ETag that changes before these end."""

import re
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from atelier.domain.assets import Asset, AssetStatus, AssetUpload, FileUpload
from atelier.domain.errors import AssetRejected
from atelier.domain.tasks.record import window_begin
from atelier.store.idempotency import CreateResult
from atelier.store.versions import Versions
from atelier.web.api import PREFIX, Reply, resource_response
from atelier.web.conditional import accepted_versions

if TYPE_CHECKING:
    from atelier.web.tasks import Signer

_WINDOW: Final = re.compile(r'(?<=[0-9])-[0-9]+(?=")')


def with_urls(asset: Asset, media: "Signer") -> Asset:
    """The asset with signed URLs of its files, once it is ready."""
    if asset.status is not AssetStatus.READY or asset.key is None:
        return asset
    made, thumbnail = asset.normalized, asset.thumbnail_key
    return asset.model_copy(
        update={
            "url": media.url(asset.key),
            "thumbnail_url": thumbnail and media.url(thumbnail),
            "normalized": made and made.model_copy(update={"url": media.url(made.key)}),
        }
    )


def tag_of(asset: Asset, *, now: datetime) -> str:
    """The entity tag: the version and, with files, the period in which their URLs stay the same."""
    if asset.status is not AssetStatus.READY:
        return f'"{asset.version}"'
    return f'"{asset.version}-{int(window_begin(now).timestamp())}"'


def versions_of(if_match: str | None) -> Versions:
    """The versions that If-Match allows to be changed, whatever the URLs were then."""
    return accepted_versions(if_match and _WINDOW.sub("", if_match))


def asset_response(
    asset: Asset, media: "Signer", *, now: datetime, status: int = HTTPStatus.OK, **headers: str
) -> Reply:
    """One asset."""
    return resource_response(with_urls(asset, media), status=status, tag=tag_of(asset, now=now), **headers)


def upload_response(made: CreateResult[Asset], upload: FileUpload | None, media: "Signer", *, now: datetime) -> Reply:
    """The 201 response of a new asset, or of its replay, and how its file is uploaded."""
    shown = AssetUpload(**dict(with_urls(made.record, media)), upload=upload)
    return asset_response(shown, media, now=now, status=HTTPStatus.CREATED, **_made(made))


def made_response(made: CreateResult[Asset], asset: Asset, media: "Signer", *, now: datetime) -> Reply:
    """The 201 response of an asset that was made of an output. Raises AssetRejected."""
    return asset_response(checked(asset), media, now=now, status=HTTPStatus.CREATED, **_made(made))


def checked(asset: Asset) -> Asset:
    """The asset. Raises AssetRejected for one whose file was."""
    if asset.error is not None:
        raise AssetRejected(asset.error.code, asset.error.message)
    return asset


def _made(made: CreateResult[Asset]) -> dict[str, str]:
    replayed = {"Idempotent_Replayed": "true"} if made.replayed else {}
    return {"Location": f"{PREFIX}/assets/{made.record.id}", **replayed}
