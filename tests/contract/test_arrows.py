"""The arrows of the house: functions -> web, wiring -> store, providers -> domain, and never back."""

import socket
import sys
from pathlib import Path
from typing import Final

import pytest
from pytest_socket import SocketBlockedError

from testbed.template import PROJECT
from tests import QUICK
from tests.contract.sources import FUNCTIONS, LAYER, SANDBOX, app, imports, module_name, ours, reachable

ROOMS = ("domain", "store", "providers", "web")
MAY_IMPORT = {
    "domain": {"atelier.domain"},
    "store": {"atelier.store", "atelier.domain"},
    "providers": {"atelier.providers", "atelier.domain"},
    "web": {"atelier.web", "atelier.store", "atelier.domain", "atelier.settings", "atelier.telemetry"},
}

NOT_DEPLOYED: Final = {
    "local": {"local"},
    "testbed": {"testbed", "local"},
    "bench": {"bench", "testbed", "local"},
    "tests": {"tests", "bench", "testbed", "local"},
}
"""What is beside the product, and what of that each may import; the product itself they all may."""


def files_of(room: str) -> list[Path]:
    return sorted((LAYER / "atelier" / room).rglob("*.py"))


def within(module: str, packages: set[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("room", ROOMS)
def test_a_package_imports_only_the_packages_below_it(room: str) -> None:
    for path in files_of(room):
        own = {module for module in imports(path) if within(module, {"atelier"})}
        above = {module for module in own if not within(module, MAY_IMPORT[room])}
        assert not above, f"{path} imports {above}"


def test_the_domain_imports_only_the_standard_library_and_pydantic() -> None:
    allowed = {*sys.stdlib_module_names, "pydantic", "pydantic_core", "atelier"}
    for path in files_of("domain"):
        others = {module for module in imports(path) if module.partition(".")[0] not in allowed}
        assert not others, f"{path} imports {others}"


def test_the_sandbox_artwork_imports_nothing_of_the_product() -> None:
    for path in SANDBOX.rglob("*.py"):
        assert not {module for module in imports(path) if within(module, {"atelier"})}, path


def test_the_sandbox_alone_draws() -> None:
    others = [path for path in ours() if not path.is_relative_to(SANDBOX)]
    drawing = {module_name(path) for path in others if any(within(m, {"atelier_sandbox"}) for m in imports(path))}
    assert drawing == {"atelier.providers.sandbox"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_no_siblings_and_imports_none(function: str) -> None:
    folder = app(function).parent
    assert [path.name for path in folder.iterdir() if path.suffix == ".py"] == ["app.py"]
    assert not {module for module in imports(app(function)) if within(module, {"app", "functions", *FUNCTIONS})}


def test_our_code_has_one_import_name() -> None:
    for path in ours():
        assert not {module for module in imports(path) if within(module, {"layers", *NOT_DEPLOYED})}, path


MAKE_CLIENTS: Final = {
    "boto3": set[str](),
    "botocore.session": {"atelier.wiring", "atelier.store.dynamodb.credentials"},  # the second reads credentials alone
}
"""What can make a client of AWS, and who may import it. `boto3.s3.transfer` takes a client that there is."""


@pytest.mark.parametrize("package", NOT_DEPLOYED)
def test_what_is_not_deployed_has_arrows_too(package: str) -> None:
    for path in (PROJECT / package).rglob("*.py"):
        beside = {module for module in imports(path) if within(module, set(NOT_DEPLOYED))}
        above = {module for module in beside if not within(module, NOT_DEPLOYED[package])}
        assert not above, f"{path} imports {above}"


def test_clients_of_aws_are_built_in_one_place() -> None:
    for maker, allowed in MAKE_CLIENTS.items():
        importing = {module_name(path) for path in ours() if maker in imports(path)}
        assert importing == allowed


@pytest.mark.parametrize("room", QUICK)
def test_quick_tests_load_no_emulator(room: str) -> None:
    for path in sorted((PROJECT / "tests" / room).glob("*.py")):
        loaded = {module for file in reachable(path) for module in imports(file)}
        assert not {module for module in loaded if within(module, {"moto"})}, path


def test_quick_tests_cannot_open_a_socket() -> None:
    with pytest.warns(UserWarning, match="socket"), pytest.raises(SocketBlockedError):
        socket.socket()
