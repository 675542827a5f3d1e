"""Mutants of models by configuration: nothing is charged, offered or changed that no operator has said."""

from typing import Final

from tests.mutants import DOMAIN, STORE, Mutant

DERIVED: Final = "layers/common/atelier/providers/derived.py"
PARAMS: Final = "layers/common/atelier/providers/derived_params.py"
CHECKS: Final = "layers/common/atelier/providers/model_checks.py"
LINES: Final = f"{STORE}/model_lines.py"
LIKE: Final = "layers/common/atelier/providers/like.py"
POLLY: Final = "layers/common/atelier/providers/polly.py"
BUILT_IN: Final = "layers/common/atelier/providers/built_in_checks.py"
UNIT: Final = "tests/unit/test_derived_models.py"
LIKE_UNIT: Final = "tests/unit/test_like_models.py"
POLLY_UNIT: Final = "tests/providers/test_polly.py"
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
        PARAMS,
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
        "if safe := safety(field_):",
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
        "a line is like a model of another maker",
        LIKE,
        "if line.provider == BEDROCK and maker_of(line.model) != maker_of(found.id):",
        "if False:",
        LIKE_UNIT,
    ),
    Mutant(
        "a line is like a retired model",
        LIKE,
        "usable = [each for each in same if each.lifecycle is not Lifecycle.RETIRED]",
        "usable = same",
        LIKE_UNIT,
    ),
    Mutant(
        "a line is charged by the factors of the model that it is like",
        LIKE,
        "bare = replace(param, price_factors={})",
        "bare = param",
        LIKE_UNIT,
    ),
    Mutant(
        "what multiplies the price of a model is free for one that is like it",
        LIKE,
        "return fixed(bare, bare.default) if param.price_factors and line.price is not None else bare",
        "return bare",
        LIKE_UNIT,
    ),
    Mutant(
        "an option that a line is without is sent",
        LIKE,
        "takes=like.takes - {name}",
        "takes=like.takes",
        LIKE_UNIT,
    ),
    Mutant(
        "a file that a line is without is sent",
        LIKE,
        "spec for spec in like.inputs if spec.role != name",
        "spec for spec in like.inputs",
        LIKE_UNIT,
    ),
    Mutant(
        "a seed is sent to an added model of Bedrock that takes none",
        "layers/common/atelier/providers/bedrock_images.py",
        "if option in job_request.added.takes",
        "",
        WHOLE,
    ),
    Mutant(
        "a voice of Polly is spoken by the engine that its model is named after",
        POLLY,
        "engine = str(passed.get(ENGINE, engine_of(job_request.model)))",
        "engine = engine_of(job_request.model)",
        POLLY_UNIT,
    ),
    Mutant(
        "a caller names Polly's engine",
        POLLY,
        "known = _PASSED_THROUGH | {ENGINE} if job_request.added else _PASSED_THROUGH",
        "known = _PASSED_THROUGH | {ENGINE}",
        POLLY_UNIT,
    ),
    Mutant(
        "an added model of Polly is charged what the provider did not count",
        POLLY,
        "job_request.added or _BY_ID.get(job_request.model)",
        "_BY_ID.get(job_request.model)",
        POLLY_UNIT,
    ),
    Mutant(
        "a line that is like a built-in model waits for a schema",
        LINES,
        "status = LineStatus.PENDING if new.like is None else LineStatus.ACTIVE",
        "status = LineStatus.PENDING",
        WHOLE,
    ),
    Mutant(
        "another schema of a built-in model is not reported",
        BUILT_IN,
        "if schema[0] != known.schema_hash and (changed := self._changed(name, models, known, snapshot)):",
        'if changed := "":',
        WHOLE,
    ),
    Mutant(
        "a parameter that no schema has is offered and not reported",
        BUILT_IN,
        "for word in sorted(words - snapshot.fields)",
        "for word in ()",
        WHOLE,
    ),
    Mutant(
        "another price of a built-in model is not reported",
        BUILT_IN,
        "if known.schema_hash and snapshot.listed_price != known.listed_price:",
        "if False:",
        WHOLE,
    ),
    Mutant(
        "a built-in model that its provider has deprecated is not reported",
        BUILT_IN,
        "if snapshot.deprecated and not known.deprecated and model.lifecycle is Lifecycle.ACTIVE:",
        "if False:",
        WHOLE,
    ),
    Mutant(
        "a built-in model that is gone is reported every day",
        BUILT_IN,
        "{} if known.gone else {ReportKind.GONE: str(unfit)}",
        "{ReportKind.GONE: str(unfit)}",
        WHOLE,
    ),
    Mutant(
        "a report of a built-in model is lost when its run breaks off",
        BUILT_IN,
        "            yield Looked(provider, id_, reports)\n",
        "            self._watched.save(name, seen, schema)\n            yield Looked(provider, id_, reports)\n",
        WHOLE,
    ),
    Mutant(
        "a provider that does not answer is asked for each of its models",
        BUILT_IN,
        "unheard.add(provider)",
        "pass",
        WHOLE,
    ),
    Mutant(
        "a model of which a provider says nothing holds up all others",
        BUILT_IN,
        "                self._watched.save(name, known, None)  # the next run begins with another one\n",
        "",
        WHOLE,
    ),
    Mutant(
        "a run asks for every built-in model",
        BUILT_IN,
        "if looked_at == MOST:",
        "if False:",
        WHOLE,
    ),
    Mutant(
        "every run asks for a built-in model again",
        f"{STORE}/watched_models.py",
        "if seen_at <= before and remaining() > RESERVE:",
        "if remaining() > RESERVE:",
        WHOLE,
    ),
    Mutant(
        "a model that is named with its provider is that of another one",
        f"{DOMAIN}/catalog.py",
        "return (provider, rest) if colon and provider in self.providers else (None, name)",
        "return (None, rest) if colon and provider in self.providers else (None, name)",
        "tests/unit/test_catalog.py",
    ),
    Mutant(
        "an image is enlarged by what its provider takes for usual",
        f"{DOMAIN}/catalog.py",
        'usual["upscale_factor"] = USUAL_FACTOR',
        "pass",
        "tests/unit/test_catalog.py",
    ),
    Mutant(
        "a factor is sent in another form than the schema's",
        DERIVED,
        "        if found.choices:\n            form =",
        "        if False:\n            form =",
        UNIT,
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
