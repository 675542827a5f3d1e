"""Lists: query parameters and pages."""

import re
from typing import Annotated, Any, Final, Generic, Literal, Self, TypeVar

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from atelier.domain.schema import RequestModel, StoredModel, in_form

T = TypeVar("T", bound=StoredModel)

MAX_PAGE_SIZE = 100
_ASCENDING: Final = frozenset({"name", "status"})


def _whole_number(value: Any) -> Any:
    # The query string has only texts; int() would also take "1.0", "+1", " 1" and "1_0".
    if isinstance(value, str) and not re.fullmatch("-?[0-9]+", value):
        raise ValueError("must be a whole number")
    return value


FROM_TEXT: Final = BeforeValidator(_whole_number)


_MOST: Final = 10**15 - 1
AccountNumber = Annotated[int, FROM_TEXT, Field(ge=1, le=_MOST)]
OWNER: Final[dict[str, Any]] = {
    "description": "The account's number; without it, your own.",
    "json_schema_extra": {"minimum": 1, "maximum": _MOST},
}
"""The parameter `owner`, which is optional: its bounds would not be in the document otherwise."""


ANY_OF: Final = "Only with any of these {}; may be given several times."
"""Describes a filter that takes several values."""

Whose = Annotated[
    Annotated[
        str,
        *in_form("^(me|shared|[1-9][0-9]{0,14})$", "must be me, shared, or an account's number of at most 15 digits"),
    ]
    | None,
    Field(description="Whose: `me` your own account's, `shared` what others share with you, or an account's number."),
]
"""The parameter `owner` of lists over everything that the caller may see."""


class ListQuery(RequestModel):
    """The query parameters of every list."""

    page: Annotated[int, Field(ge=1, le=1_000_000_000, description="Which page, from 1."), FROM_TEXT] = 1
    page_size: Annotated[int, Field(ge=1, le=MAX_PAGE_SIZE, description="Items on a page."), FROM_TEXT] = 50
    cursor: Annotated[
        str | None,
        Field(
            max_length=3000,
            description="The `next_cursor` of the page before, instead of `page`. Ordered by creation, each item is "
            "returned once; in another order, one that moves meanwhile can be missed or returned twice.",
        ),
    ] = None
    sort_by: str = "created_at"
    sort_order: Annotated[
        Literal["asc", "desc"] | None,
        Field(description="Direction of `sort_by`; without it, times descend, name and status ascend."),
    ] = None

    @model_validator(mode="after")
    def _one_way_to_page(self) -> Self:
        if self.cursor is not None and "page" in self.model_fields_set:
            raise PydanticCustomError("either", "give either page or cursor, not both", {"parameter": "cursor"})
        return self

    @property
    def newest_first(self) -> bool:
        """Whether the order descends."""
        if self.sort_order is None:
            return self.sort_by not in _ASCENDING
        return self.sort_order == "desc"

    def filters(self) -> dict[str, Any]:
        """The parameters that select and order items; a cursor is valid for exactly these."""
        asked = self.model_dump(exclude={"page", "page_size", "cursor"}, mode="json")
        return {**asked, "sort_order": "desc" if self.newest_first else "asc"}


class CursorQuery(RequestModel):
    """The query parameters of a list that is read newest first, by cursor alone."""

    page_size: Annotated[int, Field(ge=1, le=MAX_PAGE_SIZE, description="Items on a page, at most."), FROM_TEXT] = 50
    cursor: Annotated[str | None, Field(max_length=3000, description="The `next_cursor` of the page before.")] = None

    def filters(self) -> dict[str, Any]:
        """The parameters that select items; a cursor is valid for exactly these."""
        return self.model_dump(exclude={"page_size", "cursor"}, mode="json")


class OwnedQuery(ListQuery):
    """A list of what the caller may see: their own, and what was shared with them."""

    owner: Whose = None


class SearchQuery(ListQuery):
    """A list that can be searched by name."""

    search: Annotated[
        str | None,
        Field(max_length=255, description="Part of the name, whatever its case, composition and white space."),
    ] = None


class Page(StoredModel, Generic[T]):
    """One page of a list. `total` is exact at that moment; `next_cursor` is null on the last page."""

    items: list[T]
    total: Annotated[int, Field(ge=0)]
    page: Annotated[int, Field(ge=1)]
    page_size: Annotated[int, Field(ge=1, le=MAX_PAGE_SIZE)]
    has_more: bool
    next_cursor: str | None


class CursorPage(StoredModel, Generic[T]):
    """One page of a list that is read by cursor alone, newest first. `next_cursor` is null on the last page.

    A page can have fewer items than asked for: go on while there is more.
    """

    items: list[T]
    has_more: bool
    next_cursor: str | None
