"""Mutants of assets: what is let in, races of a check, and files that are left."""

from typing import Final

from tests.mutants import STORE, Mutant

ASSETS: Final = "tests/integration/test_assets.py"
CRASHES: Final = "tests/integration/test_asset_crash_points.py"
NORMALIZED: Final = "tests/unit/test_normalized_pictures.py"

MUTANTS: Final = (
    Mutant(
        "an upload takes any file",
        f"{STORE}/asset_files.py",
        '"ChecksumSHA256": checksum,',
        "",
        ASSETS,
    ),
    Mutant(
        "an uploaded file may be replaced",
        f"{STORE}/asset_files.py",
        '"IfNoneMatch": "*",',
        "",
        ASSETS,
    ),
    Mutant(
        "another file than was announced is accepted",
        f"{STORE}/asset_check.py",
        "if asset.sha256 not in (None, fetched.sha256):",
        "if False:",
        ASSETS,
    ),
    Mutant(
        "another file than was checked is kept",
        f"{STORE}/asset_files.py",
        "CopySourceIfMatch=etag,",
        "",
        ASSETS,
    ),
    Mutant(
        "a file of another format than was announced is accepted",
        f"{STORE}/asset_check.py",
        "if form.content_type != announced:",
        "if False:",
        ASSETS,
    ),
    Mutant(
        "the first picture of an animation is taken",
        f"{STORE}/measuring_child.py",
        'if job["reader"] != "JPEG" and getattr(image, "is_animated", False):',
        "if False:",
        NORMALIZED,
    ),
    Mutant(
        "a normalized picture lies on its side",
        f"{STORE}/measuring_child.py",
        "image = ImageOps.exif_transpose(image)\n    alpha",
        "alpha",
        NORMALIZED,
    ),
    Mutant(
        "a normalized picture keeps its comments",
        f"{STORE}/measuring_child.py",
        "copy.info = {}",
        "pass",
        NORMALIZED,
    ),
    Mutant(
        "a mask is blurred",
        f"{STORE}/asset_check.py",
        "lossless = asset.purpose is Purpose.MASK",
        "lossless = False",
        ASSETS,
    ),
    Mutant(
        "a rejected file stays",
        f"{STORE}/asset_check.py",
        "self.files.remove(asset.user_id, asset.id)",
        "pass",
        ASSETS,
    ),
    Mutant(
        "an asset without a client is not counted",
        f"{STORE}/parents.py",
        "Write(keys.counters(account, UNASSIGNED), add=amounts)",
        "Write(keys.counters(account, UNASSIGNED), set={'a': 1})",
        ASSETS,
    ),
    Mutant(
        "assets are listed whatever they are for",
        f"{STORE}/resource_lists.py",
        "return of_parent and selected and",
        "return of_parent and",
        ASSETS,
    ),
    Mutant(
        "the files of a deleted asset stay",
        f"{STORE}/resources.py",
        "if kind_named(self.kind).has_files:",
        "if False:",
        ASSETS,
    ),
    Mutant(
        "the files of a deleted client's assets stay",
        f"{STORE}/cascade.py",
        "if kind_named(child).has_files:",
        "if False:",
        ASSETS,
    ),
    Mutant(
        "files are removed while a check may still write some",
        f"{STORE}/asset_work.py",
        "if early > timedelta():",
        "if False:",
        ASSETS,
    ),
    Mutant(
        "an asset whose file never came stays",
        f"{STORE}/asset_work.py",
        "self.assets.expire(asset, now=now)",
        "pass",
        ASSETS,
    ),
    Mutant(
        "what is uploaded after the check stays",
        f"{STORE}/asset_check.py",
        "self._forget(asset)  # again",
        "pass  # again",
        ASSETS,
    ),
    Mutant(
        "what is uploaded after the deletion stays",
        f"{STORE}/asset_work.py",
        "self.files.forget_upload(message.user_id, message.asset_id)",
        "pass",
        ASSETS,
    ),
    Mutant(
        "that files are to be removed is forgotten before they are",
        f"{STORE}/asset_work.py",
        "        self.files.remove(message.user_id, message.asset_id)\n"
        "        self.assets.files_removed(message.user_id, message.asset_id)\n",
        "        self.assets.files_removed(message.user_id, message.asset_id)\n"
        "        self.files.remove(message.user_id, message.asset_id)\n",
        CRASHES,
    ),
    Mutant(
        "an upload is removed before it is known what becomes of it",
        f"{STORE}/asset_check.py",
        "        settled = self.assets.settle(asset, asset.model_copy(update=change), access=access)\n"
        "        self._forget(settled)\n",
        "        self._forget(asset.model_copy(update=change))\n"
        "        settled = self.assets.settle(asset, asset.model_copy(update=change), access=access)\n",
        CRASHES,
    ),
    Mutant(
        "the sweep leaves files whose message was lost",
        f"{STORE}/sweep.py",
        "lambda: self._assets.send(message)",
        "lambda: None",
        ASSETS,
    ),
    Mutant(
        "a task is created with an asset that is being deleted",
        f"{STORE}/task_inputs.py",
        "return Write(key, condition=EXISTS, on",
        "return Write(key, add={'a': 0}, on",
        ASSETS,
    ),
    Mutant(
        "a task is created with an asset whose client is being deleted",
        f"{STORE}/task_inputs.py",
        "for client_id, id_ in clients.items()",
        "for client_id, id_ in ()",
        ASSETS,
    ),
    Mutant(
        "what a caller has called a file ends its header",
        f"{STORE}/asset_check.py",
        "saved_name(asset.name, form.extension)",
        "asset.name",
        ASSETS,
    ),
)
