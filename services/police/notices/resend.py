"""Queues notices again for the commands, and records who asked. The running service sends them."""

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from services.platform.delivery.model import Delivery, State
from services.platform.delivery.queue.repository import Chosen, channel_of, put, replay
from services.platform.delivery.settings.keys import KeySettings
from services.platform.register import operators, words
from services.platform.register.operators import Operator
from services.platform.register.organisations import force_owner, in_force, versions_of
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, all_rows, scalar
from services.platform.store.story_clock import opened
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.police.notices.sender import lane_of
from services.safeguarding.identifiers import ForceId
from services.safeguarding.operators import OperatorAct, OperatorActed

TEST_SECONDS = 30.0
POLL_SECONDS = 0.2
STATE = "SELECT state FROM delivery.deliveries WHERE id = %(test)s"
MADE = "SELECT result, status, took_ms FROM delivery.attempts WHERE delivery = %(test)s"
GOOD = frozenset({State.ACCEPTED, State.ACKNOWLEDGED})


class NobodyMay(Exception):
    """The code is no longer good, or its owner may not send notices again."""


@dataclass(frozen=True, slots=True)
class Command:
    """`at` is story time, `now` wall time."""

    operator: Operator
    reason: str
    at: datetime
    now: datetime


async def replay_notices(chosen: Chosen, code: str, reason: str) -> int:
    """The number of notices that are sent again, each recorded. Raises NobodyMay."""
    settings, clocks = KeySettings(), Clocks()
    async with opened(settings, "police", clocks) as store, store.transaction() as uow:
        command = await _command(uow, clocks, code, reason)
        again = await replay(uow, replace(chosen, authorities=command.operator.scope), command.now)
        uow.notify(channel_of("police"))
        for delivery in again:
            act = OperatorAct.SENT_AGAIN if delivery.duty is not None else OperatorAct.CONNECTION_TESTED
            await _record(uow, settings.keyring, command, act, delivery)
        return len(again)


async def send_connection_test(force: str, code: str, reason: str, change: UUID | None = None) -> tuple[bool, str]:
    """Whether the force's system accepted the test, and a sentence about it. Raises NobodyMay."""
    settings, clocks = KeySettings(), Clocks()
    keyring = settings.keyring
    async with opened(settings, "police", clocks) as store:
        async with store.transaction() as uow:
            command = await _command(uow, clocks, code, reason)
            known = in_force(await uow.fetch(versions_of(keyring, force)), command.now)
            if known is None:
                return False, "the register knows no such force"
            if change is not None and change not in {each.version for each in known.proposed}:
                return False, "no such change of this force waits for approval"
            test = await put_test(uow, keyring, force, command.now, change)
            await _record(uow, keyring, command, OperatorAct.CONNECTION_TESTED, test)
        return await _outcome(store, test.id)


async def put_test(
    uow: UnitOfWork, keyring: Keyring, force: ForceId, now: datetime, change: UUID | None = None
) -> Delivery:
    """The running service sends it: to the address and with the keys of the proposed `change`, if one is given. `now`
    is wall time.
    """
    owner = force_owner(force)
    delivery = Delivery(
        id=uuid4(), lane=lane_of(force, change), child=owner, created_at=now, exercise=True, key_owner=owner
    )
    await put(uow, "police", delivery, keyring, None)
    uow.notify(channel_of("police"))
    return delivery


async def _command(uow: UnitOfWork, clocks: Clocks, code: str, reason: str) -> Command:
    operator = await uow.fetch(operators.operator_by_code(code, clocks.wall()))
    if operator is None:
        raise NobodyMay
    return Command(operator, reason, clocks.story(), clocks.wall())


async def _record(uow: UnitOfWork, keyring: Keyring, command: Command, act: OperatorAct, delivery: Delivery) -> None:
    """The reason goes into the register, encrypted under the key of the person whom the notice is about. The running
    service publishes the act.
    """
    operator, duty = command.operator, delivery.duty
    kept = await words.keep(
        uow, keyring, about=delivery.owner, words=command.reason, said_by=operator.account, at=command.at
    )
    acted = OperatorActed(
        authority=delivery.authority or operator.only_authority,
        act=act,
        account=operator.account,
        role=operator.role,
        episode=None if duty is None else duty.episode,
        duty=None if duty is None else duty.duty,
        step=None if duty is None else duty.step,
        words=(kept,),
    )
    uow.publish(acted, subject=delivery.child, cause=delivery, at=command.at)


async def _outcome(store: Store, test: UUID) -> tuple[bool, str]:
    """Waits at most TEST_SECONDS for the answer to the first attempt."""
    deadline = time.monotonic() + TEST_SECONDS
    while True:
        async with store.read() as reader:
            state, made = await reader.fetch(
                Query(STATE, {"test": test}, scalar), Query(MADE, {"test": test}, all_rows)
            )
        if made or state == State.FAILED:
            break
        if time.monotonic() > deadline:
            return False, f"test {test} waits: is the police service running?"
        await asyncio.sleep(POLL_SECONDS)
    tries = "; ".join(f"{each.result} ({each.status or 'no answer'}, {each.took_ms} ms)" for each in made)
    return state in GOOD, f"test {test}: {state}{': ' + tries if tries else ''}"
