"""Who is compared: Atelier as it is built, its peers with their packages, and what each of them has stored.

A subject runs in processes of its own, in the Python that Lambda runs, from its own folders alone: peers/subject.py is
the other end. Peers get what Atelier gets: bytecode that was made beforehand, and a DynamoDB that answers with items
which they wrote themselves. Their packages are whole, as they would be deployed.
"""

import json
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from tempfile import TemporaryDirectory
from typing import IO, Any, Final, cast

from atelier.store import keys
from bench import installed
from bench.canned import CATALOGUE, Table, served
from local import tools
from local.errors import LocalError

CLIENTS: Final = "/api/v3/clients"
PAGE: Final = 50

ENVIRONMENT: Final = {
    "HOME": "/nonexistent",
    "LANG": "C.UTF-8",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_SESSION_TOKEN": "none" * 200,  # Lambda's is long, and is signed, too
    "AWS_LAMBDA_FUNCTION_NAME": "clients",
    "TABLE_NAME": "bench",
    "AUTH_MODE": "placeholder",
    "POWERTOOLS_SERVICE_NAME": "bench",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "POWERTOOLS_TRACE_DISABLED": "true",
}

Ask = Callable[[str], dict[str, Any]]
"""Says a line to a process; its answer."""
Requests = Mapping[str, Sequence[str | None]]
"""Method, path, query string and body, by name."""


@dataclass(frozen=True)
class Subject:
    """One measured subject: its protocol, where it is loaded from, and its requests."""

    title: str
    kind: str
    folders: Sequence[str]
    environment: dict[str, str]
    requests: Requests = field(default_factory=dict)

    def command(self, mode: str) -> list[str]:
        """The command line of its process, which sees nothing of this machine but the folders."""
        python = [tools.python313(), "-I", "-S", "-B", str(installed.PEERS / "subject.py")]
        own = [str(installed.PEERS)] if mode == "warm" else []
        return [*python, self.kind, mode, *self.folders, *own]

    def run(self, mode: str) -> list[dict[str, Any]]:
        """All that it says, in a process that ends by itself."""
        ran = subprocess.run(  # noqa: S603
            self.command(mode),
            env=self.environment,
            input=json.dumps(self.requests),
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise LocalError(f"{self.title} fails:\n{ran.stderr}")
        return [json.loads(line) for line in ran.stdout.splitlines()]

    @contextmanager
    def running(self) -> Iterator[Ask]:
        """A process that stays up and answers requests."""
        process = subprocess.Popen(  # noqa: S603
            self.command("warm"), env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        with process:
            told, said = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
            print(json.dumps(self.requests), file=told, flush=True)

            def ask(line: str) -> dict[str, Any]:
                print(line, file=told, flush=True)
                answer: dict[str, Any] = json.loads(said.readline() or "{}")
                if not answer:
                    raise LocalError(f"{self.title} has ended")
                return answer

            yield ask

    def filled(self, count: int) -> "Subject":
        """Itself, with that many clients of its own making; it is asked for the newest."""
        creates = {str(number): ["POST", CLIENTS, "", _client(number)] for number in range(count)}
        answers = replace(self, requests=creates).run("prepare")
        newest = json.loads(answers[-1]["body"])["id"]
        requests: Requests = {
            "get": ["GET", f"{CLIENTS}/{newest}", "", None],
            "list": ["GET", CLIENTS, f"page=1&page_size={PAGE}", None],
            "create": ["POST", CLIENTS, "", _client(count)],
        }
        return replace(self, requests=requests)

    def under(self, title: str = "", **environment: str) -> "Subject":
        """Itself, with more in its environment."""
        return replace(self, title=title or self.title, environment=self.environment | environment)

    def reading(self, title: str) -> "Subject":
        """Itself, asked to create nothing."""
        return replace(self, title=title, requests={name: self.requests[name] for name in ("get", "list")})

    def restore(self) -> None:
        """Take back what was created since it was filled, where there is a database that it went into."""
        if database := self.environment.get("DATABASE"):
            with closing(sqlite3.connect(database)) as connection, connection:
                connection.execute("DELETE FROM clients WHERE rowid > ?", [CATALOGUE])


def _client(number: int) -> str:
    about = f"Client number {number} of an agency: outdoor clothing, three shops, most of the sales online since 2021."
    tone = "Warm and plain, no superlatives. Earth colours, one photograph to a page, people seen from behind. "
    return json.dumps({"name": f"Acme Outdoor {number:07}", "description": about, "brand_guidelines": tone * 6})


@dataclass(frozen=True)
class Cast:
    """Everybody who is measured."""

    runtime: Subject
    floor: Subject
    atelier: Subject
    plain: Subject
    typical: Subject
    uncompiled: Subject
    fastapi: Subject
    fastapi_in_loop: Subject
    mangum: Subject
    mangum_in_loop: Subject


@contextmanager
def assembled(*, from_source: bool = False) -> Iterator[Cast]:
    """All subjects, ready for requests; `from_source` builds Atelier's layers without SAM."""
    folders, settings = installed.from_source() if from_source else installed.by_sam()
    handler, bare = installed.function("typical"), installed.packages("typical", compiled=False)
    agency = [installed.function("agency"), installed.packages("agency")]
    threads, loop = ([installed.function(f"agency/{routes}"), *agency] for routes in ("threads", "loop"))
    atelier = Subject("Atelier", "handler", folders, ENVIRONMENT | settings)
    typical = Subject("powertools, boto3's resource", "handler", [handler, installed.packages("typical")], ENVIRONMENT)
    fastapi = Subject("FastAPI, SQLAlchemy, SQLite", "asgi", threads, ENVIRONMENT)
    with _with_items(atelier) as atelier, _with_items(typical) as typical, _with_a_database(fastapi) as fastapi:
        mangum = replace(fastapi, title=f"{fastapi.title}, Mangum", kind="handler")
        yield Cast(
            runtime=Subject("Lambda's runtime alone", "runtime", [installed.runtime()], ENVIRONMENT),
            floor=replace(
                atelier.reading("DynamoDB alone").under(**_keys()), kind="floor", folders=[installed.function("floor")]
            ),
            atelier=atelier,
            plain=atelier.under("Atelier, `DYNAMODB_CLIENT=botocore`", DYNAMODB_CLIENT="botocore"),
            typical=typical,
            uncompiled=replace(typical, title=f"{typical.title}, no bytecode", folders=[handler, bare]),
            fastapi=fastapi,
            fastapi_in_loop=replace(fastapi, title=f"{fastapi.title}, `async`", folders=loop),
            mangum=mangum,
            mangum_in_loop=replace(mangum, title=f"{mangum.title}, `async`", folders=loop),
        )


def _keys() -> dict[str, str]:
    """Where Atelier has the first account's clients and their total."""
    summary = keys.summary(1)
    return {
        "ACCOUNT_PARTITION": summary.pk,
        "SUMMARY_SORT_KEY": summary.sk,
        "CLIENT_PREFIX": f"{keys.prefix('client')}#",
    }


@contextmanager
def _with_items(subject: Subject) -> Iterator[Subject]:
    """The subject, with a table that has what it wrote itself."""
    table = Table()
    with served(table) as url:
        filled = subject.under(AWS_ENDPOINT_URL_DYNAMODB=url).filled(PAGE)
        table.frozen = True
        yield filled


@contextmanager
def _with_a_database(subject: Subject) -> Iterator[Subject]:
    """The subject, with a file that has everything."""
    with TemporaryDirectory() as folder:
        yield subject.under(DATABASE=f"{folder}/clients.db").filled(CATALOGUE)
