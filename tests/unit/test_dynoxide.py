"""A binary for tests comes from npm: in the exact version, with the recorded hash, or not at all."""

import io
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from testbed import dynoxide


@pytest.fixture(autouse=True)
def _on_a_known_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/npm")
    monkeypatch.setattr(dynoxide, "BINARY", tmp_path / "there" / "dynoxide")


def packing(monkeypatch: pytest.MonkeyPatch, content: bytes, *, code: int = 0) -> list[list[str]]:
    """Have npm pack a package with this binary; the commands that it gets."""
    commands: list[list[str]] = []

    def run(command: list[str], *, cwd: str, **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        with tarfile.open(Path(cwd) / "package.tgz", "w:gz") as archive:
            member = tarfile.TarInfo("package/dynoxide")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        return subprocess.CompletedProcess(command, code, "", "no such package")

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_another_archive_than_the_recorded_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    (command,) = [packing(monkeypatch, b"something else")]
    with pytest.raises(ValueError, match=r"has SHA-512 .*, not sBHq"):
        dynoxide.install()
    assert command[0][2] == f"@dynoxide/linux-x64@{dynoxide.VERSION}"
    assert not dynoxide.BINARY.exists()


def test_the_recorded_archive_is_unpacked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = packing(monkeypatch, b"#!/bin/sh\n")
    monkeypatch.setattr(dynoxide, "_check", lambda *_: None)
    dynoxide.install()
    dynoxide.install()
    assert len(commands) == 1
    assert dynoxide.BINARY.read_bytes() == b"#!/bin/sh\n"
    assert dynoxide.BINARY.stat().st_mode & 0o111


def test_a_machine_without_npm_is_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert dynoxide.main() == 0
    assert capsys.readouterr().out == "Tests on dynoxide will be skipped: npm is not installed.\n"


def test_an_unsupported_platform_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(dynoxide.Unavailable, match="no checked package of dynoxide for Linux riscv64"):
        dynoxide.install()


def test_an_npm_failure_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    packing(monkeypatch, b"", code=1)
    with pytest.raises(dynoxide.Unavailable, match=r"npm cannot fetch .*: no such package"):
        dynoxide.install()


def test_a_binary_that_is_not_there_is_not_started() -> None:
    with pytest.raises(dynoxide.Unavailable, match="make dynoxide"), dynoxide.running():
        pass
