"""Every error of the domain has a status, and every status a name."""

from atelier.domain import errors
from atelier.domain.errors import DomainError
from atelier.web import problems
from atelier.web.problems import STATUS, TITLES
from tests.support.errors import leaves


def test_every_domain_error_has_a_status() -> None:
    ours = {each for each in leaves(DomainError) if each.__module__ in (errors.__name__, problems.__name__)}
    assert ours == set(STATUS)


def test_every_status_has_a_title() -> None:
    assert set(STATUS.values()) < set(TITLES)


def test_every_title_is_of_a_status_that_is_used() -> None:
    assert set(TITLES) - set(STATUS.values()) == {500}


def test_every_kind_of_problem_has_its_own_name() -> None:
    slugs = [slug for slug, _ in TITLES.values()]
    assert len(slugs) == len(set(slugs))


def test_the_tree_in_the_docstring_names_every_error() -> None:
    named = {line.split()[0] for line in (errors.__doc__ or "").splitlines() if line.startswith("  ")}
    defined = {name for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, DomainError)}
    assert named | {"DomainError"} == defined
