"""The tree of errors, as tests walk it."""

from collections.abc import Iterator

from atelier.domain.errors import DomainError


def leaves(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    """The errors that are raised: those that no other is a kind of."""
    following = kind.__subclasses__()
    if not following:
        yield kind
    for each in following:
        yield from leaves(each)
