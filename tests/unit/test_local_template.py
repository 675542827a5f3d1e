"""The local run's view of template.yaml: what is handed to the emulator, and what is refused."""

from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from local import routes, template
from local.errors import BadTemplate
from local.stack import PARAMETERS, PROJECT

SOURCE: Final = template.load(PROJECT / "template.yaml")
CODE: Final = {name: f"s3://code/{name}.zip" for name in template.code_folders(SOURCE)}


@cache
def plain(**parameters: str) -> template.Template:
    return template.translate(SOURCE, parameters={**PARAMETERS, **parameters}, code=CODE)


def functions(of: template.Template) -> list[dict[str, Any]]:
    return [it["Properties"] for it in of["Resources"].values() if it["Type"] == "AWS::Lambda::Function"]


def test_every_function_runs_its_uploaded_code() -> None:
    keys = {function["Code"]["S3Key"] for function in functions(plain())}
    assert keys == {f"{name}.zip" for name, folder in template.code_folders(SOURCE).items() if "functions/" in folder}


def test_sams_environment_does_not_reach_the_emulator() -> None:
    types = {resource["Type"] for resource in plain()["Resources"].values()}
    assert not [type_ for type_ in types if type_.startswith("AWS::Serverless::")]


def test_deployment_alarms_and_rollouts_stay_outside_the_emulator() -> None:
    lean = template.without_operations(SOURCE)
    types = {
        resource["Type"]
        for resource in template.translate(lean, parameters=PARAMETERS, code=CODE)["Resources"].values()
    }
    assert not [
        type_ for type_ in types if type_.startswith(("AWS::CloudWatch::", "AWS::Budgets::", "AWS::CodeDeploy::"))
    ]
    assert not types & {"AWS::Lambda::Alias", "AWS::Lambda::Version"}
    assert {"AWS::Lambda::Function", "AWS::DynamoDB::Table", "AWS::Logs::LogGroup"} <= types


def test_the_local_parameters_are_parameters_of_the_template() -> None:
    template.check_parameters(SOURCE, PARAMETERS)


def test_an_unknown_parameter_is_an_error() -> None:
    with pytest.raises(BadTemplate, match="no parameter Colour"):
        plain(Colour="red")


def test_a_variable_goes_into_every_function_that_declares_it() -> None:
    changed = template.set_environment(plain(), {"MEDIA_BUCKET": "mine"})
    before = [function["Environment"]["Variables"].get("MEDIA_BUCKET") for function in functions(plain())]
    after = [function["Environment"]["Variables"].get("MEDIA_BUCKET") for function in functions(changed)]
    assert after == [None if value is None else "mine" for value in before]


def test_an_unknown_variable_is_an_error() -> None:
    with pytest.raises(BadTemplate, match="declares the variable COLOUR"):
        template.set_environment(plain(), {"COLOUR": "red"})


def test_no_queue_starts_more_than_a_few_processes() -> None:
    limited = template.limit_queue_consumers(plain())
    limits = [it["Properties"]["ScalingConfig"]["MaximumConcurrency"] for it in with_scaling(limited)]
    assert limits
    assert max(limits) <= template.QUEUE_CONSUMERS


def with_scaling(of: template.Template) -> list[dict[str, Any]]:
    return [it for it in of["Resources"].values() if "ScalingConfig" in it.get("Properties", {})]


def test_what_the_translator_refuses_is_said_in_its_words() -> None:
    broken = {"Resources": {"F": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "f"}}}}
    with pytest.raises(BadTemplate, match=r"template.yaml: .*\[F\] is invalid"):
        template.translate(broken, parameters={}, code={"F": "s3://code/F.zip"})


def test_invalid_yaml_is_an_error_with_the_files_name(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text("Resources: [")
    with pytest.raises(BadTemplate, match=r"template\.yaml cannot be read"):
        template.load(tmp_path / "template.yaml")


def test_the_template_given_is_never_changed() -> None:
    of = plain()
    routes.expand(template.limit_queue_consumers(template.set_environment(of, {"TABLE_NAME": "mine"})))
    assert of == plain()
