"""Clients in the table."""

from atelier.domain.clients import Client, ClientPage
from atelier.store.resources import Resources
from atelier.store.table import Table


class Clients(Resources[Client]):
    """The clients of an account."""

    kind = "client"

    def __init__(self, table: Table) -> None:
        super().__init__(table, Client, ClientPage)
