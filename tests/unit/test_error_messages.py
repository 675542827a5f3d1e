"""Every message about bad input is a sentence for the caller, whatever rule it comes from."""

import ast
import re
from collections.abc import Iterator
from typing import Annotated, Any, get_args

import pytest
from pydantic import BaseModel, Field, ValidationError
from pydantic_core.core_schema import ErrorType

from atelier.domain.activity_list import ActivityQuery
from atelier.domain.assets import AssetPatch, AssetQuery, CopiedAsset, NewAsset, OutputAsset
from atelier.domain.batches import GenerationBatch, ResourceBatch, ResourceItem, TaskBatch, TaskItem
from atelier.domain.budgets import NewBudget
from atelier.domain.campaigns import CampaignPatch, CampaignQuery, ClientCampaign, ClientCampaignQuery, NewCampaign
from atelier.domain.clients import ClientPatch, ClientQuery, NewClient
from atelier.domain.exports import ExportQuery, NewExport
from atelier.domain.imports import FailureQuery, ImportQuery, NewImport
from atelier.domain.input_files import NewTaskInput
from atelier.domain.matrix import Matrix
from atelier.domain.model_lines import LineParam, LinePrice, ModelPatch, NewModel, ParamPatch, PricePatch
from atelier.domain.provider_info import ModelQuery
from atelier.domain.schema import RequestModel
from atelier.domain.shares import (
    AcceptedInvitation,
    AccountShareQuery,
    InvitationFields,
    NewInvitation,
    NewShare,
    ShareQuery,
)
from atelier.domain.tasks.queries import TaskQuery
from atelier.domain.tasks.requests import (
    CorrectedCost,
    NewAudio,
    NewBackgroundRemoval,
    NewEdit,
    NewImage,
    NewUpscale,
    NewVideo,
    TaskPatch,
    TaskRetry,
)
from atelier.domain.usage_report import UsageQuery
from atelier.web.error_messages import SENTENCES, SPECIAL, sentence
from tests.contract.sources import LAYER

JARGON = re.compile(
    r"[\\^$]|\bInput\b|\bshould\b|validation|\bError\b|\bpattern\b|\bextra\b|codec|utf-8-sig|\bdict|\bstr\b|\bint\b"
    r"|instance|parsing|unable|literal|NoneType|<|>"
)
MODELS: list[type[BaseModel]] = [
    *(NewClient, ClientPatch, NewCampaign, ClientCampaign, CampaignPatch, NewImage, NewVideo, NewAudio, CorrectedCost),
    *(NewBudget, NewShare, NewInvitation, InvitationFields, AcceptedInvitation, ShareQuery, AccountShareQuery),
    *(ClientQuery, CampaignQuery, ClientCampaignQuery, TaskQuery, UsageQuery, ActivityQuery, ModelQuery, TaskPatch),
    *(ResourceBatch, TaskBatch, GenerationBatch, ResourceItem, TaskItem, NewImport, FailureQuery, Matrix, TaskRetry),
    *(NewEdit, NewUpscale, NewBackgroundRemoval, NewTaskInput),
    *(NewExport, ExportQuery, ImportQuery, NewAsset, AssetPatch, OutputAsset, CopiedAsset, AssetQuery),
    *(NewModel, ModelPatch, LinePrice, LineParam, PricePatch, ParamPatch),
]
HOSTILE: list[Any] = [
    *(None, True, 0, -1, 5, 1.5, 10**300, 1e308, float("nan"), float("inf"), "", " ", "\u200b", "x", "x" * 70_000),
    *("\ud800", b"x", [], [1], ["a"] * 9, ["a", "a"], {}, {"a": 1}, {1: 2}, {"a": {"b": object()}}, object()),
    *("2026-01-31", "2026-01-31T12:00:60Z", "2026-02-30T12:00:00Z", "2026-01-31T12:00:00 02:00", "9" * 400, "1.0"),
    *("4096x4096", "1e400", "asc ", "none", "0001-01-01T00:00:00+14:00"),
]
REQUIRED: dict[str, Any] = {"name": "a", "goal": "b", "prompt": "c", "client_id": "d"}


