"""What `make artifacts` and `make sam-local` do where something is missing, or too large."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from local import artifacts, engine, tools


def test_without_python_313_the_artifact_check_is_skipped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And says so."""
    tools.python313.cache_clear()
    monkeypatch.setattr(tools, "_is_313", lambda _: False)
    assert artifacts.main() == 0
    assert capsys.readouterr().out == "skipped: no Python 3.13 on PATH\n"
    tools.python313.cache_clear()


def test_without_an_engine_only_root_with_apt_makes_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_answers", lambda _: False)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(engine.NoEngine, match="no Docker engine answers"), engine.engine():
        pass


def test_a_running_engine_is_used_and_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_answers", lambda _: True)
    with engine.engine() as found:
        assert (found.environment, found.options) == ({}, ())


def test_a_file_that_a_dead_engine_left_ends_nobody(tmp_path: Path) -> None:
    stale = tmp_path / "docker.pid"
    stale.write_text("1")
    engine._stop(stale)
    assert stale.exists()


def test_a_layer_over_its_limit_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    built = tmp_path / "template.yaml"
    built.write_text(json.dumps({"Globals": {"Function": {"Layers": []}}, "Resources": {}}))
    (tmp_path / "DepsLayer").mkdir()
    with (tmp_path / "DepsLayer/large").open("wb") as file:
        file.truncate(artifacts.LAYERS["DepsLayer"] + 1)
    assert artifacts.weigh(built, "arm64") == ["DepsLayer has 40000001 bytes for arm64, more than 40000000"]


CDN: Final = {"Ref": "CdnLayer"}
DEPS: Final = {"Ref": "DepsLayer"}


@pytest.mark.parametrize(
    "layers",
    [
        [{"Fn::If": ["WithCdn", CDN, {"Ref": "AWS::NoValue"}]}],
        {"Fn::If": ["WithCdn", [DEPS, CDN], [DEPS]]},
    ],
)
def test_a_functions_layers_are_found_behind_conditions(tmp_path: Path, layers: Any) -> None:
    properties = {"CodeUri": "WebhookDeliveryFunction", "Layers": layers, "Events": {"Notices": {"Type": "SQS"}}}
    resources = {"WebhookDeliveryFunction": {"Type": "AWS::Serverless::Function", "Properties": properties}}
    shared = {"Function": {"Layers": [{"Ref": "DepsLayer"}]}}
    (tmp_path / "template.yaml").write_text(json.dumps({"Globals": shared, "Resources": resources}))
    (function,) = artifacts.functions(tmp_path / "template.yaml")
    assert (function.kind, function.layers) == ("batch", ("DepsLayer", "CdnLayer"))
