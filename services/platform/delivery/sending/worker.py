"""Takes up deliveries: right after the commit those that this process has put, by a claim all others."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import get_args
from uuid import UUID, uuid4

from services.platform.delivery import events as delivery_events
from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import ChannelRegistry, ChannelSender
from services.platform.delivery.model import Delivery, MediumName
from services.platform.delivery.queue import leases, slo
from services.platform.delivery.queue import repository as deliveries
from services.platform.delivery.queue.leases import LeasedDelivery
from services.platform.delivery.queue.repository import Lease
from services.platform.delivery.sending.attempt import LONG_AGO, AttemptStarter, Locks, Prepare, Secrets, no_secrets
from services.platform.delivery.sending.dispatcher import Dispatcher, Lanes
from services.platform.delivery.sending.results import ResultWriter
from services.platform.messages.envelope import Received
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.process import Repeating
from services.platform.store.encryption import Keyring
from services.platform.store.engine import is_transient
from services.platform.store.query import Reader
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.duty.duties import Duty, DutySendAgain
from services.safeguarding.identifiers import derived

LEASE = timedelta(seconds=10)
RENEW_EVERY_SECONDS = 3.0
SWEEP_EVERY_SECONDS = 8.0
"""Without anything due. Less than a lease: so the end of each lease of another process is known before it comes."""
AGAIN_SECONDS = 0.5
"""After a failed turn, and after an attempt that did not arrive: until then its row says when the next is due."""
LOOK_AHEAD_EVERY = timedelta(seconds=1)
TELL_OTHERS_EVERY = timedelta(seconds=1)
MEASURE_EVERY_SECONDS = 15.0
RECORD_READINGS_EVERY_SECONDS = 60.0
MEASURE_SLO_EVERY = timedelta(minutes=5)
CLAIMED_AT_ONCE = 32
STOP_GRACE_SECONDS = 4.0


class DeliveryLoop:
    """A part. `slot` is the process's stable identity: a process that comes back under it takes up what it held.

    `put`, `withdraw`, `send_again` and `acknowledged` belong to the caller's transaction; the dispatcher takes a
    delivery up right after its commit. `at_once` is how many sends one lane gets at the same time. `others`: further
    channels of the service.
    """

    def __init__(
        self,
        service: str,
        store: Store,
        clocks: Clocks,
        channel: ChannelSender,
        *,
        keyring: Keyring,
        prepare: Prepare,
        secrets: Secrets = no_secrets,
        slot: int | None = None,
        at_once: int = 4,
        others: Sequence[ChannelSender] = (),
        locks: Locks | None = None,
    ) -> None:
        self._service, self._store, self._clocks, self._keyring = service, store, clocks, keyring
        self._channels = ChannelRegistry(channel, others)
        self._owner = f"{service}-{uuid4() if slot is None else slot}"
        self._sweep = Repeating("delivery", self._turn, every_seconds=SWEEP_EVERY_SECONDS, again_seconds=AGAIN_SECONDS)
        self._renewals = Repeating("delivery leases", self._renew, every_seconds=RENEW_EVERY_SECONDS)
        self._backlog = Repeating("delivery backlog", self._measure, every_seconds=MEASURE_EVERY_SECONDS)
        self._readings = Repeating(
            "delivery readings", self._record_readings, every_seconds=RECORD_READINGS_EVERY_SECONDS
        )
        self._starter = AttemptStarter(self._owner, store, clocks, keyring, self._channels, prepare, secrets, locks)
        results = ResultWriter(service, self._owner, store, keyring, self._channels)
        self._dispatcher = Dispatcher(
            self._starter, self._channels, results, clocks, Lanes(at_once), self._sweep.wake, self._retry_later
        )
        self.knows_as_taken = self._dispatcher.knows_as_taken
        self._has_come_back = False
        self._looks_ahead_at = self._tells_others_at = self._measured_due_at = LONG_AGO
        for windows in ("hours", "days"):  # else an alert would not see what fails from the start
            metrics.MEASURED.labels(windows).set(clocks.wall().timestamp())
        self._channel = deliveries.channel_of(service)
        store.channels.on(self._channel, self._told)

    def obstacle(self) -> str | None:
        parts = (self._starter, self._sweep, self._renewals, self._backlog, self._readings)
        return self._dispatcher.obstacle or next(filter(None, (each.obstacle() for each in parts)), None)

    async def put(self, uow: UnitOfWork, delivery: Delivery) -> bool:
        """False where it was withdrawn before, or has been put already: then nothing is sent because of this call."""
        takes_up = not delivery.held_for and self._dispatcher.has_room(delivery.lane, urgent=delivery.urgent)
        lease = self._lease() if takes_up else None
        if not await deliveries.put(uow, self._service, delivery, self._keyring, lease):
            return False
        if takes_up:
            uow.on_commit(lambda: self._dispatcher.take_up(LeasedDelivery(delivery)))
        elif delivery.held_for:
            uow.on_commit(lambda: self._sweep.wake_after(delivery.held_for.total_seconds()))
        else:
            self._dispatcher.lanes.of(delivery.lane).turned_away = True
            uow.on_commit(self._sweep.wake)
        return True

    async def withdraw(self, uow: UnitOfWork, received: Received[Duty]) -> None:
        """One that may have arrived is taken up again, so that its outcome is published."""
        if await deliveries.withdraw(uow, self._service, received.content, self._clocks.wall()):
            uow.on_commit(self._sweep.wake)

    async def send_again(self, received: Received[DutySendAgain], uow: UnitOfWork) -> None:
        """For an operator: as a delivery of its own, prepared anew, so to its recipient's present address. An answer to
        either counts. Does nothing where this service sent nothing for it, or it was withdrawn.
        """
        asked = received.content
        for first in await uow.fetch(deliveries.first_of_step(asked.duty, asked.step)):
            name = derived("sent again", str(first.id), str(asked.asked))
            await self.put(uow, replace(first, id=name, created_at=self._clocks.wall()))

    async def acknowledged(self, uow: UnitOfWork, duty: UUID, step: int) -> None:
        """A person has it: nothing further is sent for this telling. Written with the commit."""
        uow.bulk_write(deliveries.ACKNOWLEDGED, {"duty": duty, "step": step, "now": self._clocks.wall()})

    async def start(self) -> None:
        await self._channels.start()
        for part in (self._sweep, self._renewals, self._backlog, self._readings):
            await part.start()

    async def stop(self) -> None:
        await self._sweep.stop()
        await self._dispatcher.stop(STOP_GRACE_SECONDS)
        for part in (self._renewals, self._backlog, self._readings):
            await part.stop()
        await self._channels.stop()
        try:
            async with self._store.transaction() as uow:
                if await leases.release(uow.connection, self._owner):
                    uow.notify(self._channel, self._owner)
        except Exception as error:
            if not is_transient(error):
                raise

    async def _turn(self) -> bool:
        """Releases the rows that an earlier life of this process held, claims those that are due and have room, and
        asks when the next is due.
        """
        await self._apply_requests()
        async with self._store.transaction() as uow:
            if not self._has_come_back:
                # What was put a moment ago, and is not held yet, is released too: the claim takes it up again at once.
                await leases.release(uow.connection, self._owner, but=self._dispatcher.held)
            claimed = await self._claim(uow)
            tried = await self._claim_of_failing(uow)
            await self._look_ahead(uow)
        self._has_come_back = True
        for leased in claimed + tried:
            self._dispatcher.take_up(leased)
        return len(claimed) == CLAIMED_AT_ONCE

    async def _apply_requests(self) -> None:
        """Releases and brings forward rows as the dispatcher has asked. What it asks meanwhile waits for the next."""
        dispatcher = self._dispatcher
        if back := frozenset(dispatcher.given_back):
            async with self._store.transaction() as uow:
                await leases.release(uow.connection, self._owner, back)
                uow.notify(self._channel, self._owner)
            dispatcher.given_back.difference_update(back)
        for lane in frozenset(dispatcher.answering_again):
            async with self._store.transaction() as uow:
                await leases.bring_forward(uow.connection, lane, self._clocks.wall())
            dispatcher.answering_again.discard(lane)
            self._looks_ahead_at = LONG_AGO

    async def _claim(self, uow: UnitOfWork) -> list[LeasedDelivery]:
        full, now = self._dispatcher.lanes.without_room(), self._clocks.wall()
        if any(lane.turned_away and not lane.failing for lane in full):
            self._tell_others(uow, now)
        for lane in full:
            lane.turned_away = True
        closed = [lane.name for lane in self._dispatcher.lanes.without_room(urgent=True)]
        return await leases.due(
            uow.connection,
            self._lease(),
            now=now,
            passed_over=closed,
            for_urgent=[lane.name for lane in full],
            most=CLAIMED_AT_ONCE,
        )

    def _tell_others(self, uow: UnitOfWork, now: datetime) -> None:
        """There is more than this process has room for. Seldom, since notifying commits wait for each other."""
        if now < self._tells_others_at:
            self._sweep.wake_after((self._tells_others_at - now).total_seconds())
            return
        uow.notify(self._channel, self._owner)
        self._tells_others_at = now + TELL_OTHERS_EVERY

    async def _claim_of_failing(self, uow: UnitOfWork) -> list[LeasedDelivery]:
        now, claimed = self._clocks.wall(), []
        for lane in self._dispatcher.lanes.failing():
            if lane.sending or lane.queue:
                continue
            untried = not lane.may_try_again(now)
            if untried and lane.next_try_at is not None:
                self._sweep.wake_after((lane.next_try_at - now).total_seconds())
            leased = await leases.one_of_lane(uow.connection, self._lease(), lane.name, now=now, untried=untried)
            claimed += [] if leased is None else [leased]
        return claimed

    async def _look_ahead(self, uow: UnitOfWork) -> None:
        """Turns again when the next row is due and free: one to be tried again, or one whose process has died."""
        now = self._clocks.wall()
        if now < self._looks_ahead_at:
            return
        next_at = await uow.fetch(leases.next_at(now))
        self._looks_ahead_at = now + LOOK_AHEAD_EVERY
        if next_at is not None:
            self._sweep.wake_after((next_at - now).total_seconds())

    def _told(self, by: str | None) -> None:
        if by != self._owner:
            self._look_again()

    def _look_again(self) -> None:
        self._looks_ahead_at = LONG_AGO
        self._sweep.wake()

    def _retry_later(self) -> None:
        self._looks_ahead_at = LONG_AGO
        self._sweep.wake_after(AGAIN_SECONDS)

    async def _renew(self) -> None:
        held = self._dispatcher.held
        if held:
            async with self._store.transaction() as uow:
                leases.renew(uow, self._lease(), held)

    async def _record_readings(self) -> bool:
        """Publishes what a dead process had read of the register for deliveries that ended without it."""
        async with self._store.transaction() as uow:
            found = await deliveries.take_unrecorded(uow, self._clocks.wall())
            for delivery, read in found:
                purpose = delivery_events.purpose_of(delivery)
                looked_up = delivery_events.looked_up(delivery, purpose, read, delivery.person)
                uow.publish(looked_up, subject=delivery.child, cause=delivery)
        return len(found) == deliveries.UNRECORDED_AT_ONCE

    async def _measure(self) -> None:
        """What is urgent first: the count of a month may take too long."""
        failing = Counter(lane.medium for lane in self._dispatcher.lanes.failing())
        for medium in get_args(MediumName):
            metrics.LANES_FAILING.labels(medium).set(failing[medium])
        now = self._clocks.wall()
        async with self._store.reading.connect() as connection:
            count, oldest = await Reader(connection).fetch(leases.backlog())
            metrics.WAITING.set(count)
            metrics.OLDEST.set((now - oldest).total_seconds() if oldest else 0)
            await slo.measure_recent(connection, self._service, now)
            metrics.MEASURED.labels("hours").set(now.timestamp())
            if now >= self._measured_due_at:
                self._measured_due_at = now + MEASURE_SLO_EVERY
                await slo.measure(connection, self._service, now)
                metrics.MEASURED.labels("days").set(now.timestamp())

    def _lease(self) -> Lease:
        return Lease(self._owner, self._clocks.wall() + LEASE)
