"""The protocol in a test's own process, on the session's database."""

import contextlib
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from services.platform.messages.envelope import Received, read
from services.platform.runtime.clocks import Clocks
from services.platform.store import outbox
from services.platform.store.unit_of_work import Origin, Store
from services.protocol.editions.choice import RulesInForce
from services.protocol.handlers import Handlers
from services.protocol.loader import files
from services.safeguarding.duty.duties import parts_of
from services.safeguarding.message import Message
from tests.support.engines.database import Database
from tests.support.histories.reading import unsent_of


class Protocol:
    """The service without its bus: messages go in, what is in the outbox comes out."""

    def __init__(self, database: Database) -> None:
        self.clocks = Clocks()
        self.store = Store(database.engine("protocol"), origin=Origin("protocol", self.clocks))
        self.handlers = Handlers(RulesInForce(files()), self.clocks)

    def received(self, content: Message, child: str, **about: Any) -> Received[Any]:
        return Received(
            source="/test", id=str(uuid4()), subject=child, time=self.clocks.story(), content=content, **about
        )

    async def takes(self, *together: Received[Any]) -> None:
        async with self.store.transaction() as uow:
            for received in together:
                await self.handlers.on_message(received, uow)

    async def takes_and_fails(self, received: Received[Any]) -> list[str]:
        """The ids of what would have been said, had the transaction not failed at its very end."""
        ids: list[str] = []
        with contextlib.suppress(ZeroDivisionError):
            async with self.store.transaction() as uow:
                await self.handlers.on_message(received, uow)
                ids.extend(read(each["envelope"]).id for each in uow._bulk.get(outbox.PUT, ()))
                raise ZeroDivisionError
        return ids

    async def said(self, child: str) -> list[Received[Message]]:
        async with self.store.engine.connect() as connection:
            return [read(each.envelope) for each in await unsent_of(connection, child)]

    async def facts(self, child: str) -> list[Message]:
        """What is said of the child, a message that holds several facts taken apart."""
        return [part for each in await self.said(child) for part in parts_of(each.content)]

    async def due(self, child: str) -> list[Any]:
        async with self.store.engine.connect() as connection:
            query = "SELECT due_at, envelope, cancelled_at FROM deadlines.due WHERE child = :child ORDER BY due_at"
            return list(await connection.execute(text(query), {"child": child}))
