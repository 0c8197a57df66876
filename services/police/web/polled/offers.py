"""Keeps notices for forces that come for them: offered by a cursor, accepted once the force has come for more."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from services.platform.delivery import events as delivery_events
from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import SendRequest, SendResult
from services.platform.delivery.model import MediumName, State
from services.platform.delivery.queue.repository import BODY, decode_delivery
from services.platform.register.keys import Decryptor
from services.platform.runtime.logs import logger
from services.platform.store.encryption import Keyring, split
from services.platform.store.key_wrappers.wrapper import DOES_NOT_OPEN, KeyMissing
from services.platform.store.query import BRIEFLY, Query, Rows, all_rows, scalar
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.evidence import AttemptResult
from services.safeguarding.identifiers import ForceId

AT_ONCE = 50
LOOK_AGAIN = timedelta(minutes=5)
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('offered to ' || %(force)s, 0))"
"""The positions of a force are committed in their order, so that its cursor passes none over."""
START = """
    SELECT CASE
        WHEN EXISTS (SELECT FROM police.offered WHERE force = %(force)s AND position = %(after)s) THEN %(after)s
        ELSE least(%(after)s, (
            SELECT coalesce(max(o.position), 0) FROM police.offered o JOIN delivery.deliveries d ON d.id = o.delivery
            WHERE o.force = %(force)s AND d.lane = %(lane)s AND o.confirmed_at IS NOT NULL
        ))
    END
"""
"""A cursor that no answer of this database gave confirms nothing. After a restoration a force has one, and what is put
since lies below it.
"""
CONFIRM = """
    WITH confirmed AS (
        UPDATE police.offered o SET confirmed_at = %(now)s FROM delivery.deliveries d
        WHERE d.id = o.delivery AND d.lane = %(lane)s
            AND o.force = %(force)s AND o.position <= %(after)s AND o.confirmed_at IS NULL RETURNING o.delivery
    )
    UPDATE delivery.deliveries SET state = 'accepted', changed_at = %(now)s, lease_owner = NULL, lease_until = NULL
    WHERE id = ANY(ARRAY(
        SELECT id FROM delivery.deliveries
        WHERE id IN (SELECT delivery FROM confirmed) AND state IN ('waiting', 'sending', 'unknown')
        ORDER BY id FOR NO KEY UPDATE
    ))
    RETURNING *
"""
OFFER = """
    INSERT INTO police.offered (delivery, force, offered_at)
    SELECT id, %(force)s, %(now)s FROM delivery.deliveries
    WHERE lane = %(lane)s AND state IN ('sending', 'unknown') AND body IS NOT NULL AND withdrawn_at IS NULL
    ORDER BY created_at ON CONFLICT DO NOTHING
"""
OFFERED = """
    SELECT o.position, d.id, d.key_owner, d.body, k.wrapped FROM police.offered o
    JOIN delivery.deliveries d ON d.id = o.delivery JOIN register.data_keys k ON k.owner = d.key_owner
    WHERE o.force = %(force)s AND d.lane = %(lane)s AND o.position > %(after)s AND d.state <> 'withdrawn'
    ORDER BY o.position LIMIT %(most)s
"""
TAKE_BACK = "DELETE FROM police.offered WHERE delivery = ANY(%(notices)s) AND confirmed_at IS NULL"
"""What the force was not given, its cursor must not confirm. It is offered anew until it opens, or its time is over."""


class PolledSender:
    """Sends nothing. Until the force confirms that it has come for a notice, the notice may have arrived."""

    name: MediumName = "poll"

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send(self, _sending: SendRequest) -> SendResult:
        return SendResult(AttemptResult.UNKNOWN, retry_after=LOOK_AGAIN, waits=True)


@dataclass(frozen=True, slots=True)
class Notice:
    position: int
    id: UUID
    body: str


class Offer(NamedTuple):
    """`closed`: those that do not open now. They are offered again. `after`: the cursor for the next time."""

    notices: list[Notice]
    closed: list[UUID]
    after: int


async def offer(uow: UnitOfWork, keyring: Keyring, force: ForceId, lane: str, after: int, now: datetime) -> Offer:
    """The notices of this lane after the cursor, the oldest first, without those whose key was erased. Those up to the
    cursor are confirmed: the force has stored them. `now` is wall time. Raises LockNotAvailable if one of them stays
    locked: the force asks again with the same cursor.
    """
    about: dict[str, Any] = {"force": force, "lane": lane, "after": after, "now": now, "most": AT_ONCE}
    _, _, start = await uow.fetch(BRIEFLY, Query(ONE_AT_A_TIME, about, all_rows), Query(START, about, scalar))
    about["after"] = start
    confirmed, _, found = await uow.fetch(
        Query(CONFIRM, about, all_rows),
        Query(OFFER, about, all_rows),
        Query(OFFERED, about, all_rows),
    )
    for row in confirmed:
        delivery = decode_delivery(row)
        uow.publish(delivery_events.accepted(delivery, None), subject=delivery.child, cause=delivery)
        uow.on_commit(metrics.ENDED.labels(PolledSender.name, State.ACCEPTED).inc)
    given = _opened(keyring, found, start)
    if given.closed:
        uow.write(TAKE_BACK, {"notices": given.closed})
    return given


def _opened(keyring: Keyring, rows: Rows, start: int) -> Offer:
    """One authority's missing key holds up no other's notices. It is asked for once, since a key service is slow."""
    notices, closed, missing = list[Notice](), list[UUID](), set[bytes]()
    for row in rows:
        body, under = None, split(row.wrapped)[0]
        try:
            if under not in missing:
                body = Decryptor(keyring, row.key_owner, row.wrapped).open(row.body, BODY)
        except DOES_NOT_OPEN as error:
            logger().error("notices do not open: a key is missing or wrong", delivery=str(row.id), exc_info=error)
            if isinstance(error, KeyMissing):
                missing.add(under)
        if body is None:
            closed.append(row.id)
        else:
            notices.append(Notice(row.position, row.id, body))
    return Offer(notices, closed, notices[-1].position if notices else start)