def raised(model: type[BaseModel]) -> Iterator[dict[str, Any]]:
    """Every error that a model raises for one hostile value in one of its fields, or for none."""
    good = {name: value for name, value in REQUIRED.items() if name in model.model_fields}
    for sent in [{}, {"colour": 1}, *({**good, field: value} for field in model.model_fields for value in HOSTILE)]:
        try:
            model.model_validate(sent)
        except ValidationError as error:
            yield from error.errors()  # type: ignore[misc]


def of_lists() -> Iterator[dict[str, Any]]:
    for model in (NewImage, ClientQuery):
        for value in HOSTILE:
            try:
                model.model_validate(value)
            except ValidationError as error:
                yield from error.errors()  # type: ignore[misc]


@pytest.mark.parametrize("model", MODELS)
def test_every_validation_error_has_a_sentence(model: type[BaseModel]) -> None:
    kinds = set()
    for error in (*raised(model), *of_lists()):
        said = sentence(error, str(error["loc"][-1]) if error["loc"] else "")
        kinds.add(error["type"])
        assert not JARGON.search(said), (error, said)
        assert said[0].islower()
        assert not said.endswith(".")
        assert len(said) < 200
    known = {*SENTENCES, *SPECIAL, "value_error", "either"}
    assert kinds <= known, kinds - known


def test_every_error_of_pydantic_has_words() -> None:
    contexts = {
        "expected": "'a' or 'b'", "min_length": 2, "max_length": 3, "gt": 1, "ge": 1, "lt": 1, "le": 1,
        "multiple_of": 2, "max_digits": 3, "decimal_places": 2, "whole_digits": 1, "expected_tags": "'a'", "error": "x",
    }  # fmt: skip
    for kind in get_args(ErrorType):
        said = sentence({"type": kind, "msg": "must be so", "ctx": contexts}, "field")
        assert not JARGON.search(said), (kind, said)
        assert "{" not in said


def test_the_table_has_nothing_but_errors_of_pydantic() -> None:
    assert (set(SENTENCES) | set(SPECIAL)) <= set(get_args(ErrorType)) | {"invalid-json-value"}


def test_every_request_model_is_tried() -> None:
    def below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
        for each in model.__subclasses__():
            yield each
            yield from below(each)

    ours = {each for each in below(RequestModel) if each.__module__.startswith("atelier.")}
    bases = {model for model in ours if any(other is not model and issubclass(other, model) for other in ours)}
    assert ours - bases <= set(MODELS)


