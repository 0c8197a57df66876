"""One transaction for everything that a message, a request or a turn of a loop brings about."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


class Transaction:
    """`connection` runs statements; what must follow the commit, such as waking a loop, is left with `after_commit`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.keys_said: dict[str, None] = {}
        self._acts: list[Callable[[], None]] = []

    def after_commit(self, act: Callable[[], None]) -> None:
        """`act` must not raise and must not wait. It is not called if the transaction fails, nor if the process dies first:
        it may only hurry what a sweep would do anyway.
        """
        self._acts.append(act)

    def committed(self) -> None:
        for act in self._acts:
            act()


class Store:
    """Opens transactions, and tells whoever listens which keys have messages to publish."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.on_keys_said: Callable[[list[str]], None] = lambda _keys: None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commits at the end of the block, or rolls all of it back when the block raises."""
        async with self.engine.connect() as connection:
            transaction = Transaction(connection)
            async with connection.begin():
                yield transaction
        if transaction.keys_said:
            self.on_keys_said(list(transaction.keys_said))
        transaction.committed()

    async def close(self) -> None:
        await self.engine.dispose()
