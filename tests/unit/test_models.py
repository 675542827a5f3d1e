"""The registry of models, and which one a request means."""

from collections import Counter
from itertools import product

import pytest

from atelier.domain import models
from atelier.domain.errors import Invalid
from atelier.domain.models import MODELS, PROVIDERS, SANDBOX, Model, choose
from atelier.domain.tasks import TaskType

FAL = ("fal",)
BOTH = ("fal", SANDBOX)
SANDBOX_ONLY = (SANDBOX,)
CASES = [(each, name) for each in MODELS for name in (each.id, *each.aliases)]


@pytest.mark.parametrize(("model", "name"), CASES, ids=[name for _, name in CASES])
def test_every_model_is_reached_by_each_of_its_names_with_and_without_its_provider(model: Model, name: str) -> None:
    for provider in (None, model.provider):
        choice = choose(model.type, provider=provider, model=name, configured=BOTH)
        assert (choice.model, choice.provider, choice.served_by) == (model, model.provider, model.provider)


def test_no_name_means_two_models() -> None:
    assert [name for name, count in Counter(name for _, name in CASES).items() if count > 1] == []


@pytest.mark.parametrize(("provider", "kind"), list(product(PROVIDERS, TaskType)))
def test_every_provider_has_one_default_for_each_type(provider: str, kind: TaskType) -> None:
    defaults = [each for each in MODELS if (each.provider, each.type, each.default) == (provider, kind, True)]
    assert len(defaults) == 1
    assert choose(kind, provider=provider, model=None, configured=BOTH).model == defaults[0]


@pytest.mark.parametrize("kind", TaskType)
def test_without_a_wish_one_that_really_generates_comes_before_the_sandbox(kind: TaskType) -> None:
    assert choose(kind, provider=None, model=None, configured=BOTH).provider == "fal"
    assert choose(kind, provider=None, model=None, configured=FAL).served_by == "fal"
    assert choose(kind, provider=None, model=None, configured=SANDBOX_ONLY).provider == SANDBOX


@pytest.mark.parametrize(("model", "name"), CASES, ids=[name for _, name in CASES])
def test_a_provider_without_credentials_is_served_by_the_sandbox_or_refused(model: Model, name: str) -> None:
    served = choose(model.type, provider=model.provider, model=name, configured=SANDBOX_ONLY)
    assert (served.model, served.provider, served.served_by) == (model, model.provider, SANDBOX)
    with pytest.raises(Invalid) as refused:
        choose(model.type, provider=model.provider, model=name, configured=())
    (fault,) = refused.value.faults
    assert fault.pointer == "/provider"
    assert model.provider in fault.detail
    assert "configured: none" in fault.detail


def test_the_guide_s_own_example_works_as_written() -> None:
    choice = choose(TaskType.IMAGE, provider="fal", model="fal-ai/flux-pro", configured=SANDBOX_ONLY)
    assert (choice.model.id, choice.served_by) == ("fal-ai/flux-pro/v1.1", SANDBOX)


@pytest.mark.parametrize("provider", ["openai", "", "FAL", "sandbox "])
def test_an_unknown_provider_is_refused_with_those_that_are_known(provider: str) -> None:
    with pytest.raises(Invalid) as refused:
        choose(TaskType.IMAGE, provider=provider, model=None, configured=BOTH)
    (fault,) = refused.value.faults
    assert fault.pointer == "/provider"
    assert all(known in fault.detail for known in PROVIDERS)


@pytest.mark.parametrize(
    ("kind", "provider", "model"),
    [
        (TaskType.IMAGE, None, "gpt-image"),
        (TaskType.IMAGE, "fal", ""),
        (TaskType.IMAGE, "fal", "sandbox-image"),
        (TaskType.VIDEO, "fal", "fal-ai/flux-pro"),
    ],
)
def test_an_unknown_model_is_refused_with_those_that_the_request_could_mean(
    kind: TaskType, provider: str | None, model: str
) -> None:
    with pytest.raises(Invalid) as refused:
        choose(kind, provider=provider, model=model, configured=BOTH)
    (fault,) = refused.value.faults
    assert fault.pointer == "/model"
    for each in MODELS:
        could_be_meant = each.type is kind and provider in (None, each.provider)
        assert all((name in fault.detail.split("known: ")[1]) == could_be_meant for name in (each.id,))


def test_a_provider_that_makes_nothing_of_a_type_is_refused_and_does_not_break(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "MODELS", tuple(each for each in MODELS if each.type is not TaskType.AUDIO))
    with pytest.raises(Invalid):
        choose(TaskType.AUDIO, provider="fal", model=None, configured=BOTH)


def test_limits_of_models_are_in_order() -> None:
    for model in MODELS:
        assert model.prompt_limit > 0
        if model.seconds:
            assert list(model.seconds) == sorted(model.seconds)
        assert model.seconds is None or model.type is not TaskType.IMAGE
