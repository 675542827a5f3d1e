"""Tasks in lists are written once, and again when something of them has changed."""

from dataclasses import dataclass
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from atelier.domain.tasks.record import Output, Task, TaskSummary
from atelier.store.items import part_to_item
from atelier.store.wire import Item
from atelier.web.tasks import TaskTexts, with_urls
from tests.support.builders import MADE, a_task, an_id


@dataclass
class Urls:
    """URLs that are the same within a window."""

    window: int = 0
    asked: int = 0

    def url(self, key: str) -> str:
        """The URL of the file in this window."""
        self.asked += 1
        return f"https://files.example/{key}?{self.window}"


OUTPUT: Final = Output(content_type="image/png", bytes=1, key="a/0.png", thumbnail_key="a/0.webp", provenance=MADE)
MANY: Final = 300
TASKS: Final = (
    a_task(outputs=[OUTPUT, OUTPUT], metadata={"a": [1, {"b": None}]}),
    a_task(outputs=[OUTPUT, OUTPUT.model_copy(update={"flagged": True})], metadata={"a": [1, {"b": None}]}),
    a_task(outputs=[OUTPUT, OUTPUT], rating=5),
    a_task(client_id=an_id(1)),
    a_task(id=an_id(4), outputs=[OUTPUT]),
    a_task(id=an_id(4), prompt='"\u2028', tags=["a"]),
)


def item_of(task: Task) -> Item:
    return part_to_item(task, TaskSummary)


@given(st.lists(st.tuples(st.sampled_from(TASKS), st.integers(0, 2)), max_size=20))
def test_a_text_is_always_that_of_the_task(seen: list[tuple[Task, int]]) -> None:
    urls = Urls()
    texts = TaskTexts(urls)
    for task, urls.window in seen:
        shown = TaskSummary.model_validate({**dict(task), "outputs": [{**dict(each)} for each in task.outputs]})
        assert texts([item_of(task)]) == [with_urls(shown, urls).model_dump_json()]


def test_unchanged_tasks_cost_one_url() -> None:
    urls = Urls()
    texts, items = TaskTexts(urls), [item_of(TASKS[0]), item_of(TASKS[4])]
    first, asked = texts(items), urls.asked
    assert all(again is before for again, before in zip(texts(list(map(dict, items))), first, strict=True))
    assert urls.asked == asked + 1


def test_tasks_without_files_cost_no_url() -> None:
    urls = Urls()
    TaskTexts(urls)([item_of(TASKS[3])])
    assert urls.asked == 0


def test_texts_that_nobody_asks_for_are_forgotten() -> None:
    texts = TaskTexts(Urls())
    kept, forgotten = item_of(a_task(id=an_id(1))), item_of(a_task(id=an_id(2)))
    first, second = texts([kept, forgotten])
    for number in range(3, MANY):
        assert texts([item_of(a_task(id=an_id(number))), kept])[1] is first
    assert texts([forgotten])[0] is not second


def test_texts_stand_where_their_tasks_do() -> None:
    texts = TaskTexts(Urls())
    items = [item_of(a_task(id=an_id(number))) for number in range(6)]
    texts(items[1::2])
    assert [an_id(number) in text for number, text in enumerate(texts(items))] == [True] * 6
