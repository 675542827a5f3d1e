"""The check of an asset's file: what was announced, what its bytes say, and a normalized copy of a picture.

Everything that is stored has a key that follows from the asset, so the check may be repeated, interrupted, and carried
out twice at once. What has become of it is recorded on the condition that the asset is as it was read.
"""

import atexit
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO, Final, cast

from atelier.domain.access import Access
from atelier.domain.assets import (
    LONGEST_SIDE,
    MOST_BYTES,
    MOST_PIXELS,
    MOST_SECONDS,
    Asset,
    AssetError,
    AssetFile,
    AssetStatus,
    Medium,
    Purpose,
)
from atelier.domain.errors import AssetRejected, IllegalTransition
from atelier.domain.file_names import saved_name
from atelier.domain.pipeline_ports import MediaRejected
from atelier.domain.schema import format_timestamp
from atelier.domain.tasks.record import TaskType
from atelier.store.asset_files import AssetFiles, Fetched, folder, upload_key
from atelier.store.assets import Assets
from atelier.store.measuring import Facts, Limits, Measurer, Unmeasurable
from atelier.store.media_formats import HEAD, Format, format_of

CHECKER: Final = Measurer(Limits(memory=1024 * 2**20, processor=15, wall=18, pixels=MOST_PIXELS))
"""The one of this process: a picture is decoded as a whole, and written anew."""
atexit.register(CHECKER.close)
_HEIC: Final = (b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")
_WORDS: Final = {
    "animated": "The picture is animated. Upload one frame of it, or the animation as a video.",
    "pixels": f"The picture has more than {MOST_PIXELS:,} pixels.",
    "truncated": "The file ends before the end that it says it has.",
    "memory": "Opening the file takes more memory or time than any file is given.",
    "time": "Opening the file takes more memory or time than any file is given.",
}
_CODES: Final = {"animated": "animated", "pixels": "too_large", "memory": "too_large", "time": "too_large"}


@dataclass(frozen=True)
class AssetCheck:
    """See the module."""

    assets: Assets
    files: AssetFiles
    measurer: Measurer

    def settle(self, asset: Asset, *, access: Access, now: datetime) -> Asset:
        """The asset, ready or rejected; as it is if it was before.

        Raises IllegalTransition while its file is not there, NotFound when it was deleted, and ConcurrentUpdate when it
        has to be read again.
        """
        if asset.status is not AssetStatus.PENDING:
            self._forget(asset)  # again: who recorded what became of it may have died then
            return asset
        source = asset.source_key or upload_key(asset.user_id, asset.id)
        with TemporaryFile() as file:
            fetched = self.files.fetch(source, cast("IO[bytes]", file), most=asset.size)
            try:
                if fetched is None:
                    return self._without_file(asset, access=access)
                file.seek(0)
                known = self._kept(asset, cast("BinaryIO", file), fetched, source)
            except AssetRejected as rejected:
                known = {
                    "status": AssetStatus.REJECTED,
                    "error": AssetError(code=rejected.code, message=str(rejected)),
                }
        return self._recorded(asset, known, access=access, now=now)

    def _without_file(self, asset: Asset, *, access: Access) -> Asset:
        current = self.assets.get(asset.id, access=access.before_grants())
        if current.status is not AssetStatus.PENDING:
            return current  # another check was faster, and has removed it
        if asset.source_key:
            raise AssetRejected("source_gone", "The task's output is no longer there.")
        raise IllegalTransition(f"Upload the file first, all {asset.size} bytes of it.")

    def _recorded(self, asset: Asset, known: Mapping[str, Any], *, access: Access, now: datetime) -> Asset:
        by = {"updated_at": format_timestamp(now), "updated_by": access.actor}
        change = {**known, **by, "version": asset.version + 1}
        settled = self.assets.settle(asset, asset.model_copy(update=change), access=access)
        self._forget(settled)
        return settled

    def _forget(self, asset: Asset) -> None:
        """Remove the files that an asset has no use for which is no longer pending."""
        if asset.status is AssetStatus.REJECTED:
            self.files.remove(asset.user_id, asset.id)
        elif asset.source_key is None:
            self.files.forget_upload(asset.user_id, asset.id)

    # ----------------------------------------------------------------------------------------------------- the file

    def _kept(self, asset: Asset, file: BinaryIO, fetched: Fetched, source: str) -> Mapping[str, Any]:
        """What is known of a file that was stored. Raises AssetRejected."""
        if fetched.size != asset.size:
            raise AssetRejected("wrong_checksum", f"The file does not have the {asset.size} bytes that were announced.")
        if asset.sha256 not in (None, fetched.sha256):
            raise AssetRejected("wrong_checksum", "The file does not have the checksum that was announced.")
        _check_size(fetched.size, asset.purpose.medium)
        form = _form_of(file.read(HEAD), asset)
        file.seek(0)
        place = folder(asset.user_id, asset.id)
        try:
            if asset.purpose.medium is Medium.IMAGE:
                known = self._picture(asset, file, form, place)
            else:
                known = self._recording(asset, file, form, place)
        except Unmeasurable as failure:
            raise _refusal(failure.reason) from failure
        key, name = f"{place}original.{form.extension}", saved_name(asset.name, form.extension)
        if not self.files.copy(source, fetched.etag, key, content_type=form.content_type, name=name):
            raise AssetRejected("source_gone", "The file was removed while it was checked.")
        return {**known, "key": key, "sha256": fetched.sha256, "status": AssetStatus.READY}

    def _picture(self, asset: Asset, file: BinaryIO, form: Format, place: str) -> dict[str, Any]:
        lossless = asset.purpose is Purpose.MASK  # whose edges a JPEG would blur
        made = self.measurer.picture(file, asset.size, form.reader, longest=LONGEST_SIDE, lossless=lossless)
        key = f"{place}normalized.{'png' if made.content_type == 'image/png' else 'jpg'}"
        self.files.put(key, made.content, content_type=made.content_type)
        width, height = made.sides
        copy = AssetFile(
            key=key,
            content_type=made.content_type,
            size=len(made.content),
            width=width,
            height=height,
            has_alpha=made.has_alpha,
        )
        return {
            "width": made.width,
            "height": made.height,
            "normalized": copy,
            "thumbnail_key": self._thumbnail(made.thumbnail, place),
        }

    def _recording(self, asset: Asset, file: BinaryIO, form: Format, place: str) -> dict[str, Any]:
        is_video = asset.purpose.medium is Medium.VIDEO
        facts = (self.measurer.video if is_video else self.measurer.sound)(file, asset.size, form.reader)
        sides = _sides_of(facts) if is_video else None
        if (is_video and sides is None) or (not is_video and _moves(facts)):
            raise AssetRejected("wrong_type", f"The file has no {'picture' if is_video else 'sound alone'} in it.")
        if facts.thumbnail is None:
            raise AssetRejected("broken", "The file cannot be played.")
        if is_video and (facts.seconds is None or facts.seconds > MOST_SECONDS):
            raise AssetRejected("too_long", f"The video is longer than {MOST_SECONDS} seconds, or does not say.")
        width, height = sides or (None, None)
        thumbnail = self._thumbnail(facts.thumbnail, place)
        return {"width": width, "height": height, "duration": facts.seconds, "thumbnail_key": thumbnail}

    def _thumbnail(self, content: bytes | None, place: str) -> str | None:
        if content is None:
            return None
        key = f"{place}thumbnail.webp"
        self.files.put(key, content, content_type="image/webp")
        return key


def _check_size(size: int, medium: Medium) -> None:
    if size > MOST_BYTES[medium]:
        most = MOST_BYTES[medium]
        raise AssetRejected("too_large", f"The file is larger than {most:,} bytes, the most for {medium}.")


def _form_of(head: bytes, asset: Asset) -> Format:
    """The format of the file, which must be what was announced. Raises AssetRejected."""
    announced = asset.content_type
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC:
        raise AssetRejected("wrong_type", "HEIC and AVIF are not read here. Convert the picture to JPEG or PNG.")
    for medium in (asset.purpose.medium, *Medium):
        try:
            form = format_of(head, TaskType(medium))
        except MediaRejected:
            continue
        if form.content_type != announced:
            raise AssetRejected("wrong_type", f"The file is {form.content_type}, and {announced} was announced.")
        return form
    raise AssetRejected("wrong_type", f"The file is not {announced}, nor anything else that is read here.")


def _sides_of(facts: Facts) -> tuple[int, int] | None:
    tracks = (each for each in facts.tracks if each.type == "video" and not each.cover)
    return next(((each.width, each.height) for each in tracks if each.width and each.height), None)


def _moves(facts: Facts) -> bool:
    """Whether a sound is none, or a video."""
    moving = any(each.type == "video" and not each.cover for each in facts.tracks)
    return moving or not any(each.sample_rate for each in facts.tracks if each.type == "audio")


def _refusal(reason: str) -> AssetRejected:
    words = _WORDS.get(reason, "The file cannot be read.")
    return AssetRejected(_CODES.get(reason, "broken"), words)
