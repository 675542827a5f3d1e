"""The backend that many agencies have, without its routes: FastAPI's models, SQLAlchemy's and SQLite.

Written to be fast within its idiom: SQLite has a write-ahead log and the index that the list is read from, and rows
become an answer in one step. `threads/app.py` and `loop/app.py` are two ways to serve it.
"""

import os
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

from fastapi import HTTPException
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Index, create_engine, event, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

# ---------------------------------------------------------------------------------------------------------- database


class Base(DeclarativeBase):
    """All tables."""


class ClientRow(Base):
    """A client."""

    __tablename__ = "clients"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int]
    name: Mapped[str]
    description: Mapped[str | None]
    brand_guidelines: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (Index("newest", "user_id", "created_at", "id"),)


engine = create_engine(f"sqlite:///{os.environ['DATABASE']}", connect_args={"check_same_thread": False})
sessions = sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine, "connect")
def _fast(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


# ------------------------------------------------------------------------------------------------------------ shapes


def _at_most_32_kib(value: str) -> str:
    if len(value.encode()) > 32 * 1024:
        raise ValueError("must be at most 32 KiB")
    return value


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)  # SQLite keeps no zones


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Description = Annotated[str, Field(max_length=2000)]
Guidelines = Annotated[str, Field(max_length=32 * 1024), AfterValidator(_at_most_32_kib)]
Moment = Annotated[datetime, AfterValidator(_utc)]


class NewClient(BaseModel):
    """What it takes to create a client."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    description: Description | None = None
    brand_guidelines: Guidelines | None = None


class Client(BaseModel):
    """A client."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    user_id: int
    name: str
    description: str | None
    brand_guidelines: str | None
    created_at: Moment
    updated_at: Moment


class Paging(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(extra="forbid")

    page: int = Field(1, ge=1)
    page_size: int = Field(50, ge=1, le=100)


class ClientPage(BaseModel):
    """A page of clients."""

    items: list[Client]
    total: int
    page: int
    page_size: int
    has_more: bool
    next_cursor: str | None = None


# ------------------------------------------------------------------------------------------------------------- work


def create(database: Session, user_id: int, new: NewClient) -> Client:
    """Create a client."""
    now = datetime.now(UTC)
    row = ClientRow(id=str(uuid4()), user_id=user_id, created_at=now, updated_at=now, **new.model_dump())
    database.add(row)
    database.commit()
    return Client.model_validate(row)


def page(database: Session, user_id: int, paging: Paging) -> ClientPage:
    """A page of the user's clients, newest first."""
    before = (paging.page - 1) * paging.page_size
    mine = ClientRow.user_id == user_id
    newest = select(ClientRow).where(mine).order_by(ClientRow.created_at.desc(), ClientRow.id.desc())
    rows = database.scalars(newest.offset(before).limit(paging.page_size)).all()
    total = database.scalar(select(func.count()).select_from(ClientRow).where(mine)) or 0
    found = {"items": rows, "total": total, "has_more": before + paging.page_size < total, **paging.model_dump()}
    return ClientPage.model_validate(found)


def one(database: Session, user_id: int, client_id: str) -> Client:
    """One client."""
    row = database.get(ClientRow, client_id)
    if row is None or row.user_id != user_id:
        raise HTTPException(404)
    return Client.model_validate(row)
