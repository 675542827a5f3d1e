"""What callers may send: every limit at its edge, and everything that is not in the contract refused."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from atelier.domain.campaigns import CampaignPatch, CampaignQuery, ClientCampaign, ClientCampaignQuery, NewCampaign
from atelier.domain.clients import ClientPatch, ClientQuery, NewClient
from atelier.domain.errors import Invalid
from atelier.domain.pages import ListQuery
from atelier.domain.tasks.queries import TaskQuery
from atelier.domain.tasks.requests import (
    METADATA_BYTES,
    NOT_OPTIONS,
    PARAMS_BYTES,
    NewAudio,
    NewImage,
    NewTask,
    NewVideo,
)
from tests.support.builders import an_id

CLIENT = {"name": "Acme"}
CAMPAIGN = {"client_id": an_id(1), "name": "Launch", "goal": "Sell"}
TASK = {"prompt": "A barn"}
KIB = 1024

NEW: list[tuple[type[BaseModel], dict[str, Any]]] = [
    (NewClient, CLIENT),
    (ClientPatch, {}),
    (NewCampaign, CAMPAIGN),
    (ClientCampaign, CAMPAIGN),
    (CampaignPatch, {}),
    (NewImage, TASK),
    (NewVideo, TASK),
    (NewAudio, TASK),
    (ClientQuery, {}),
    (CampaignQuery, {}),
    (TaskQuery, {}),
]


def places(shape: type[BaseModel], sent: dict[str, Any]) -> list[str]:
    """Where a shape finds fault with what was sent."""
    try:
        shape.model_validate(sent)
    except ValidationError as error:
        return [".".join(map(str, each["loc"])) for each in error.errors()]
    return []


@pytest.mark.parametrize(("shape", "sent"), NEW)
def test_unknown_fields_are_refused_by_their_names(shape: type[BaseModel], sent: dict[str, Any]) -> None:
    assert places(shape, sent) == []
    assert places(shape, {**sent, "colour": "red", "id": an_id()}) == ["colour", "id"]


@pytest.mark.parametrize(
    ("shape", "others", "field", "least", "most"),
    [
        (NewClient, {}, "name", 1, 255),
        (ClientPatch, {}, "name", 1, 255),
        (NewCampaign, CAMPAIGN, "name", 1, 255),
        (NewCampaign, CAMPAIGN, "goal", 1, 2000),
        (CampaignPatch, {}, "name", 1, 255),
        (CampaignPatch, {}, "goal", 1, 2000),
        (NewImage, {}, "prompt", 1, 5000),
        (NewVideo, {}, "prompt", 1, 5000),
        (NewAudio, {}, "prompt", 1, 5000),
    ],
)
def test_short_texts_are_trimmed_before_they_are_measured(
    shape: type[BaseModel], others: dict[str, Any], field: str, least: int, most: int
) -> None:
    for letter in ("a", "é", "😀"):
        kept = shape.model_validate({**others, field: f" \t\n\u2003{letter * most}\r\n "})
        assert getattr(kept, field) == letter * most
        assert places(shape, {**others, field: letter * (most + 1)}) == [field]
    assert places(shape, {**others, field: "a" * (least - 1)}) == [field]
    assert places(shape, {**others, field: " \n\t\u00a0 "}) == [field]
    for wrong in (None, 5, True, ["a"], {"a": "b"}, "\ud800"):
        assert places(shape, {**others, field: wrong}) == [field]


@pytest.mark.parametrize(
    ("shape", "others", "field"),
    [
        (NewClient, CLIENT, "brand_guidelines"),
        (ClientPatch, {}, "brand_guidelines"),
        (NewCampaign, CAMPAIGN, "brief"),
        (CampaignPatch, {}, "brief"),
    ],
)
def test_long_texts_hold_32_kib_in_utf_8(shape: type[BaseModel], others: dict[str, Any], field: str) -> None:
    for letter in ("a", "é", "語", "😀"):
        fits = letter * (32 * KIB // len(letter.encode()))
        assert places(shape, {**others, field: fits}) == []
        assert places(shape, {**others, field: fits + letter}) == [field]
    assert places(shape, {**others, field: None}) == []
    assert places(shape, {**others, field: "\ud800"}) == [field]
    assert getattr(shape.model_validate({**others, field: " kept "}), field) == " kept "


def test_a_description_has_2000_characters() -> None:
    assert places(NewClient, {**CLIENT, "description": "😀" * 2000}) == []
    assert places(NewClient, {**CLIENT, "description": "a" * 2001}) == ["description"]


@pytest.mark.parametrize(("field", "limit"), [("metadata", METADATA_BYTES), ("params", PARAMS_BYTES)])
def test_free_form_json_is_measured_as_it_is_kept(field: str, limit: int) -> None:
    around = len('{"k":""}')
    assert places(NewImage, {**TASK, field: {"k": "a" * (limit - around)}}) == []
    assert places(NewImage, {**TASK, field: {"k": "a" * (limit - around + 1)}}) == [field]
    assert places(NewImage, {**TASK, field: {"k": "é" * (limit // 2)}}) == [field]
    assert places(NewImage, {**TASK, field: {"k": [1e9] * (limit // 11)}}) == [field], "1e9 is kept as 1000000000.0"
    assert places(NewImage, {**TASK, field: ["not an object"]}) == [field]


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("num_outputs", [1, 4, 2.0], [0, 5, 1.5, True, "2", None]),
        ("seed", [0, 4294967295, None, 7.0], [-1, 4294967296, 0.5, False, "1"]),
        ("apply_brand_guidelines", [True, False], [1, "true", None]),
        ("negative_prompt", ["", "a" * 5000, None], ["a" * 5001, 1]),
        ("provider", ["fal", None], ["a" * 65, 1]),
        ("size", ["64x64", "2048x2048", "1024x768", None], ["63x64", "64x2049", "064x64", "64X64", "64x64\n", "x", 64]),
        ("aspect_ratio", ["1:1", "21:9", None], ["1:2", "", "16/9"]),
    ],
)
def test_options_are_taken_within_their_bounds_only(field: str, good: list[Any], bad: list[Any]) -> None:
    assert [places(NewImage, {**TASK, field: value}) for value in good] == [[]] * len(good)
    assert [places(NewImage, {**TASK, field: value}) for value in bad] == [[field]] * len(bad)


@pytest.mark.parametrize(("shape", "shortest", "longest"), [(NewVideo, 1, 60), (NewAudio, 0.5, 600)])
def test_a_duration_is_within_its_range(shape: type[BaseModel], shortest: float, longest: float) -> None:
    for good in (shortest, longest, 2.5, None):
        assert places(shape, {**TASK, "duration": good}) == []
    for bad in (shortest - 0.01, longest + 0.01, "5", True, float("nan"), float("inf")):
        assert places(shape, {**TASK, "duration": bad}) == ["duration"]


@pytest.mark.parametrize("shape", [NewImage, NewVideo, NewAudio])
def test_every_field_of_a_task_is_classified(shape: type[NewTask]) -> None:
    """As an option, or as known not to be one."""
    assert set(shape.model_fields) > NOT_OPTIONS
    new = shape.model_validate({**TASK, "seed": 7, "params": {"seed": 8, "prompt": "x", "steps": 3}})
    assert new.clashes() == ["prompt", "seed"]
    assert new.options() == {"num_outputs": 1, "seed": 8, "prompt": "x", "steps": 3}


def test_a_patch_tells_sent_from_unsent_fields() -> None:
    assert ClientPatch.model_validate({"description": None}).model_fields_set == {"description"}
    assert ClientPatch.model_validate({}).model_fields_set == set()
    assert places(ClientPatch, {"name": None}) == ["name"]
    assert places(CampaignPatch, {"status": None}) == ["status"]
    assert places(CampaignPatch, {"client_id": an_id(1)}) == ["client_id"]


def test_the_paths_client_may_be_repeated_not_contradicted() -> None:
    sent = {"name": "Launch", "goal": "Sell"}
    assert ClientCampaign.model_validate(sent).under(an_id(1)).client_id == an_id(1)
    assert ClientCampaign.model_validate({**sent, "client_id": an_id(1)}).under(an_id(1)).status == "draft"
    with pytest.raises(Invalid) as refused:
        ClientCampaign.model_validate({**sent, "client_id": an_id(2)}).under(an_id(1))
    assert [fault.pointer for fault in refused.value.field_errors] == ["/client_id"]


def test_a_nested_query_is_a_query_for_campaigns() -> None:
    asked = ClientCampaignQuery.model_validate({"page": "2", "status": "active", "search": "x"}).of(an_id(1))
    assert asked == CampaignQuery.model_validate({"page": 2, "status": "active", "search": "x", "client_id": an_id(1)})
    assert asked.model_fields_set == {"page", "status", "search", "client_id"}


@pytest.mark.parametrize("name", ["page", "page_size"])
def test_numbers_of_a_query_are_whole_and_plain(name: str) -> None:
    assert places(ListQuery, {name: "7"}) == []
    for bad in ("0", "-1", "1.0", "+1", " 1", "1_0", "", "x", "٣", "9" * 30, "1e3"):
        assert places(ListQuery, {name: bad}) == [name]
    assert places(ListQuery, {"page_size": "100"}) == []
    assert places(ListQuery, {"page_size": "101"}) == ["page_size"]


def test_a_page_and_a_cursor_exclude_each_other() -> None:
    with pytest.raises(ValidationError, match="either page or cursor"):
        ListQuery.model_validate({"page": "1", "cursor": "x"})
    assert ListQuery.model_validate({"cursor": "x", "page_size": "2"}).page == 1