@pytest.mark.parametrize(
    ("model", "sent", "said"),
    [
        (
            NewImage,
            {"prompt": "a", "size": "4096x4096"},
            "must be width x height in pixels, 64 to 2048 each, such as 1024x768",
        ),
        (NewImage, {"prompt": "a", "providers": ["a", "b", "c", "d", "e"]}, "must have at most 4 items"),
        (NewImage, {"prompt": "a", "providers": []}, "must not be empty"),
        (NewImage, {"prompt": "a", "providers": ["fal", "fal"]}, "must not name a provider twice"),
        (
            TaskQuery,
            {"created_from": "2026-01-31T12:00:00Z", "created_to": "2026-01-31T11:59:59Z"},
            "must not be before created_from",
        ),
        (NewImage, {"prompt": "a", "metadata": []}, "must be an object"),
        (NewImage, {"prompt": "a", "num_outputs": 9}, "must be at most 4"),
        (NewImage, {"prompt": "a", "apply_brand_guidelines": "yes"}, "must be true or false"),
        (NewClient, {"name": "\u200b"}, "must not be empty"),
        (NewClient, {"name": "a" * 256}, "must have at most 255 characters"),
        (NewClient, {"name": 5}, "must be a string"),
        (NewClient, {"name": "a", "id": "b"}, "cannot be changed"),
        (CampaignPatch, {"status": "done"}, "must be 'active', 'archived' or 'draft'"),
        (ClientQuery, {"page": "0"}, "must be at least 1"),
        (ClientQuery, {"page": "9" * 16}, "must be at most 1000000000"),
        (ClientQuery, {"page": "-" + "9" * 400}, "must be at least 1"),
        (TaskQuery, {"rating_from": "9" * 400}, "must be at most 5"),
        (FailureQuery, {"after": "9" * 16}, "must be less than 1000000000"),
        (UsageQuery, {"from": "2026-01-01", "to": "2026-01-02", "owner": "9" * 16}, "must be at most 999999999999999"),
        (ClientQuery, {"page": "9" * 5000}, "has too many digits"),
        (ClientQuery, {"owner": "abc"}, "must be me, shared, or an account's number of at most 15 digits"),
        (
            ActivityQuery,
            {"action": "deleted"},
            "must be a type of resource, a point and what was done, such as client.updated",
        ),
        (
            ModelPatch,
            {"engine": "Long form"},
            "must be 1 to 32 lower-case letters, digits and hyphens, such as long-form",
        ),
        (ModelPatch, {"voices": ["Joanna\n"]}, "must be a voice's name of 1 to 64 letters, such as Joanna"),
        (ModelPatch, {"voices": ["Joanna", "Joanna"]}, "must not name a voice twice"),
        (ModelPatch, {"without": ["seed", "seed"]}, "must not name anything twice"),
        (ModelPatch, {"aliases": ["a", "a"]}, "must not name an alias twice"),
        (
            NewModel,
            {"provider": "fal", "model": "a", "type": "image", "params": {"x": {"choices": [1, 2, 1]}}},
            "must not name a choice twice",
        ),
        (
            NewEdit,
            {"prompt": "a", "inputs": [{"role": "mask", "asset_id": "a"}, {"role": "mask", "asset_id": "a"}]},
            "must not name an input twice",
        ),
        (ClientQuery, {"page": "1", "cursor": "a"}, "give either page or cursor, not both"),
        (
            TaskQuery,
            {"created_from": "2026-01-31T12:00:60Z"},
            "must be an RFC 3339 time that exists, such as 2026-01-31T12:00:00Z; seconds are 00 to 59",
        ),
    ],
)
def test_a_refusal_says_what_to_send(model: type[BaseModel], sent: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(sent)
    [error] = refused.value.errors()
    assert sentence(error, str(error["loc"][-1]) if error["loc"] else "") == said


def checked_by_pydantic(schema: Any) -> Iterator[str]:
    """The patterns in a core schema for which pydantic has no words that a caller can act on."""
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        schema = [each for name, each in schema.items() if name != "metadata"]
    if isinstance(schema, list | tuple):
        for each in schema:
            yield from checked_by_pydantic(each)


@pytest.mark.parametrize("model", MODELS)
def test_every_pattern_of_a_request_has_words(model: type[BaseModel]) -> None:
    """That is, it is checked by `in_form`, or a rule that says what is expected."""
    model.model_rebuild()
    assert [*checked_by_pydantic(model.__pydantic_core_schema__)] == []


def test_a_pattern_without_words_would_be_found() -> None:
    class Bare(BaseModel):
        names: list[Annotated[str, Field(pattern="^a$")]] | None = None

    assert [*checked_by_pydantic(Bare.__pydantic_core_schema__)] == ["^a$"]


def of_our_rules() -> Iterator[tuple[str, str]]:
    """Every text, with the values left out, that our own code says to a caller about a field, a parameter or a body."""
    says = {
        "FieldError": 0,
        "ValueError": 0,
        "in_form": 1,
        "distinct": 0,
        "PydanticCustomError": 1,
        "_malformed": 0,
        "_Unacceptable": 0,
    }
    for path in sorted([*(LAYER / "atelier/domain").rglob("*.py"), *(LAYER / "atelier/web").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(getattr(node, "func", None), "id", "")
            if isinstance(node, ast.Call) and name in says and len(node.args) > says[name]:
                parts = (each.value for each in ast.walk(node.args[says[name]]) if isinstance(each, ast.Constant))
                yield path.name, "".join(part for part in parts if isinstance(part, str))


def test_our_own_rules_speak_to_callers_too() -> None:
    said = [(path, text) for path, text in of_our_rules() if text]
    assert len(said) > 30
    for path, text in said:
        assert not JARGON.search(text.replace("\\ufffd", "").replace("\\u", "")), (path, text)
