"""What the commands do: rows are re-armed or put, with the record of who asked, and the running service sends them."""

import asyncio
import time
from dataclasses import replace
from uuid import UUID

from sqlalchemy import select

from services.platform.delivery.model import State
from services.platform.delivery.queue.replay import Chosen, replay
from services.platform.delivery.settings import KeySettings
from services.platform.delivery.tables import attempts, deliveries
from services.platform.register import forces, operators
from services.platform.runtime.clocks import Clocks
from services.platform.store import story_clock
from services.platform.store.engine import connect
from services.platform.store.unit_of_work import Origin, Store, UnitOfWork
from services.police.notices import connection_test, operator_record
from services.police.notices.operator_record import Command
from services.safeguarding.operators import OperatorAct

TEST_SECONDS = 30.0
POLL_SECONDS = 0.2
GOOD = frozenset({State.ACCEPTED, State.ACKNOWLEDGED})


class NobodyMay(Exception):
    """No open account of this name may send notices again."""


async def replay_notices(chosen: Chosen, sign_in: str, reason: str) -> int:
    """How many go again, each with its entry on the record. Raises NobodyMay."""
    settings = KeySettings()
    clocks = Clocks()
    store = Store(connect(settings, "police"), origin=Origin("police", clocks))
    try:
        async with store.transaction() as uow:
            command = await _command(uow, sign_in, reason)
            authority = command.operator.authority
            again = await replay(uow, replace(chosen, authority=authority), command.now)
            for delivery in again:
                act = OperatorAct.SENT_AGAIN if delivery.duty is not None else OperatorAct.CONNECTION_TESTED
                await operator_record.record_operator_act(uow, settings.keyring, command, act, delivery)
            return len(again)
    finally:
        await store.close()


async def send_connection_test(force: str, sign_in: str, reason: str) -> tuple[bool, str]:
    """Whether the force's end took the test, and what is to be said of it. Raises NobodyMay."""
    settings = KeySettings()
    clocks = Clocks()
    store = Store(connect(settings, "police"), origin=Origin("police", clocks))
    try:
        async with store.transaction() as uow:
            command = await _command(uow, sign_in, reason)
            if await forces.of(uow.connection, settings.keyring, force) is None:
                return False, "the register knows no such force"
            test = await connection_test.put(uow, settings.keyring, force, command.now)
            await operator_record.record_operator_act(
                uow, settings.keyring, command, OperatorAct.CONNECTION_TESTED, test
            )
        return await _outcome(store, test.id)
    finally:
        await store.close()


async def _command(uow: UnitOfWork, sign_in: str, reason: str) -> Command:
    operator = await uow.fetch(operators.resender_by_sign_in(sign_in))
    if operator is None:
        raise NobodyMay
    clocks = Clocks(await story_clock.ahead_by(uow.connection))
    return Command(operator, reason, clocks.story(), clocks.wall())


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
