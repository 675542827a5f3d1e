"""US dollars as they are kept: exact, to the millionth. Counters hold whole millionths."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

_MILLIONTH: Final = Decimal("0.000001")


def in_dollars(amount: Decimal) -> Decimal:
    """An amount as it is kept: to the millionth of a dollar."""
    return amount.quantize(_MILLIONTH).normalize() + 0


def in_millionths(amount: Decimal | None) -> int:
    """An amount as a whole number of millionths of a dollar; 0 for one that is not known."""
    return 0 if amount is None else int((amount / _MILLIONTH).to_integral_value(ROUND_HALF_UP))


def from_millionths(amount: int) -> Decimal:
    """The amount in dollars of a whole number of millionths."""
    return in_dollars(amount * _MILLIONTH)
