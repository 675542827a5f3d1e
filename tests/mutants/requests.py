"""Mutants of who asks, of idempotency keys, and of the retries below every write."""

from typing import Final

from tests.mutants import DOMAIN, STORE, Mutant

ACCESS: Final = "tests/integration/test_access.py"
IDEMPOTENCY: Final = "tests/integration/test_idempotency.py"
INTERLEAVINGS: Final = "tests/integration/test_cascade_interleavings.py"
CRASHES: Final = "tests/integration/test_cascade_crash_points.py"
TABLE_WRITES: Final = "tests/unit/test_table_writes.py"

MUTANTS: Final = (
    Mutant(
        "an idempotency key is recorded for the account instead of the actor",
        f"{STORE}/idempotency.py",
        "keys.idempotency(access.actor, idempotent.key),\n        put=",
        "keys.idempotency(access.account, idempotent.key),\n        put=",
        ACCESS,
    ),
    Mutant(
        "an idempotency key is looked for in the account instead of at the actor",
        f"{STORE}/idempotency.py",
        "table.get(keys.idempotency(access.actor, idempotent.key))",
        "table.get(keys.idempotency(access.account, idempotent.key))",
        ACCESS,
    ),
    Mutant(
        "a resource belongs to the actor instead of the account",
        f"{STORE}/resources.py",
        '"user_id": access.account,',
        '"user_id": access.actor,',
        ACCESS,
    ),
    Mutant(
        "a task belongs to the actor instead of the account",
        f"{DOMAIN}/task_creation.py",
        "user_id=access.account,",
        "user_id=access.actor,",
        ACCESS,
    ),
    Mutant(
        "a resource is created by the account instead of the actor",
        f"{STORE}/resources.py",
        '"created_by": actor,',
        '"created_by": access.account,',
        ACCESS,
    ),
    Mutant(
        "a task is created by the account instead of the actor",
        f"{DOMAIN}/task_creation.py",
        "created_by=access.actor,",
        "created_by=access.account,",
        ACCESS,
    ),
    Mutant(
        "a change of a resource does not name who made it",
        f"{STORE}/versions.py",
        '"updated_by": actor, ',
        "",
        ACCESS,
    ),
    Mutant(
        "a change of a task does not name who made it",
        f"{STORE}/tasks.py",
        'changed.model_copy(update={"updated_by": access.actor})',
        "changed",
        ACCESS,
    ),
    Mutant(
        "resources of the actor's own account are listed",
        f"{STORE}/resources.py",
        "self.kind, query, access, parent_id=parent_id)",
        "self.kind, query, Access.own(access.actor), parent_id=parent_id)",
        ACCESS,
    ),
    Mutant(
        "tasks of the actor's own account are listed",
        f"{STORE}/tasks.py",
        "list_tasks(self._table, query, access)",
        "list_tasks(self._table, query, Access.own(access.actor))",
        ACCESS,
    ),
    Mutant(
        "a task is its actor's instead of its account's",
        f"{STORE}/tasks.py",
        "task.user_id == access.account",
        "task.user_id == access.actor",
        ACCESS,
    ),
    Mutant(
        "an idempotency key does not stop a second create",
        f"{STORE}/idempotency.py",
        "condition=never_used | expired,",
        "condition=None,",
        INTERLEAVINGS,
    ),
    Mutant(
        "an idempotency key is never free again",
        f"{STORE}/idempotency.py",
        "condition=never_used | expired,",
        "condition=never_used,",
        IDEMPOTENCY,
    ),
    Mutant(
        "an expired idempotency key of a task is replayed",
        f"{STORE}/idempotency.py",
        'if item is None or item["expires_at"] <= int(now.timestamp()):',
        "if item is None:",
        IDEMPOTENCY,
    ),
    Mutant(
        "an idempotency key answers any request",
        f"{STORE}/idempotency.py",
        'if item["digest"] != idempotent.digest:',
        "if False:",
        IDEMPOTENCY,
    ),
    Mutant(
        "an idempotency record is there before its resource",
        f"{STORE}/idempotency.py",
        "        table.transact(_record_of(id_, access=access, idempotent=idempotent, now=now), *writes)",
        "        table.transact(_record_of(id_, access=access, idempotent=idempotent, now=now))\n"
        "        table.transact(*writes)",
        CRASHES,
    ),
    Mutant(
        "a replay answers with what it would have created",
        f"{STORE}/idempotency.py",
        "return CreateResult(load(_created_id(earlier.item, idempotent)), replayed=True)",
        "return CreateResult(record, replayed=True)",
        IDEMPOTENCY,
    ),
    Mutant(
        "a replay answers with a resource whose parent is gone",
        f"{STORE}/resources.py",
        "return lambda created: self.get(created, access=access.before_grants())",
        "return lambda created: from_item(\n"
        "            self._model, self._table.get(keys.resource(access.account, self.kind, created)) or {}\n"
        "        )",
        IDEMPOTENCY,
    ),
    Mutant(
        "a replay answers with the links that a task is stored with",
        f"{STORE}/tasks.py",
        "return lambda task_id: self.get(task_id, access=access)",
        "return lambda task_id: self.kept(task_id, access=access)",
        IDEMPOTENCY,
    ),
    Mutant(
        "conflicts are not retried",
        f"{STORE}/table.py",
        '    "TransactionConflict",\n',
        "",
        TABLE_WRITES,
    ),
    Mutant(
        "what was overtaken is not read again",
        f"{STORE}/table.py",
        "            except ConcurrentUpdate:\n                self._on_retry()",
        "            except ConcurrentUpdate:\n                break",
        INTERLEAVINGS,
    ),
    Mutant(
        "every attempt has a client token of its own",
        f"{STORE}/table.py",
        "ClientRequestToken=token)",
        "ClientRequestToken=str(uuid.uuid4()))",
        TABLE_WRITES,
    ),
    Mutant(
        "a reader takes the long text of another version",
        f"{STORE}/long_texts.py",
        'if text.get("version") != item["text_version"]:',
        "if not text:",
        "tests/integration/test_long_texts.py",
    ),
    Mutant(
        "a long text changes without its resource",
        f"{STORE}/resources.py",
        "                self._table.transact(*change.writes)",
        "                [self._table.transact(each) for each in change.writes]",
        "tests/integration/test_long_texts.py",
    ),
)
