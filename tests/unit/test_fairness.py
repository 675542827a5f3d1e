"""One account floods; what another one waits at most doubles. docs/fairness.md says what the simulation does."""

import statistics

import pytest

from bench.fairness import DOCUMENT, tables, tasks, webhooks


@pytest.mark.parametrize("workers", [2, 20])
def test_a_flood_of_tasks_at_most_doubles_latency(workers: int) -> None:
    alone = statistics.median(tasks(workers=workers, is_fair=True, flood=0))
    assert max(tasks(workers=workers, is_fair=True, flood=400)) <= 2 * alone


@pytest.mark.parametrize("workers", [2, 20])
def test_receivers_that_hang_at_most_double_latency(workers: int) -> None:
    def took(flood: int) -> list[float]:
        return webhooks(workers=workers, is_fair=True, flood=flood, answer=5.0, share=workers // 2)

    assert max(took(120)) <= 2 * statistics.median(took(0))


def test_the_document_has_the_simulations_tables() -> None:
    assert tables() in DOCUMENT.read_text(), "bench/fairness.py rewrites it"
