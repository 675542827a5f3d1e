"""What three budgets add to a generation: the same request with them and without, one after the other.

    PYTHONPATH=layers/common:layers/sandbox:. .venv/bin/python bench/budgets.py

Prints a row for docs/spend.md. Processor time is the handler's, without the emulator's share (bench/metered.py); round
trips and units are counted.
"""

import statistics
from collections import defaultdict
from decimal import Decimal
from typing import Any, Final
from unittest import mock

from atelier.domain.catalog import Catalog
from bench.metered import metered_harness
from testbed.harness import Harness

ROUNDS: Final = 150
WARM: Final = 20
ACCOUNTS: Final = {"none": 1, "three": 2}


def campaign(w: Harness, account: int, *, budgets: bool) -> str:
    """A campaign of an account, with three budgets or none."""
    with mock.patch("atelier.caller.PLACEHOLDER_USER", account):
        client = w.call("POST", "/clients", {"name": "Acme"}).json["id"]
        new = {"client_id": client, "name": "Launch", "goal": "Sell"}
        made: str = w.call("POST", "/campaigns", new).json["id"]
        for path in ("/account", f"/clients/{client}", f"/campaigns/{made}") if budgets else ():
            w.call("PUT", f"{path}/budget", {"limit": 1000})
    return made


def measure() -> dict[str, dict[str, float]]:
    """The medians of what a request takes, by whether there are budgets."""
    took: defaultdict[str, list[Any]] = defaultdict(list)
    with mock.patch.object(Catalog, "estimate", return_value=Decimal("0.04")), metered_harness() as (w, meter):
        campaigns = {name: campaign(w, number, budgets=name == "three") for name, number in ACCOUNTS.items()}
        for turn in range(WARM + ROUNDS):
            for name, number in ACCOUNTS.items():
                meter.take()
                with mock.patch("atelier.caller.PLACEHOLDER_USER", number):
                    body = {"prompt": "A boat", "campaign_id": campaigns[name]}
                    w.call("POST", "/generate/image", body)
                if turn >= WARM:
                    took[name].append(meter.take())
    kinds = ("processor ms", "round trips", "read units", "write units")
    return {
        name: {kind: statistics.median(each[kind] for each in all_) for kind in kinds} for name, all_ in took.items()
    }


def main() -> None:
    """Measure and print."""
    found = measure()
    print("| POST /generate/image, for a campaign | CPU ms | round trips | read units | write units |")
    print("| --- | --- | --- | --- | --- |")
    for name, each in found.items():
        numbers = " | ".join(f"{each[kind]:.2f}" if kind == "processor ms" else f"{each[kind]:g}" for kind in each)
        print(f"| {name} budgets | {numbers} |".replace("none budgets", "no budget").replace("three", "with three"))
    print(f"CPU with three budgets / without: {found['three']['processor ms'] / found['none']['processor ms']:.2f}")


if __name__ == "__main__":
    main()
