"""Every command that a document tells somebody to type is one that its program takes.

`make sam-local` asks the parsers of SAM and of AWS's command line as well (tests/sam/test_documented_commands.py).
"""

import re
from typing import Final

import pytest

from testbed.template import PROJECT
from tests.support import aws_cli, documented
from tests.support.deployments import source
from tests.support.documented import Command

MAKEFILE: Final = (PROJECT / "Makefile").read_text()
TARGETS: Final = set(re.findall(r"^([a-z0-9-]+):", MAKEFILE, re.MULTILINE))
VARIABLES: Final = set(re.findall(r"\$\(?\(?([A-Z][A-Z]+)\b", MAKEFILE))


def ids(commands: list[Command]) -> list[str]:
    return [" ".join(it.words)[:60] for it in commands]


@pytest.mark.parametrize("command", documented.of("aws"), ids=ids(documented.of("aws")))
def test_aws_takes_it(command: Command) -> None:
    assert aws_cli.problems(command.words) == [], command.document


@pytest.mark.parametrize("command", documented.of("make"), ids=ids(documented.of("make")))
def test_make_has_the_target_and_its_variables(command: Command) -> None:
    variables = {word.partition("=")[0] for word in command.words if "=" in word}
    targets = {word for word in command.words if "=" not in word}
    assert targets <= TARGETS, command.document
    assert variables <= VARIABLES, command.document


def test_parameters_in_commands_are_parameters_of_the_template() -> None:
    given = [word for it in documented.of("sam") + documented.of("make") for word in it.words if "=" in word]
    named = {name for words in given for name in re.findall(r"(?:^|[ =\"'])([A-Z][a-z]\w+)=", words)}
    assert named
    assert named <= set(source()["Parameters"])


def test_the_runbook_has_its_commands_run_by_a_shell() -> None:
    of_runbook = [it for it in documented.commands() if it.document == "docs/runbook.md"]
    assert len(of_runbook) > 40
    assert any(it.words[:3] == ("aws", "lambda", "update-event-source-mapping") for it in of_runbook)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("sqs send-mesage --queue-url 1", "no operation"),
        ("sqz send-message", "no service"),
        ("sqs send-message --queue-url 1", "--message-body is missing"),
        ("sqs send-message --queue-url 1 --message-body x --delay 3", "no option --delay"),
        ("lambda put-function-recursion-config --function-name f --recursive-loop Yes", "none of"),
        ("lambda update-event-source-mapping --uuid 2 --maximum-retry-attempts 10001", "at most 10000"),
        ("lambda update-event-source-mapping --uuid 2 --maximum-retry-attempts soon", "not a number"),
        ("dynamodb update-table --table-name tab --warm-throughput Writes=4000", "is none of"),
        ("logs tail group --sinc 1h", "no option --sinc"),
        ("dynamodb delete-table --table-name", "has no value"),
    ],
)
def test_a_command_that_is_wrong_is_noticed(words: str, said: str) -> None:
    assert said in " ".join(aws_cli.problems(words.split()))


def test_quotes_and_substitutions_are_a_shells() -> None:
    script = """key() { echo "two words"; }\naws s3 cp "$(key)" 'it'"'"'s'\nfor each in 1 2; do sam $each; done"""
    assert documented.run(script) == [("aws", "s3", "cp", "two words", "it's"), ("sam", "1"), ("sam", "2")]
