"""Routes and dependencies are `async def`, although they wait for SQLite: nothing is handed to a thread and back.

On a server everybody else waits meanwhile. Behind Mangum there is nobody else.
"""

from collections.abc import AsyncIterator
from typing import Annotated

from clients import Client, ClientPage, NewClient, Paging, create, one, page, sessions
from fastapi import Depends, FastAPI, Query
from mangum import Mangum
from sqlalchemy.orm import Session

app = FastAPI()


async def session() -> AsyncIterator[Session]:
    """A session for one request."""
    with sessions() as opened:
        yield opened


async def user() -> int:
    """Who asks: everybody is user 1, as with the other subjects."""
    return 1


Database = Annotated[Session, Depends(session)]
User = Annotated[int, Depends(user)]


@app.post("/api/v3/clients", status_code=201)
async def create_client(new: NewClient, user_id: User, database: Database) -> Client:
    """Create a client."""
    return create(database, user_id, new)


@app.get("/api/v3/clients")
async def list_clients(paging: Annotated[Paging, Query()], user_id: User, database: Database) -> ClientPage:
    """A page of the user's clients, newest first."""
    return page(database, user_id, paging)


@app.get("/api/v3/clients/{client_id}")
async def get_client(client_id: str, user_id: User, database: Database) -> Client:
    """One client."""
    return one(database, user_id, client_id)


handler = Mangum(app, lifespan="off")
