"""Mutants of the pipeline: a task is submitted once, ends once, and leaves nothing behind."""

from typing import Final

from tests.mutants import DOMAIN, STORE, Mutant

PIPELINE: Final = f"{DOMAIN}/pipeline.py"
STEPS: Final = "tests/unit/test_pipeline.py"
ENDINGS: Final = "tests/unit/test_pipeline_endings.py"
FALLBACK: Final = "tests/unit/test_pipeline_fallback.py"
PARAMS: Final = "tests/unit/test_params.py"
TASK_ITEMS: Final = "tests/integration/test_task_items.py"

ACCOUNT_LIMITS: Final = f"{STORE}/account_limits.py"
LIMITS: Final = "tests/integration/test_account_limits.py"

MUTANTS: Final = (
    Mutant(
        "an account has one task more open than its limit",
        ACCOUNT_LIMITS,
        "lte(self.limit - self.more)",
        "lte(self.limit - self.more + 1)",
        LIMITS,
    ),
    Mutant(
        "tasks are limited whether they are open or not",
        ACCOUNT_LIMITS,
        "return {OPEN: -1} if ends else {}",
        "return {}",
        LIMITS,
    ),
    Mutant(
        "a task that has ended gives its place back once more when it is deleted",
        ACCOUNT_LIMITS,
        "ends = not before.over and after.over",
        "ends = after.over",
        LIMITS,
    ),
    Mutant(
        "the limit of an hour is one of all hours",
        f"{STORE}/keys.py",
        'f"HOUR#{now:%Y-%m-%dT%H}"',
        '"HOUR#"',
        LIMITS,
    ),
    Mutant(
        "the account's limits are everybody's",
        f"{STORE}/keys.py",
        'return Key(account_partition(account), f"HOUR#',
        'return Key(account_partition(0), f"HOUR#',
        LIMITS,
    ),
    Mutant(
        "a task moves whatever happened since it was read",
        f"{STORE}/task_items.py",
        'return EXISTS & Attr("version").eq(task.version)',
        "return EXISTS",
        TASK_ITEMS,
    ),
    Mutant(
        "a step and its counters are written one by one",
        f"{STORE}/tasks.py",
        "how, access=access)\n            if change.writes:\n                self._table.transact(*change.writes)",
        "how, access=access)\n            for each in change.writes:\n                self._table.transact(each)",
        "tests/integration/test_cascade_crash_points.py",
    ),
    Mutant(
        "two workers may hold the same task",
        f"{STORE}/task_items.py",
        'return EXISTS & Attr("detail_version").eq(task.detail_version)',
        "return EXISTS",
        TASK_ITEMS,
    ),
    Mutant(
        "a task that was canceled is submitted all the same",
        f"{STORE}/task_items.py",
        'elif "lease_until" in change:',
        "elif False:",
        TASK_ITEMS,
    ),
    Mutant(
        "a task whose job was reported is submitted all the same",
        f"{STORE}/task_items.py",
        'Attr("status").eq(task.status) & same_job',
        'Attr("status").eq(task.status)',
        TASK_ITEMS,
    ),
    Mutant(
        "the next message is sent after the step is recorded",
        PIPELINE,
        "        self._send(task, step=task.step + 1, delay=delay)\n"
        '        seen = {**seen, "next_at": now + timedelta(seconds=delay)}\n'
        "        return self._record_step(task, transition, seen, now=now)",
        "        recorded = self._record_step(task, transition, seen, now=now)\n"
        "        self._send(task, step=task.step + 1, delay=delay)\n"
        "        return recorded",
        "tests/property/test_pipeline.py",
    ),
    Mutant(
        "a submit is repeated without asking whether the first one arrived",
        PIPELINE,
        "job = self._call_provider(task, lambda provider: provider.find(self.job_request(task)), now=now)",
        "job = None",
        STEPS,
    ),
    Mutant(
        "a submit does not wait for the lease of another",
        PIPELINE,
        "        if task.lease_until > now:\n            #",
        "        if task.lease_until > now + LEASE:\n            #",
        STEPS,
    ),
    Mutant(
        "a message that came late is carried out all the same",
        PIPELINE,
        "message.step < task.step",
        "message.step < -1",
        STEPS,
    ),
    Mutant(
        "the next provider is asked although the first may have the job",
        PIPELINE,
        "status_reason=_NOT_CONFIRMED)\n"
        "        except Unavailable as failure:\n"
        "            return self._schedule_poll(task, now=now, after=failure.after, status_reason=str(failure))",
        "status_reason=_NOT_CONFIRMED)\n"
        "        except Unavailable as failure:\n"
        "            return self._postpone(task, str(failure), now=now, after=failure.after)",
        FALLBACK,
    ),
    Mutant(
        "an accepted job is forgotten when its task has changed",
        PIPELINE,
        "                task = current\n            else:\n                return (",
        "                raise\n            else:\n                return (",
        STEPS,
    ),
    Mutant(
        "the job of a task that was deleted is not stopped",
        PIPELINE,
        "elif ended := self._job_end(deleted, now=now):",
        "elif ended := (Outcome.CANCELED, None):",
        ENDINGS,
    ),
    Mutant(
        "a task is taken for stopped while it may be submitted",
        PIPELINE,
        "if task.provider_task_id is None and task.lease_until is not None and task.lease_until > now:",
        "if False:",
        ENDINGS,
    ),
    Mutant(
        "a canceled task keeps its files",
        PIPELINE,
        "        self.media.delete_of_task(task.user_id, task.id)\n        if",
        "        if",
        ENDINGS,
    ),
    Mutant(
        "a callback is believed without its token",
        PIPELINE,
        "if not is_ours or ",
        "if ",
        "tests/unit/test_pipeline_callbacks.py",
    ),
    Mutant(
        "a failure is forgotten when the task has changed",
        PIPELINE,
        "                    return current or task\n                task = current",
        "                    return current or task\n                raise",
        ENDINGS,
    ),
    Mutant(
        "a filter is looser than the deployment allows",
        f"{DOMAIN}/params.py",
        "allowed = param.choices[: self.tolerance]",
        "allowed = param.choices",
        PARAMS,
    ),
    Mutant(
        "the duration that is paid for is left to the provider",
        f"{DOMAIN}/catalog.py",
        '= {"duration": self.seconds.default} if self.seconds else {}',
        "= {}",
        PARAMS,
    ),
    Mutant(
        "a lost job without a seed is taken from whoever has the same input",
        "layers/common/atelier/providers/inputs.py",
        'return "seed" in names and "seed" not in',
        'return "seed" not in',
        "tests/providers/test_models.py",
    ),
    Mutant(
        "an estimate knows nothing of the picture's size",
        f"{DOMAIN}/catalog.py",
        "megapixels=self._megapixels(options, picture),",
        'megapixels=_megapixels(str(options.get("size", "1024x1024"))),',
        "tests/unit/test_catalog.py",
    ),
    Mutant(
        "a flag is known by one name only",
        "layers/common/atelier/providers/fal.py",
        "if _FLAG.fullmatch(name)]",
        'if name == "has_nsfw_concepts"]',
        "tests/providers/test_refusals.py",
    ),
)
