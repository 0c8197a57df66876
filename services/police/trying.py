"""What the commands do: rows are re-armed or put, and the running service sends them."""

import asyncio
import time
from uuid import UUID

from sqlalchemy import select

from services.delivery.parcel import State
from services.delivery.replay import Chosen, replay
from services.delivery.settings import KeySettings
from services.delivery.tables import attempts, deliveries
from services.police import testing
from services.register import forces
from services.runtime.clocks import Clocks
from services.store.engine import connect
from services.store.transaction import Store

TEST_SECONDS = 30.0
POLL_SECONDS = 0.2
GOOD = frozenset({State.ACCEPTED, State.ACKNOWLEDGED})


async def replayed(chosen: Chosen) -> int:
    """How many go again."""
    store = Store(connect(KeySettings(), "police"))
    try:
        async with store.transaction() as transaction:
            return await replay(transaction, chosen, Clocks().wall())
    finally:
        await store.close()


async def tried(force: str) -> tuple[bool, str]:
    """Whether the force's end took the test, and what is to be said of it."""
    settings = KeySettings()
    store = Store(connect(settings, "police"))
    try:
        async with store.transaction() as transaction:
            if await forces.of(transaction.connection, settings.keyring, force) is None:
                return False, "the register knows no such force"
            test = await testing.put(transaction, settings.keyring, force, Clocks().wall())
        return await _outcome(store, test)
    finally:
        await store.close()


async def _outcome(store: Store, test: UUID) -> tuple[bool, str]:
    """As soon as the first attempt has been answered, or after half a minute."""
    deadline = time.monotonic() + TEST_SECONDS
    while True:
        async with store.reading.connect() as connection:
            state = str(await connection.scalar(select(deliveries.c.state).where(deliveries.c.id == test)))
            made = (await connection.execute(select(attempts).where(attempts.c.delivery == test))).mappings().all()
        if made or state == State.FAILED:
            break
        if time.monotonic() > deadline:
            return False, f"test {test} waits: is the police service running?"
        await asyncio.sleep(POLL_SECONDS)
    tries = "; ".join(f"{each['result']} ({each['status'] or 'no answer'}, {each['took_ms']} ms)" for each in made)
    return state in GOOD, f"test {test}: {state}{': ' + tries if tries else ''}"
