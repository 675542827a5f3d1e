"""Mutants of the inputs of generations: what a request may name, what is checked, and what a provider is sent."""

from typing import Final

from tests.mutants import DOMAIN, STORE, Mutant

CHECKS: Final = f"{DOMAIN}/input_files.py"
TASKS: Final = f"{STORE}/tasks.py"
CREATION: Final = f"{DOMAIN}/task_creation.py"
ADAPTERS: Final = "layers/common/atelier/providers/inputs.py"
UNIT: Final = "tests/unit/test_inputs.py"
API: Final = "tests/integration/test_inputs.py"
PIPELINE: Final = "tests/unit/test_pipeline_inputs.py"
PROVIDERS: Final = "tests/providers/test_inputs.py"

MUTANTS: Final = (
    Mutant(
        "an input may be a URL of the caller",
        CHECKS,
        "class TaskInput(RequestModel):",
        'class TaskInput(RequestModel, extra="allow"):',
        UNIT,
    ),
    Mutant(
        "more files are taken than the model takes",
        CHECKS,
        "if not spec.least <= roles.count(spec.role) <= spec.most:",
        "if not spec.least <= roles.count(spec.role):",
        UNIT,
    ),
    Mutant(
        "a file of any format is taken",
        CHECKS,
        "if file.content_type not in spec.accepted:",
        "if False:",
        UNIT,
    ),
    Mutant(
        "a mask of another size is taken",
        CHECKS,
        "if picture and (mask.width, mask.height) != (picture.width, picture.height):",
        "if False:",
        UNIT,
    ),
    Mutant(
        "an input that is not there is refused by nobody",
        CREATION,
        "*(file for file in files if isinstance(file, FieldError)),",
        "*(),",
        UNIT,
    ),
    Mutant(
        "only the first provider's model must take the inputs",
        CREATION,
        "for error in (*_model_errors(new, choice.model), *_input_errors(found, choice.model))",
        "for error in (*_model_errors(new, choice.model), *_input_errors(found, choices[0].model))",
        UNIT,
    ),
    Mutant(
        "another account's file is an input",
        TASKS,
        "        if source.user_id != account:\n            raise Invalid(",
        "        if False:\n            raise Invalid(",
        "tests/integration/test_sharing.py",
    ),
    Mutant(
        "a guest's task is made of what is no longer shared",
        TASKS,
        "also = task_inputs.seen_by(self._table, task, access) if task.inputs else []",
        "also = []",
        "tests/integration/test_sharing.py",
    ),
    Mutant(
        "a retry begins without an input that is gone",
        CREATION,
        "        _check_inputs_there(files)",
        "        pass",
        UNIT,
    ),
    Mutant(
        "a task still names an input that was deleted",
        TASKS,
        "        if None not in files:\n",
        "        if files:\n",
        API,
    ),
    Mutant(
        "a job is sent without an input that is gone",
        f"{DOMAIN}/pipeline.py",
        "if error := self._unlisted(task) or _gone_input(job_request):",
        "if error := self._unlisted(task):",
        PIPELINE,
    ),
    Mutant(
        "a job waits for an input whose file is gone",
        f"{DOMAIN}/pipeline.py",
        "except (SubmitRefused, InputGone) as refusal:",
        "except SubmitRefused as refusal:",
        PIPELINE,
    ),
    Mutant(
        "a job is lost while the bucket does not answer",
        f"{STORE}/input_files.py",
        "raise Unavailable(str(failure), reached=True) from failure",
        "raise",
        PIPELINE,
    ),
    Mutant(
        "a URL is the same for every task",
        f"{STORE}/s3_urls.py",
        "if task_id else query",
        "if False else query",
        "tests/property/test_s3_urls.py",
    ),
    Mutant(
        "another task's job is taken for a lost one",
        ADAPTERS,
        "return bool(queries) and all(query.get(TASK_IN_URL) == [task_id] for query in queries)",
        "return bool(queries)",
        PROVIDERS,
    ),
    Mutant(
        "a file goes into a field of another model",
        ADAPTERS,
        "        if each.spec.many:\n",
        "        if True:\n",
        PROVIDERS,
    ),
)
