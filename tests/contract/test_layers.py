"""What the layers are built of is what the code and the template ask for."""

import inspect
import tomllib
from pathlib import Path
from typing import Final
from unittest import mock

import pytest

from atelier import wiring
from layers.build import layer
from local import artifacts
from testbed.environment import fresh_wiring
from testbed.template import PROJECT, template

BUILD: Final = PROJECT / "layers/build"
LAYERS: Final = {
    name: each for name, each in template()["Resources"].items() if each["Type"] == "AWS::Serverless::LayerVersion"
}


CONFIGURED: Final = {
    "AWS_PROVIDERS": "on",
    "DYNAMODB_CLIENT": "botocore",
    "CDN_URL": "https://cdn.example",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
}


def services() -> set[str]:
    """The services of which the composition root makes clients where everything is switched on."""
    with fresh_wiring(CONFIGURED), mock.patch("botocore.session.Session.create_client") as create_client:
        for make in (each for each in vars(wiring).values() if hasattr(each, "cache_clear")):
            if not inspect.signature(make).parameters:
                make()
    return {str(call.args[0]) for call in create_client.call_args_list}


def test_botocore_keeps_only_the_services_the_code_uses() -> None:
    assert set(layer.SERVICES) == services()


def test_packages_are_installed_for_the_functions_python() -> None:
    assert template()["Globals"]["Function"]["Runtime"] == f"python{layer.RUNTIME}"
    assert all(each["Properties"]["CompatibleRuntimes"] == [f"python{layer.RUNTIME}"] for each in LAYERS.values())


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_has_a_target_and_a_limit(name: str) -> None:
    assert f"\nbuild-{name}:\n" in (BUILD / "layers.mk").read_text()
    assert name in artifacts.LAYERS
    assert LAYERS[name]["Metadata"]["BuildMethod"] == "makefile"


def test_there_is_a_makefile_for_every_architecture() -> None:
    offered = template()["Parameters"]["Architecture"]["AllowedValues"]
    assert sorted(path.parent.name for path in BUILD.glob("*/Makefile")) == sorted(offered)


def test_pins_mean_the_same_whatever_python_installs_them() -> None:
    # pip judges conditions by the Python that it runs in, not by the one that it installs for.
    for path in (PROJECT / "layers").glob("*/requirements.txt"):
        assert "python_version" not in path.read_text(), path
        assert "python_full_version" not in path.read_text(), path


def test_what_is_never_read_is_removed_and_nothing_else(tmp_path: Path) -> None:
    kept = (
        "botocore/data/s3/1/service-2.json.gz",
        "botocore/data/endpoints.json",
        "x-1.dist-info/METADATA",
        "x/a.py",
        "x/a.js",
    )
    gone = ("botocore/data/ec2/1/service-2.json.gz", "boto3/data/s3.json", "x-1.dist-info/RECORD", "bin/x", "x/a.pyi")
    for name in (*kept, *gone, "x-1.dist-info/licenses/LICENSE"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    layer.prune(tmp_path)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {*kept, "x-1.dist-info/licenses/LICENSE"}


@pytest.mark.parametrize("environment", ["default", "dev", "staging", "prod"])
def test_an_environment_sets_only_parameters_that_the_template_has(environment: str) -> None:
    configured = tomllib.loads((PROJECT / "samconfig.toml").read_text())[environment]
    given = dict(each.split("=") for each in configured["global"]["parameters"]["parameter_overrides"])
    assert given.keys() <= template()["Parameters"].keys()
    assert given["Architecture"] in template()["Parameters"]["Architecture"]["AllowedValues"]


def test_production_asks_before_it_changes_anything() -> None:
    prod = tomllib.loads((PROJECT / "samconfig.toml").read_text())["prod"]
    assert prod["deploy"]["parameters"]["confirm_changeset"] is True
    assert "Sandbox=off" in prod["global"]["parameters"]["parameter_overrides"]
