"""A delivery floor in the test's own process, on a real PostgreSQL, with a medium that answers as the test says."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import and_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.delivery.channels.channel import SendRequest, SendResult
from services.platform.delivery.model import Delivery, MediumName, PreparedMessage, Undeliverable
from services.platform.delivery.sending.attempt import Locks, Prepare, Secrets, no_secrets
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.messages.envelope import Received, read
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, scalar
from services.platform.store.unit_of_work import Origin, Store, UnitOfWork
from services.safeguarding.duty.decisions import AttemptResult
from services.safeguarding.duty.duties import Because, Duty, DutyOutcomes, PoliceNotify, parts_of
from services.safeguarding.identifiers import new_id
from services.safeguarding.roles import Channel, Role, Wording
from tests.support.engines.database import Database
from tests.support.in_process.register import SECRET
from tests.support.tables import attempts, deliveries, outbox

ACCEPTED = SendResult(AttemptResult.ACCEPTED, 200)
LATER = SendResult(AttemptResult.RETRY, 503)
REFUSED = SendResult(AttemptResult.REFUSED, 400, reason="refused")


def received(
    of: type[Duty] = PoliceNotify, *, child: str | None = None, exercise: bool = False, **about: Any
) -> Received[Any]:
    """A duty's telling as it comes from the bus."""
    content: dict[str, Any] = {
        "duty": uuid4(),
        "step": 0,
        "revision": 1,
        "because": Because.FIRST,
        "authority": "kestrel",
        "role": Role.POLICE_CONTROL_ROOM,
        "channel": Channel.WEBHOOK,
        "wording": Wording("missing-notice"),
        "rule": "tell-police-missing",
        "protocol": "missing-from-care 2026.1",
        "cites": ("S13",),
        "created_at": Clocks().wall(),
        "episode": uuid4(),
    }
    now = Clocks().wall()
    return Received(
        source="/safe-return/protocol",
        id=str(uuid4()),
        subject=child or new_id("child"),
        time=now,
        content=of(**(content | about)),
        exercise=exercise,
    )


def sending(
    url: str,
    body: str = '{"type":"missing-notice.new"}',
    *,
    id: UUID | None = None,  # noqa: A002 the field's name
    secrets: tuple[str, ...] = (SECRET,),
) -> SendRequest:
    """One attempt, as a medium is given it."""
    now = Clocks().wall()
    return SendRequest(
        id=id or uuid4(),
        attempt=1,
        recipient=url,
        body=body,
        secrets=secrets,
        urgent=True,
        uncertain=False,
        created_at=now,
        now=now,
    )


@dataclass
class PlayedMedium:
    """Answers from a list, then as `otherwise` says, `delay_seconds` later, but none before `released` is set."""

    answers: list[SendResult] = field(default_factory=list)
    otherwise: SendResult = ACCEPTED
    delay_seconds: float = 0
    sent: list[SendRequest] = field(default_factory=list)
    at_once: int = 0
    at_once_most: int = 0
    released: asyncio.Event | None = None
    name: MediumName = "webhook"

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send(self, sending: SendRequest) -> SendResult:
        self.sent.append(sending)
        self.at_once += 1
        self.at_once_most = max(self.at_once_most, self.at_once)
        try:
            if self.released is not None:
                await self.released.wait()
            await asyncio.sleep(self.delay_seconds)
            return self.answers.pop(0) if self.answers else self.otherwise
        finally:
            self.at_once -= 1


async def prepare(_transaction: UnitOfWork, delivery: Delivery) -> PreparedMessage | Undeliverable:
    return PreparedMessage("http://127.0.0.1:1/notices", f"notice {delivery.id}", read=("child.name",))


