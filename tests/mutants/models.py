"""Mutants of models by configuration: nothing is charged, offered or changed that no operator has said."""

from typing import Final

from tests.mutants import DOMAIN, STORE, Mutant

DERIVED: Final = "layers/common/atelier/providers/derived.py"
CHECKS: Final = "layers/common/atelier/providers/model_checks.py"
LINES: Final = f"{STORE}/model_lines.py"
UNIT: Final = "tests/unit/test_derived_models.py"
WHOLE: Final = "tests/integration/test_model_lines.py"

MUTANTS: Final = (
    Mutant(
        "the job of an added model goes by the built-in models",
        f"{DOMAIN}/pipeline.py",
        "if task.model_line is not None:",
        "if False:",
        WHOLE,
    ),
    Mutant(
        "a provider that is tried next has the model of the one before",
        f"{DOMAIN}/tasks/life_cycle.py",
        "        model_line=following.model_line,\n",
        "",
        WHOLE,
    ),
    Mutant(
        "a word that changes the price is offered without a factor",
        DERIVED,
        "param.name not in _COSTLY",
        "True",
        UNIT,
    ),
    Mutant(
        "a word with factors takes the values that have none",
        DERIVED,
        "else priced",
        "else ()",
        UNIT,
    ),
    Mutant(
        "a model of another medium is taken",
        DERIVED,
        "        _check_output(line, snapshot.output)\n",
        "",
        UNIT,
    ),
    Mutant(
        "a required field that no request has is left out",
        DERIVED,
        "        self._check_nothing_is_missing({param.name for param in params})\n",
        "",
        UNIT,
    ),
    Mutant(
        "addresses and prompts beside the prompt are offered",
        DERIVED,
        "if wanted is None and (_NEVER.search(field_.name) or field_.name in _OPTIONS):",
        "if False:",
        UNIT,
    ),
    Mutant(
        "what loosens safety is a parameter like any other",
        DERIVED,
        "if safe := _safety(field_):",
        "if safe := None:",
        UNIT,
    ),
    Mutant(
        "another schema of the provider is not reported",
        CHECKS,
        "if schema[0] != record.schema_hash:",
        "if False:",
        WHOLE,
    ),
    Mutant(
        "another price of the provider is not reported",
        CHECKS,
        "if snapshot.listed_price != line.accepted_price:",
        "if False:",
        WHOLE,
    ),
    Mutant(
        "a model that its provider has deprecated is not reported",
        CHECKS,
        "if snapshot.deprecated and record.lifecycle is Lifecycle.ACTIVE:",
        "if False:",
        WHOLE,
    ),
    Mutant(
        "a line takes the name of another model",
        f"{DOMAIN}/model_lines.py",
        "        if name in taken\n",
        "        if False\n",
        WHOLE,
    ),
    Mutant(
        "every request reads the lines of the catalog",
        LINES,
        "if self._models is None or not timedelta(0) <= now - self._models[0] < BELIEVED:",
        "if True:",
        WHOLE,
    ),
    Mutant(
        "a built-in name asks for the lines of the catalog",
        f"{DOMAIN}/catalog.py",
        "return self.models if built_in else self.all()",
        "return self.all()",
        WHOLE,
    ),
    Mutant(
        "a model that was added has no cap of the deployment",
        LINES,
        "[self._adjusted(each.model) for each in lines if each.model is not None]",
        "[each.model for each in lines if each.model is not None]",
        WHOLE,
    ),
    Mutant(
        "a job makes more files than were asked for",
        DERIVED,
        "if wanted is None and _counts(field_):",
        "if False:",
        UNIT,
    ),
    Mutant(
        "a line that cannot be checked stops all others",
        CHECKS,
        "except Exception:",
        "except KeyError:",
        WHOLE,
    ),
    Mutant(
        "a number written otherwise has no factor",
        f"{DOMAIN}/params.py",
        "return str(Decimal(text).normalize())",
        "return text",
        "tests/unit/test_params.py",
    ),
)
