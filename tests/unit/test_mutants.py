"""The mutants and the record of who kills them, without running one: `make killers` does that."""

import ast

import pytest

from tests.mutants import PROJECT, Mutant, record
from tests.mutants.catalog import MUTANTS, SUITE
from tests.mutants.trial import mutated_text


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.says)
def test_a_mutant_applies_to_the_code(mutant: Mutant) -> None:
    mutated = mutated_text(mutant)
    assert ast.dump(ast.parse(mutated)) != ast.dump(ast.parse((PROJECT / mutant.file).read_text()))


def test_each_mutant_has_a_recorded_killer() -> None:
    assert list(record.recorded()) == [each.says for each in MUTANTS]


@pytest.mark.parametrize("killer", sorted(set(record.recorded().values())))
def test_a_recorded_killer_is_a_test(killer: str) -> None:
    file, _, name = killer.partition("::")
    assert file in SUITE
    assert f"\ndef {name}(" in (PROJECT / file).read_text()


def test_the_likeliest_killers_are_in_the_suite() -> None:
    assert {each.first for each in MUTANTS} <= set(SUITE)
