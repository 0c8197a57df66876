"""The audit in a test's own hands: what it would have heard, and its record in an attacker's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from services.audit import verification
from services.audit.policy.chain import Entry
from services.audit.reconciler import handlers_by_kind
from services.audit.verification import Verified, one_moment, verify_anchors, verify_chain
from services.platform.messages.envelope import Received, compose, read
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.message import Message
from tests.support.engines.database import Database


def heard(
    content: Message, child: str, *, id_: str | None = None, at: datetime | None = None, exercise: bool = False
) -> Received[Message]:
    """As it would come from the bus."""
    name = id_ or str(uuid4())
    raw = compose(
        content, said_by="test", subject=child, at=at or datetime.now(UTC), message_id=name, exercise=exercise
    )
    return read(raw, topic=content.topic)


async def record(store: Store, *received: Received[Message]) -> None:
    """Each in a transaction of its own, as the bus would."""
    handlers = handlers_by_kind(Clocks())
    for each in received:
        async with store.transaction() as uow:
            await handlers[type(each.content)](each, uow)


async def entries_of(connection: AsyncConnection, chain: str) -> list[Entry]:
    """Without a cursor of the database's, which needs a transaction."""
    return [Entry(*row) for row in await connection.execute(text(verification.OF_CHAIN), {"chain": chain})]


async def tamper(database: Database, statement: str, **values: object) -> int:
    """As the database's administrator. Returns how many rows it reached."""
    engine = create_async_engine(database.admin_url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        async with engine.begin() as connection:
            return (await connection.execute(text(statement), values)).rowcount
    finally:
        await engine.dispose()


async def faults(store: Store, chain: str) -> list[str]:
    into = Verified()
    async with one_moment(store.engine) as connection:
        await verify_chain(connection, chain, into)
    return into.faults


async def faults_of_anchors(store: Store, witness: str | None = None) -> list[str]:
    into = Verified()
    async with one_moment(store.engine) as connection:
        witnesses = {} if witness is None else {witness: f"no anchor has the hash {witness}"}
        await verify_anchors(connection, into, witnesses=witnesses)
    return into.faults


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[Store]:
    store = Store(database.engine("audit"), origin=Origin("audit", Clocks()))
    try:
        yield store
    finally:
        await store.close()
