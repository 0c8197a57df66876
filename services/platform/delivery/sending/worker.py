"""Takes up what was put: at once where this process put it, by claiming where it lies waiting."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import ChannelRegistry, ChannelSender
from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import leases, slo, transitions
from services.platform.delivery.queue import repository as deliveries
from services.platform.delivery.queue.leases import LeasedDelivery
from services.platform.delivery.queue.repository import Lease
from services.platform.delivery.sending.attempt import Attempt, Begun, Prepare, Secrets, no_secrets
from services.platform.delivery.sending.dispatcher import Dispatcher
from services.platform.delivery.sending.lanes import Lanes
from services.platform.delivery.sending.results import ResultWriter
from services.platform.messages.envelope import Received
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger, place
from services.platform.runtime.periodic import Repeating
from services.platform.store.encryption import Keyring
from services.platform.store.transient_errors import OF_DATABASE, is_transient
from services.platform.store.unit_of_work import Local, Store, UnitOfWork
from services.safeguarding.duty.duties import Duty

LEASE = timedelta(seconds=10)
RENEW_EVERY_SECONDS = 3.0
SWEEP_EVERY_SECONDS = 0.5
MEASURE_EVERY_SECONDS = 2.0
PROMISE_EVERY = timedelta(minutes=1)
PROMISE_LATELY_EVERY = timedelta(seconds=10)
CLAIMED_AT_ONCE = 32
STOP_GRACE_SECONDS = 4.0


class DeliveryLoop:
    """A part. `slot` is the process's stable identity: one that comes back under it takes up at once what it held.

    `put`, `withdraw` and `acknowledged` belong to the caller's transaction; sending begins right after its commit.
    `at_once` is how many sends one lane gets at the same time. `others`: the media of a service that has more than one.
    `alone`: parcels that have to be begun in a transaction of their own, since what they become hangs on what others have committed.
    """

    def __init__(
        self,
        service: str,
        store: Store,
        clocks: Clocks,
        medium: ChannelSender,
        *,
        keyring: Keyring,
        prepare: Prepare,
        secrets: Secrets = no_secrets,
        slot: int | None = None,
        at_once: int = 4,
        others: Sequence[ChannelSender] = (),
        alone: Callable[[Delivery], bool] = lambda _: False,
    ) -> None:
        self._service, self._store, self._clocks, self._keyring = service, store, clocks, keyring
        self._media = ChannelRegistry(medium, others)
        self._owner = f"{service}-{uuid4() if slot is None else slot}"
        self._sweep = Repeating("delivery", self._turn, every_seconds=SWEEP_EVERY_SECONDS)
        self._renewals = Repeating("delivery leases", self._renew, every_seconds=RENEW_EVERY_SECONDS)
        self._backlog = Repeating("delivery backlog", self._measure, every_seconds=MEASURE_EVERY_SECONDS)
        self._attempt = Attempt(service, self._owner, store, clocks, keyring, self._media, prepare, secrets)
        ending = ResultWriter(service, self._owner, store, clocks, keyring, self._media)
        self._dispatcher = Dispatcher(self._attempt, ending, clocks, Lanes(at_once), self._sweep.wake)
        self._alone = alone
        self._places: Local[dict[str, int]] = Local(dict)
        """How many deliveries of each lane the transaction has begun."""
        self._uncommitted: set[UUID] = set()
        """Parcels that were put and begun in a transaction that is not committed: if it never is, they begin alone next time."""
        self._has_come_back = False
        self._promise_due_at = self._promise_lately_due_at = clocks.wall()

    def obstacle(self) -> str | None:
        return self._dispatcher.waits or self._sweep.obstacle() or self._renewals.obstacle()

    async def put(self, uow: UnitOfWork, delivery: Delivery) -> bool:
        """False where it was withdrawn before it came, or is there already: nothing is sent because of this call."""
        takes_up = not delivery.held_for and self._dispatcher.has_room(delivery.lane, urgent=delivery.urgent)
        if takes_up and self._takes_a_place(uow, delivery):
            return await self._put_and_begin(uow, LeasedDelivery(delivery))
        lease = self._lease() if takes_up else None
        written = await deliveries.put(uow, self._service, delivery, self._keyring, lease)
        if written and takes_up:
            uow.on_commit(lambda: self._dispatcher.take_up(LeasedDelivery(delivery)))
        elif written:
            self._dispatcher.lanes.of(delivery.lane).turned_away = True
            uow.on_commit(self._sweep.wake)
        return written

    async def withdraw(self, uow: UnitOfWork, received: Received[Duty]) -> None:
        await deliveries.withdraw(uow, self._service, received.content, self._clocks.wall())

    async def acknowledged(self, uow: UnitOfWork, duty: UUID, step: int) -> None:
        """A person has it: nothing further is sent for this telling."""
        deliveries.acknowledged_last(uow, duty, step, self._clocks.wall())

    def _takes_a_place(self, uow: UnitOfWork, delivery: Delivery) -> bool:
        """One that no other parcel of the transaction has: then the transaction that puts it begins its first attempt too."""
        if self._alone(delivery) or delivery.id in self._uncommitted:
            self._uncommitted.discard(delivery.id)
            return False
        taken = uow.local(self._places).get(delivery.lane, 0)
        if taken >= self._dispatcher.places(delivery.lane):
            return False
        uow.local(self._places)[delivery.lane] = taken + 1
        return True

    async def _put_and_begin(self, uow: UnitOfWork, hand: LeasedDelivery) -> bool:
        """What has to be prepared first sees everything that the transaction writes; a reply needs no more than it brings."""
        delivery, begun = hand.delivery, list[Begun]()
        put = deliveries.put_to_begin if delivery.body is None else deliveries.put
        if not await put(uow, self._service, delivery, self._keyring, self._lease()):
            return False
        self._uncommitted.add(delivery.id)
        uow.on_commit(lambda: self._take_up(uow, hand, begun))
        if delivery.body is None:
            uow.before_commit(lambda: self._begin(uow, hand, begun))
        else:
            await self._begin(uow, hand, begun)
        return True

    async def _begin(self, uow: UnitOfWork, hand: LeasedDelivery, begun: list[Begun]) -> None:
        """What goes wrong is for an attempt that begins alone, where an error of ours is counted and told of: now, or, where it was
        the database's and takes the whole transaction with it, when the parcel is put again.
        """
        try:
            attempt = await self._attempt.begin_where_put(uow, hand)
        except OF_DATABASE:
            raise
        except Exception as error:  # noqa: BLE001 happens again when it begins alone
            logger().info("a parcel is prepared once more, alone", delivery=str(hand.delivery.id), reason=place(error))
        else:
            begun += [] if attempt is None else [attempt]

    def _take_up(self, uow: UnitOfWork, hand: LeasedDelivery, begun: Sequence[Begun]) -> None:
        """Called when it is committed."""
        self._uncommitted.discard(hand.delivery.id)
        holds = transitions.has_begun(uow, hand.delivery.id)
        self._dispatcher.take_up(hand, begun[0] if begun and holds else None)

    async def start(self) -> None:
        await self._media.start()
        for part in (self._sweep, self._renewals, self._backlog):
            await part.start()

    async def stop(self) -> None:
        await self._sweep.stop()
        await self._dispatcher.stop(STOP_GRACE_SECONDS)
        for part in (self._renewals, self._backlog):
            await part.stop()
        await self._media.stop()
        try:
            async with self._store.transaction() as uow:
                await leases.release(uow.connection, self._owner)
        except Exception as error:
            if not is_transient(error):
                raise

    async def _turn(self) -> bool:
        """Releases what an earlier life of this process held, then claims what is due and has room."""
        async with self._store.transaction() as uow:
            if not self._has_come_back:
                await leases.release(uow.connection, self._owner)
            await self._put_right(uow)
            claimed = await self._claim(uow)
            tried = await self._claim_of_failing(uow)
        self._has_come_back = True
        for hand in claimed + tried:
            self._dispatcher.take_up(hand)
        return len(claimed) == CLAIMED_AT_ONCE

    async def _put_right(self, uow: UnitOfWork) -> None:
        """What the dispatcher asks for meanwhile is left for the next turn."""
        dispatcher, connection = self._dispatcher, uow.connection
        back, again = frozenset(dispatcher.given_back), frozenset(dispatcher.answering_again)
        if back:
            await leases.release(connection, self._owner, back)
        for lane in again:
            await leases.bring_forward(connection, lane, self._clocks.wall())
        uow.on_commit(lambda: dispatcher.given_back.difference_update(back))
        uow.on_commit(lambda: dispatcher.answering_again.difference_update(again))

    async def _claim(self, uow: UnitOfWork) -> list[LeasedDelivery]:
        full = self._dispatcher.lanes.without_room()
        for lane in full:
            lane.turned_away = True
        return await leases.due(
            uow.connection,
            self._lease(),
            now=self._clocks.wall(),
            passed_over=[lane.name for lane in full],
            most=CLAIMED_AT_ONCE,
        )

    async def _claim_of_failing(self, uow: UnitOfWork) -> list[LeasedDelivery]:
        now, claimed = self._clocks.wall(), []
        for lane in self._dispatcher.lanes.failing():
            if lane.sending or lane.queue:
                continue
            untried = not lane.may_try_again(now)
            hand = await leases.one_of_lane(uow.connection, self._lease(), lane.name, now=now, untried=untried)
            claimed += [] if hand is None else [hand]
        return claimed

    async def _renew(self) -> bool:
        held = self._dispatcher.held
        if held:
            async with self._store.transaction() as uow:
                await leases.renew(uow.connection, self._lease(), held)
        return False

    async def _measure(self) -> bool:
        now = self._clocks.wall()
        async with self._store.reading.connect() as connection:
            await slo.backlog(connection, now)
            if now >= self._promise_due_at:
                await slo.measure(connection, self._service, now)
                self._promise_due_at = now + PROMISE_EVERY
            elif now >= self._promise_lately_due_at:
                await slo.measure_recent(connection, self._service, now)
                self._promise_lately_due_at = now + PROMISE_LATELY_EVERY
        metrics.LANES_FAILING.set(len(self._dispatcher.lanes.failing()))
        return False

    def _lease(self) -> Lease:
        return Lease(self._owner, self._clocks.wall() + LEASE)
