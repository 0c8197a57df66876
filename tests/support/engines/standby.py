"""A standby that PostgreSQL waits for and that is away: each commit that wrote something waits, until it is cancelled."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psycopg

from tests.support.engines.database import Database

WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
CANCEL = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@dataclass(frozen=True)
class AwayStandby:
    admin: psycopg.AsyncConnection

    async def awaited(self) -> None:
        """Returns once a commit waits for it."""
        await self._until(WAITING)

    async def cancel(self) -> None:
        """Cancels the wait of the commit that waits, or of the next."""
        await self._until(CANCEL)

    async def _until(self, sql: str) -> None:
        async with asyncio.timeout(30):
            while (await (await self.admin.execute(sql)).fetchone()) is None:  # noqa: ASYNC110 it tells nobody
                await asyncio.sleep(0.05)


@asynccontextmanager
async def standby_away(database: Database) -> AsyncIterator[AwayStandby]:
    async with await psycopg.AsyncConnection.connect(database.admin_url, autocommit=True) as admin:
        try:
            await admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
            await admin.execute("SELECT pg_reload_conf()")
            yield AwayStandby(admin)
        finally:
            await admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
            await admin.execute("SELECT pg_reload_conf()")
