"""Campaigns in the table."""

from atelier.domain.campaigns import Campaign, CampaignPage
from atelier.store.resources import Resources
from atelier.store.table import Table


class Campaigns(Resources[Campaign]):
    """The campaigns of an account, each of one client."""

    kind = "campaign"

    def __init__(self, table: Table) -> None:
        super().__init__(table, Campaign, CampaignPage)
