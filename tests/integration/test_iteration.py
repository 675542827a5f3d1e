"""Walks by cursor through lists that change under them."""

import pytest

from testbed.harness import Harness
from tests.integration.builders import a_client, a_task, walk


@pytest.mark.parametrize(
    ("by", "order", "search"),
    [
        ("created_at", "desc", ""),
        ("created_at", "asc", "walk"),
        ("name", "asc", ""),
        ("name", "desc", "walk"),
        ("updated_at", "desc", ""),
    ],
)
def test_iterating_a_changing_list_neither_repeats_nor_skips(w: Harness, by: str, order: str, search: str) -> None:
    there = [a_client(w, f"walk {number:02}") for number in range(8)]
    seen: list[str] = []
    for number, page in enumerate(walk(w, "/clients", page_size=3, sort_by=by, sort_order=order, search=search)):
        seen += [item["id"] for item in page["items"]]
        # What is deleted has been seen, and the last one seen is where the cursor stands.
        w.call("DELETE", f"/clients/{seen[-1]}")
        a_client(w, f"walk {number:02}")
        a_client(w, f"walk a {number}")
        assert number < 20, "The walk follows what is created behind it."
    stayed = [each["id"] for each in there]
    assert [id_ for id_ in seen if id_ in stayed] == (stayed if order == "asc" else stayed[::-1])
    assert len(seen) == len(set(seen))


def test_iterating_changing_tasks_neither_repeats_nor_skips(w: Harness) -> None:
    there = [a_task(w)["id"] for _ in range(7)]
    seen: list[str] = []
    for page in walk(w, "/tasks", page_size=2):
        seen += [item["id"] for item in page["items"]]
        w.call("DELETE", f"/tasks/{seen[-1]}")
        a_task(w)
    assert seen == there[::-1]


@pytest.mark.parametrize("name", ["a" + "\x01" * 253 + "z", '"' * 255, "\\" * 255, "🦊" * 255, "ΐ" * 255])
def test_the_longest_names_have_cursors_that_work(w: Harness, name: str) -> None:
    made = [a_client(w, name)["id"] for _ in range(3)]
    pages = list(walk(w, "/clients", page_size=1, sort_by="name", sort_order="asc"))
    assert [item["id"] for page in pages for item in page["items"]] == made
