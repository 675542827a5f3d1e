"""The table of models in docs/providers.md, from the catalog."""

from collections.abc import Iterator

from atelier.domain.catalog import SANDBOX, Catalog, Lifecycle, Model, PriceSource


def rows(catalog: Catalog) -> Iterator[str]:
    """A row for each model that a provider is paid for."""
    for model in catalog.models:
        if model.provider != SANDBOX:
            cells = (model.provider, f"`{model.id}`", str(model.type), *_price(model), "; ".join(_remarks(model)))
            yield "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)


def _price(model: Model) -> tuple[str, str, str]:
    price = model.price
    if price is None:
        return "not known", "", ""
    further = f", then {price.further}" if price.further else ""
    source = "third party" if price.source is PriceSource.THIRD_PARTY else "provider"
    return f"{price.amount} / {price.per.replace('_', ' ')}{further}", str(price.as_of), source


def _remarks(model: Model) -> Iterator[str]:
    if model.default:
        yield "default"
    if model.lifecycle is not Lifecycle.ACTIVE:
        yield f"{model.lifecycle}: `{model.replacement}`"
    elif model.provider in ("fal", "replicate") and "seed" not in model.takes:
        yield "no seed"
    for param in model.params:
        if param.price_factors:
            factors = ", ".join(f"{value} × {factor}" for value, factor in param.price_factors.items())
            yield f"`{param.name}`: {factors}"
