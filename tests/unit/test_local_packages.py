"""The zips that the local run deploys."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from local import packages
from local.errors import BadTemplate


def names(packed: bytes) -> set[str]:
    return set(zipfile.ZipFile(io.BytesIO(packed)).namelist()) - {packages.MARKER}


def test_a_function_is_its_files_and_their_bytecode(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("x = 1")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "old.pyc").write_bytes(b"")
    tag = sys.implementation.cache_tag
    assert names(packages.function_zip(tmp_path)) == {"app.py", f"__pycache__/app.{tag}.pyc"}


def test_a_layer_puts_its_packages_on_the_path(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "fonts.bin").write_bytes(b"\x00")
    assert names(packages.layer_zip(tmp_path)) == {"python/ours/fonts.bin"}


def test_an_unpacked_layer_comes_before_what_is_installed(tmp_path: Path) -> None:
    source = tmp_path / "source/atelier/__init__.py"
    source.parent.mkdir(parents=True)
    source.write_text("x = 'from the layer'")
    installed = tmp_path / "installed/atelier/__init__.py"
    installed.parent.mkdir(parents=True)
    installed.write_text("x = 'installed'")
    layer = packages.unpacked_layer(packages.layer_zip(tmp_path / "source"), tmp_path / "unpacked")
    zipfile.ZipFile(io.BytesIO(layer)).extractall(tmp_path / "opt")
    (site_packages,) = (tmp_path / "opt/python/lib").glob("*/site-packages")
    says = f"import site; site.addsitedir({str(site_packages)!r}); import atelier; print(atelier.x)"
    ran = subprocess.run(
        [sys.executable, "-c", says],
        env={"PYTHONPATH": str(installed.parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "from the layer\n"


def test_bytecode_is_used_whatever_the_sources_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "packed_module.py").write_text("x = 'from bytecode'")
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(io.BytesIO(packages.function_zip(source))).extractall(unpacked)
    (unpacked / "packed_module.py").write_text("x = 'from source'")
    monkeypatch.syspath_prepend(unpacked)
    import packed_module  # type: ignore[import-not-found]  # noqa: PLC0415

    assert packed_module.x == "from bytecode"


def test_a_syntax_error_stops_the_run_and_says_where(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("x = (")
    with pytest.raises(BadTemplate, match=r"app.py.*line 1"):
        packages.function_zip(tmp_path)


def test_a_missing_folder_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(BadTemplate, match="nowhere"):
        packages.layer_zip(tmp_path / "nowhere")
