"""Every documented command, parsed by the command line that it is for."""

from pathlib import Path
from typing import Final

import pytest

from local.preflight import check, overrides
from local.preflight.stacks import Stack
from tests.sam import parsers
from tests.support import documented
from tests.support.aws_cli import CUSTOM
from tests.support.deployments import CDN, FIRST_KEY, source

# The documents are for version 2 of AWS's command line, which has these; from the package index comes version 1.
ONLY_VERSION_2: Final = ("logs", "tail")
OPTION_OF_VERSION_2: Final = ("--cli-binary-format", "raw-in-base64-out")
FILES: Final = ("records.json", "failure.json", "key", "cdn.pem")


def test_sam_takes_its_commands(sam: str) -> None:
    commands = [it.words for it in documented.of("sam")]
    said = parsers.sam_says(commands)
    assert [pair for pair in zip(commands, said, strict=True) if pair[1]] == []


def test_sam_refuses_what_is_wrong(sam: str) -> None:
    wrong = [("deploy", "--parameter-override", "A=b"), ("validat",), ("deploy", "--parameter-overrides", "A B")]
    assert all(parsers.sam_says(wrong))


def test_a_key_survives_only_in_its_own_quotes(sam: str) -> None:
    documented_way = f"CdnPublicKey='{FIRST_KEY}' CdnKeySecret={CDN['CdnKeySecret']}"
    assert overrides.parsed([documented_way]) == CDN
    plain = overrides.parsed([f"CdnPublicKey={FIRST_KEY}"])
    assert plain["CdnPublicKey"] == "-----BEGIN"
    refused = check.violations(Stack(source(), {**CDN, **plain}))
    assert [it.rule for it in refused] == ["public-key"]


def aws_commands() -> list[tuple[str, ...]]:
    """Those with options, without what only version 2 has."""
    found = [it.words for it in documented.of("aws") if it.words[:2] != ONLY_VERSION_2]
    return [tuple(it for it in words if it not in OPTION_OF_VERSION_2) for words in found if len(words) > 2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that commands name."""
    for name in FILES:
        (tmp_path / name).write_text("{}")
    return tmp_path


def test_aws_takes_its_commands(folder: Path) -> None:
    if not parsers.AWS_PYTHON.exists():
        pytest.skip("AWS's command line is not here; `make sam-local` installs it")
    commands = aws_commands()
    said = parsers.aws_says(commands, folder)
    assert [pair for pair in zip(commands, said, strict=True) if pair[1]] == []
    assert len(commands) > 40


def test_aws_refuses_what_is_wrong(folder: Path) -> None:
    if not parsers.AWS_PYTHON.exists():
        pytest.skip("AWS's command line is not here; `make sam-local` installs it")
    wrong = [
        ("sqs", "send-mesage", "--queue-url", "x"),
        ("sqs", "send-message", "--queue-url", "x"),
        ("sqs", "send-message", "--queue-url", "x", "--message-body", "x", "--delay-seconds", "soon"),
        ("s3", "cp", "x"),
        ("lambda", "invoke", "--function-name", "x", "--payload", "file://nowhere", "out"),
    ]
    assert all(parsers.aws_says(wrong, folder))


def test_what_is_no_operation_is_known() -> None:
    assert ONLY_VERSION_2 in CUSTOM
