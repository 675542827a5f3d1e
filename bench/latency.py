"""How long DynamoDB takes, as the simulations assume: AWS publishes no such numbers, only "single-digit milliseconds"
for single items. For a transaction, 10 to 25 ms are what its users report.
"""

import math
import random
from collections.abc import Mapping
from typing import Final, NamedTuple


class Latency(NamedTuple):
    """Milliseconds that 5 % are below, and 95 %: a log-normal distribution."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """Seconds that half of them are below."""
        return math.sqrt(self.low * self.high) / 1000

    def draw(self, chance: random.Random) -> float:
        """Some seconds."""
        spread = math.log(self.high / self.low) / 2 / 1.645
        return self.middle * math.exp(chance.gauss(0, spread))


LATENCY: Final[Mapping[str, Latency]] = {
    "TransactWriteItems": Latency(10, 25),
    "refused": Latency(4, 10),
    "GetItem": Latency(2, 6),
    "BatchGetItem": Latency(3, 9),
    "Query": Latency(3, 9),
    "PutItem": Latency(4, 10),
    "UpdateItem": Latency(4, 10),
    "DeleteItem": Latency(4, 10),
    "BatchWriteItem": Latency(5, 15),
}