@dataclass
class Floor:
    """A running loop of one service, and what the tests ask of its tables."""

    loop: DeliveryLoop
    store: Store
    clocks: Clocks
    is_dead: bool = False
    keyring: Any = None
    """None where no test asks for words that were sent."""

    async def put(self, told: Received[Any], lane: str) -> Delivery:
        delivery = Delivery.of(told, lane=lane, now=self.clocks.wall())
        async with self.store.transaction() as uow:
            await self.loop.put(uow, delivery)
        return delivery

    async def die(self) -> None:
        """Neither claims nor renews any more; what it was sending hangs for ever. As after kill -9."""
        await self.loop._sweep.stop()
        await self.loop._renewals.stop()
        self.is_dead = True

    def forget(self) -> None:
        """What hangs hangs no longer: stopping would wait for it."""
        for sending in list(self.loop._dispatcher._held.values()):
            if sending is not None:
                sending.cancel()

    async def withdraw(self, told: Received[Any]) -> None:
        async with self.store.transaction() as uow:
            await self.loop.withdraw(uow, told)

    async def row(self, delivery: UUID) -> Any:
        async with self.store.engine.connect() as connection:
            found = await connection.execute(select(deliveries).where(deliveries.c.id == delivery))
            return found.mappings().one()

    async def attempts(self, delivery: UUID) -> list[Any]:
        async with self.store.engine.connect() as connection:
            rows = await connection.execute(
                select(attempts).where(attempts.c.delivery == delivery).order_by(attempts.c.attempt)
            )
            return list(rows.mappings())

    async def said(self, child: str) -> list[dict[str, Any]]:
        """What waits to be published under this child, as JSON, oldest first. An attempt that travels with its outcome is
        told apart from it.
        """
        return [each for message in await self.messages(child) for each in _apart(message)]

    async def messages(self, child: str) -> list[dict[str, Any]]:
        """As they travel."""
        async with self.store.engine.connect() as connection:
            rows = await connection.execute(
                select(outbox.c.envelope).where(outbox.c.key == child).order_by(outbox.c.position)
            )
            return [json.loads(raw) for raw in rows.scalars()]

    async def kinds_said(self, child: str) -> list[str]:
        return [message["type"] for message in await self.said(child)]

    async def facts_said(self, child: str, kind: str) -> list[dict[str, Any]]:
        """The facts of this kind, whether each travelled alone or with others, as JSON, oldest first."""
        messages = [read(json.dumps(each).encode()).content for each in await self.messages(child)]
        facts = [fact for each in messages for fact in parts_of(each)]
        return [fact.model_dump(mode="json", exclude_defaults=True) for fact in facts if fact.kind == kind]

    async def idle(self) -> None:
        """Nothing is being sent, and the outcome of what was sent is written."""
        await eventually(lambda: not self.loop._dispatcher.held)

    async def whatever_waits_is_sent(self) -> None:
        """Now, whatever its schedule, and nothing by itself afterwards: what has not been sent by then would never be."""
        await self.loop._sweep.stop()
        await self.idle()
        await self.end_pauses()
        while await self.loop._turn():
            pass
        await self.idle()

    async def end_pauses(self) -> None:
        """What waits for another attempt is due, also where a defect kept the last one's outcome from being written."""
        unsent = deliveries.c.state.in_(["waiting", "sending", "unknown"])
        waiting = and_(unsent, deliveries.c.lease_owner.is_(None))
        async with self.store.engine.begin() as connection:
            await connection.execute(update(deliveries).where(waiting).values(next_attempt_at=self.clocks.wall()))

    @asynccontextmanager
    async def without_pauses(self) -> AsyncIterator[None]:
        """Meanwhile whatever fails is tried again at once."""
        over = asyncio.Event()

        async def end_them() -> None:
            while not over.is_set():
                await self.end_pauses()
                self.loop._sweep.wake()
                await asyncio.sleep(0.02)

        async with asyncio.TaskGroup() as both:
            both.create_task(end_them())
            try:
                yield
            finally:
                over.set()

    async def until(self, delivery: UUID, state: str, within: float = 45) -> Any:
        async with asyncio.timeout(within):
            while (row := await self.row(delivery))["state"] != state:  # noqa: ASYNC110 another process may change it
                await asyncio.sleep(0.02)
            return row


@asynccontextmanager
async def running_floor(
    engine: AsyncEngine,
    keyring: Keyring,
    medium: Any,
    *,
    service: str = "police",
    prepare: Prepare = prepare,
    secrets: Secrets = no_secrets,
    locks: Locks | None = None,
    slot: int | None = None,
    at_once: int = 4,
    clocks: Clocks | None = None,
    others: Sequence[Any] = (),
) -> AsyncIterator[Floor]:
    clocks = clocks or Clocks()
    store = Store(engine, origin=Origin(service, clocks))
    loop = DeliveryLoop(
        service,
        store,
        clocks,
        medium,
        keyring=keyring,
        prepare=prepare,
        secrets=secrets,
        locks=locks,
        slot=slot,
        at_once=at_once,
        others=others,
    )
    await loop.start()
    floor = Floor(loop, store, clocks, keyring=keyring)
    try:
        yield floor
    finally:
        if floor.is_dead:
            floor.forget()
        await loop.stop()


@asynccontextmanager
async def all_withdrawn(database: Database, service: str) -> AsyncIterator[AsyncEngine]:
    """The service's engine, over deliveries of which none is left for a floor that starts here."""
    engine = database.engine(service)
    async with engine.begin() as connection:
        await connection.execute(update(deliveries).values(state="withdrawn"))
    yield engine
    await engine.dispose()


@asynccontextmanager
async def no_leftovers(engine: AsyncEngine) -> AsyncIterator[None]:
    """Ends first what other tests of this service left waiting: a floor that starts here would take it up."""
    left = deliveries.c.state.in_(["waiting", "sending", "unknown"])
    async with engine.begin() as connection:
        await connection.execute(update(deliveries).where(left).values(state="withdrawn"))
    yield


WAITS = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
LOCKED = "SELECT id FROM delivery.deliveries WHERE id = %(id)s FOR NO KEY UPDATE NOWAIT"


async def waits_without_holding(
    store: Store, low: UUID, high: UUID, act: Callable[[], Coroutine[Any, Any, None]]
) -> None:
    """Another transaction has locked `low`; `act`, which changes both rows, waits for it and has not locked `high`."""
    async with store.transaction() as uow:
        await uow.fetch(Query(LOCKED, {"id": low}, scalar))
        acts = asyncio.create_task(act())
        async with asyncio.timeout(60):
            while not await uow.fetch(Query(WAITS, {}, scalar)):
                assert not acts.done(), "it needed no lock"
                await asyncio.sleep(0.01)
        assert await uow.fetch(Query(LOCKED, {"id": high}, scalar)) == high
    await acts


async def eventually(holds: Callable[[], Any], within: float = 45) -> None:
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110 asks about anything, not about one event
            await asyncio.sleep(0.01)


def _apart(message: dict[str, Any]) -> list[dict[str, Any]]:
    if message["type"] != DutyOutcomes.kind or len(message["data"].get("attempts", ())) != 1:
        return [message]
    facts = parts_of(DutyOutcomes.read_again(message["data"]))
    return [
        message | {"type": each.kind, "data": each.model_dump(mode="json", exclude_defaults=True)} for each in facts
    ]
