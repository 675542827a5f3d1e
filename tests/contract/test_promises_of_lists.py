"""What the document says of lists that change while they are paged."""

import json

import pytest

from atelier.web.routes import document

DOCUMENT = json.loads(document())
MOVES = "moves meanwhile can be missed or returned twice"


def test_the_document_says_what_paging_can_miss() -> None:
    """Next to the promise that paging by cursor returns each item once."""
    description = " ".join(DOCUMENT["info"]["description"].split())
    promise = description.index("Paging by cursor returns each item once")
    assert 0 < description.index(MOVES) - promise < 200


@pytest.mark.parametrize(
    ("path", "says"),
    [
        *((path, MOVES) for path in ("/clients", "/campaigns", "/clients/{client_id}/campaigns", "/assets")),
        ("/activity", "one that comes late can be missed by whoever"),
    ],
)
def test_each_list_says_what_paging_can_miss(path: str, says: str) -> None:
    parameters = DOCUMENT["paths"][f"/api/v3{path}"]["get"]["parameters"]
    (cursor,) = [each for each in parameters if each["name"] == "cursor"]
    assert says in cursor["description"]
