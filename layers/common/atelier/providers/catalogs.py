"""What fal and Replicate publish of a model: its schemas, whether it is deprecated, and what they list as its price.

fal: GET /v1/models?endpoint_id=&expand=openapi-3.0 and GET /v1/models/pricing?endpoint_id=.
Replicate: GET /v1/models/{owner}/{name}, or a version of it; it lists no prices.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

from atelier.domain.model_lines import ListedPrice, UnknownModel, Unusable
from atelier.domain.provider import Secret
from atelier.domain.schema import MOST_DOLLARS
from atelier.providers.http import Answer, Http, raise_if_unavailable
from atelier.providers.schemas import Schema, Snapshot, reduced

_JSON: Final = "application/json"
_MOST_PLACES: Final = -12
"""The smallest power of ten that a listed price is counted in."""


class ProviderCatalog(Protocol):
    """What a provider publishes of its models."""

    def snapshot(self, model: str) -> Snapshot:
        """What is published of a model now. Raises UnknownModel, Unusable and Unavailable."""


class FalCatalog:
    """The models of fal."""

    def __init__(self, http: Http, *, key: Secret, api_url: str) -> None:
        self._http = http
        self._key = key
        self._api_url = api_url

    def snapshot(self, model: str) -> Snapshot:
        """See ProviderCatalog."""
        found = self._ask("models", endpoint_id=model, expand="openapi-3.0").get("models")
        entry = next((each for each in _objects(found) if each.get("endpoint_id") == model), None)
        if entry is None:
            raise UnknownModel(f"fal has no model {model}.")
        document = entry.get("openapi")
        if not isinstance(document, dict) or "paths" not in document:
            raise Unusable("fal publishes no schema of it.")
        schemas = _schemas(document)
        return Snapshot(
            _input_of(document, schemas),
            _output_of(document, schemas),
            deprecated=_object(entry.get("metadata")).get("status") == "deprecated",
            listed_price=self._listed(model),
        )

    def _listed(self, model: str) -> ListedPrice | None:
        prices = _objects(self._ask("models/pricing", endpoint_id=model).get("prices"))
        found = next((each for each in prices if each.get("endpoint_id", model) == model), {})
        try:
            amount = Decimal(str(found.get("unit_price")))
        except InvalidOperation:
            return None
        unit, currency = str(found.get("unit", ""))[:100], str(found.get("currency", "USD"))[:3]
        return ListedPrice(amount=amount, unit=unit, currency=currency) if _may_be_a_price(amount) else None

    def _ask(self, path: str, **query: str) -> dict[str, Any]:
        url = f"{self._api_url}/{path}?{urlencode(query)}"
        return _found(self._http.ask("GET", url, headers={"Authorization": f"Key {self._key()}"}))


class ReplicateCatalog:
    """The models of Replicate."""

    def __init__(self, http: Http, *, token: Secret, api_url: str) -> None:
        self._http = http
        self._token = token
        self._api_url = api_url

    def snapshot(self, model: str) -> Snapshot:
        """See ProviderCatalog. Only official models are run by their names; of others, a version is named."""
        name, _, version = model.partition(":")
        if version:
            found = self._ask(f"models/{quote(name)}/versions/{quote(version)}", model)
        else:
            entry = self._ask(f"models/{quote(name)}", model)
            found = _object(entry.get("latest_version"))
            if entry.get("is_official") is False:
                said = f"It is no official model, so a version has to be named: {name}:{found.get('id')}."
                raise Unusable(said)
        document = found.get("openapi_schema")
        if not isinstance(document, dict):
            raise Unusable("Replicate publishes no schema of it.")
        schemas = _schemas(document)
        return Snapshot(reduced(schemas.get("Input"), schemas), reduced(schemas.get("Output"), schemas))

    def _ask(self, path: str, model: str) -> dict[str, Any]:
        url = f"{self._api_url}/{path}"
        answer = self._http.ask("GET", url, headers={"Authorization": f"Bearer {self._token()}"})
        if answer.status == HTTPStatus.NOT_FOUND:
            raise UnknownModel(f"Replicate has no model {model}.")
        return _found(answer)


def _may_be_a_price(amount: Decimal) -> bool:
    # One that is not has a billion digits when it is written out.
    _, _, exponent = amount.as_tuple()
    return isinstance(exponent, int) and exponent >= _MOST_PLACES and 0 <= amount <= MOST_DOLLARS


def _found(answer: Answer) -> dict[str, Any]:
    raise_if_unavailable(answer)
    return answer.result() if answer.ok else {}


def _schemas(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return _object(_object(document.get("components")).get("schemas"))


def _input_of(document: Mapping[str, Any], schemas: Schema) -> Schema:
    """The schema of what is posted: at the one path that takes a POST, whatever its name."""
    for operations in _object(document.get("paths")).values():
        post = _object(operations).get("post")
        if content := _content(_object(post).get("requestBody")):
            return reduced(content, schemas)
    raise Unusable("Its schema has no input.")


def _output_of(document: Mapping[str, Any], schemas: Schema) -> Schema:
    """The schema of a result: what the address of a request answers, not that of its status."""
    for path, operations in _object(document.get("paths")).items():
        get = _object(_object(operations).get("get"))
        if path.endswith("}") and (content := _content(_object(_object(get.get("responses")).get("200")))):
            return reduced(content, schemas)
    named = next((name for name in schemas if name.endswith("Output")), None)
    return reduced(schemas.get(named or ""), schemas)


def _content(described: object) -> Schema:
    return _object(_object(_object(_object(described).get("content")).get(_JSON)).get("schema"))


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> Iterator[dict[str, Any]]:
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else iter(())
