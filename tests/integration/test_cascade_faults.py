"""DynamoDB in bad weather: conflicts, throttling, errors of its own, answers that never come.

What is asked again in the end is there once, and nothing is ever half there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import pytest

from atelier.store.clients import Clients
from tests.integration.builders import Json, a_campaign, a_canceled_task, a_client, problem, shown
from tests.support.faulty import (
    Always,
    FaultyDynamoDB,
    LoseEffect,
    Moment,
    Resent,
    Storm,
    Trouble,
    faulty_world,
    settle_stubbornly,
)
from tests.support.oracle import visible
from tests.support.recount import findings, scan
from tests.support.world import TABLE, Answer, World
