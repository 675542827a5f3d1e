"""What is shown of an account: its limits and its budget, from one read."""

from datetime import datetime

from atelier.domain.account import Account
from atelier.domain.account_limits import AccountLimits
from atelier.domain.counters import EVERYTHING
from atelier.store import keys
from atelier.store.account_limits import limits_used
from atelier.store.budgets import budget_from
from atelier.store.table import Table


def account_of(table: Table, account: int, limits: AccountLimits, *, now: datetime) -> Account:
    """An account, what is used of its limits, and its budget, all at this moment."""
    counters, hour = keys.counters(account, EVERYTHING), keys.created_in_hour(account, now)
    found = table.get_many([counters, hour])
    used = limits_used(found.get(counters, {}), found.get(hour, {}), limits, now=now)
    return Account(user_id=account, limits=used, budget=budget_from(found.get(counters), now=now))
