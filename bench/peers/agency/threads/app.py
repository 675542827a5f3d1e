"""Routes and dependencies are `def`, as FastAPI's own tutorial has them with SQLAlchemy: each runs in a thread."""

from collections.abc import Iterator
from typing import Annotated

from clients import Client, ClientPage, NewClient, Paging, create, one, page, sessions
from fastapi import Depends, FastAPI, Query
from mangum import Mangum
from sqlalchemy.orm import Session

app = FastAPI()


def session() -> Iterator[Session]:
    """A session for one request."""
    with sessions() as opened:
        yield opened


def user() -> int:
    """Who asks: everybody is user 1, as with the other subjects."""
    return 1


Database = Annotated[Session, Depends(session)]
User = Annotated[int, Depends(user)]


@app.post("/api/v3/clients", status_code=201)
def create_client(new: NewClient, user_id: User, database: Database) -> Client:
    """Create a client."""
    return create(database, user_id, new)


@app.get("/api/v3/clients")
def list_clients(paging: Annotated[Paging, Query()], user_id: User, database: Database) -> ClientPage:
    """A page of the user's clients, newest first."""
    return page(database, user_id, paging)


@app.get("/api/v3/clients/{client_id}")
def get_client(client_id: str, user_id: User, database: Database) -> Client:
    """One client."""
    return one(database, user_id, client_id)


handler = Mangum(app, lifespan="off")
