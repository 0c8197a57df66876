"""Folds a mass report: if one source reports many children, a reader gets one message with a count, and few more."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from services.platform.delivery.model import Delivery, Postponed
from services.platform.delivery.queue.repository import decode_delivery
from services.platform.store.query import Query, Rows, all_rows, first_row, scalar
from services.platform.store.unit_of_work import UnitOfWork
from services.professionals.recipients import duty_of
from services.safeguarding.duty.duties import MassReport
from services.safeguarding.identifiers import PersonId
from services.safeguarding.roles import ON_DUTY, Channel

LOCK = """
    SELECT pg_advisory_xact_lock(hashtextextended('messages to readers of ' || authority, 0))
    FROM unnest(%(authorities)s::text[]) authority
"""
"""One for all readers of an authority: a transaction prepares several messages, and two that locked reader by reader
could deadlock.
"""
COUNTED_FOR = timedelta(days=1)
GROWS_EVERY = timedelta(minutes=4)
"""A text with a number that nobody answers is followed by another so often at most: sooner than the protocol asks again
of a child who waits for it.
"""
LOOKS_EVERY, LOCKED_FOR = timedelta(seconds=20), timedelta(seconds=1)
"""A text that waits is looked at so often, and so soon where the one that it would ride in is just being answered."""
SO_FAR = """
    WITH told AS (
        SELECT said.*, duty, state IN ('waiting', 'sending', 'unknown', 'accepted', 'delivered') AND withdrawn_at IS NULL AS is_open,
            state = 'acknowledged' AND counted AND leader = delivery AS is_answered
        FROM professionals.mass_texts said JOIN delivery.deliveries d ON d.id = delivery
        WHERE reporter = %(reporter)s AND said.authority = %(authority)s AND at > %(since)s
            AND (reader = %(reader)s OR (%(on_duty)s AND on_duty))
    ), about AS (
        SELECT min(at) AS at FROM told WHERE child = %(child)s
    ), answered AS (
        SELECT coalesce(max(told.at), '-infinity') AS at FROM told, about WHERE is_answered AND (about.at IS NULL OR told.at < about.at)
    ), led AS (
        SELECT delivery, at, is_open FROM told
        WHERE counted AND leader = delivery AND delivery <> %(delivery)s AND reader = %(reader)s AND wording = %(wording)s
            AND channel = %(channel)s AND at > %(lately)s ORDER BY at DESC LIMIT 1
    )
    SELECT
        (SELECT count(DISTINCT child) FROM told WHERE child <> %(child)s AND at > greatest(%(lately)s, answered.at)) AS lately,
        (SELECT count(DISTINCT child) FROM told WHERE child <> %(child)s) AS all_told,
        led.delivery AS leader, led.at > %(fresh)s AS is_fresh, about.at <= led.at AS shows_it
    FROM about CROSS JOIN answered LEFT JOIN led ON is_open
"""
"""What an answered text counted does not make the next child one of many: that one is told of by its own code."""
LOCK_LEADER = """
    SELECT true FROM delivery.deliveries
    WHERE id = %(leader)s AND state <> 'acknowledged' AND withdrawn_at IS NULL FOR SHARE SKIP LOCKED
"""
"""So that its answer waits for this transaction, and answers for what rides in it; or came first, and nothing rides."""
KEEP = """
    INSERT INTO professionals.mass_texts
        (delivery, leader, reader, reporter, authority, child, wording, channel, on_duty, counted, at)
    SELECT id, %(leader)s, %(reader)s, %(reporter)s, %(authority)s, %(child)s, %(wording)s, %(channel)s,
        %(on_duty)s, %(counted)s, %(at)s
    FROM delivery.deliveries
    WHERE id = %(delivery)s AND withdrawn_at IS NULL AND state IN ('waiting', 'sending', 'unknown') FOR NO KEY UPDATE
    ON CONFLICT (delivery) DO UPDATE SET leader = excluded.leader, counted = excluded.counted, reader = excluded.reader,
        on_duty = excluded.on_duty,
        at = CASE WHEN excluded.counted AND excluded.leader = excluded.delivery THEN excluded.at ELSE mass_texts.at END
"""
"""What was withdrawn or answered meanwhile is not sent, so nothing may ride in it. One that waited keeps its time, and
goes to whoever is on duty by now.
"""
RIDES = "UPDATE delivery.deliveries SET urgent = false WHERE id = %(delivery)s"
"""No call reads it out: its leader's text is the one that went to the phone."""
COUNTED = """
    SELECT d.* FROM delivery.deliveries led
    JOIN professionals.mass_texts said ON said.delivery = led.id AND said.leader = led.id AND said.counted
    JOIN professionals.mass_texts told ON (told.reporter, told.reader, told.wording, told.channel, told.authority)
        = (said.reporter, said.reader, said.wording, said.channel, said.authority)
        AND (told.leader = said.delivery OR (told.at <= said.at AND told.at > said.at - %(since)s::interval))
    JOIN delivery.deliveries d ON d.id = told.delivery AND d.duty <> led.duty
    WHERE led.duty = %(duty)s AND led.step = %(step)s AND d.state IN ('waiting', 'sending', 'unknown', 'accepted', 'delivered')
    ORDER BY d.created_at, d.id
"""
LOCK_LED = """
    SELECT FROM delivery.deliveries JOIN professionals.mass_texts ON delivery = id AND leader = id AND counted
    WHERE duty = %(duty)s AND step = %(step)s ORDER BY id FOR NO KEY UPDATE OF deliveries
"""


class MassText(NamedTuple):
    """The text or mail that gives the number. `leader` is the delivery that sends it; the others ride in it."""

    leader: UUID
    children: int


def lock_readers(deliveries: Sequence[Delivery]) -> list[Query[Rows]]:
    """Before these are prepared: until the commit no other transaction prepares a mail of their authorities, or a text
    of a mass report.
    """
    duties = map(duty_of, deliveries)
    authorities = sorted({each.authority for each in duties if each.mass or each.channel is Channel.EMAIL})
    return [Query(LOCK, {"authorities": authorities}, all_rows)] if authorities else []


async def fold_mail(
    uow: UnitOfWork, delivery: Delivery, mass: MassReport, reader: PersonId, now: datetime
) -> MassText | None:
    """As `fold_text`. The page behind a mail shows each child that joins it, so none waits."""
    about, found = await _read(uow, delivery, mass, reader, now)
    rides = found.leader is not None and await _is_unanswered(uow, found.leader)
    return await _keep(uow, about, found, mass, found.leader if rides else None)


async def fold_text(
    uow: UnitOfWork, delivery: Delivery, mass: MassReport, reader: PersonId, now: datetime
) -> MassText | Postponed | None:
    """Within the transaction that prepares a message, under `lock_readers`. None: it is about this child alone. For
    somebody on duty, what colleagues have heard counts too. `now` is story time.

    It rides in a fresh text that its reader has not answered and whose number counts its child. A child whom that one
    does not count waits, for the answer or the next number.
    """
    about, found = await _read(uow, delivery, mass, reader, now)
    is_many = found.lately + 1 >= mass.children
    if not is_many or not found.is_fresh:
        return await _keep(uow, about, found, mass, None)
    if found.shows_it and await _is_unanswered(uow, found.leader):
        return await _keep(uow, about, found, mass, found.leader)
    await uow.fetch(Query(KEEP, about | {"leader": delivery.id, "counted": False}, all_rows))
    return Postponed(LOCKED_FOR if found.shows_it else LOOKS_EVERY)


async def _read(
    uow: UnitOfWork, delivery: Delivery, mass: MassReport, reader: PersonId, now: datetime
) -> tuple[dict[str, Any], Any]:
    duty = duty_of(delivery)
    about: dict[str, Any] = {
        "delivery": delivery.id,
        "child": delivery.child,
        "authority": duty.authority,
        "wording": duty.wording,
        "channel": duty.channel,
        "reader": reader,
        "reporter": mass.reporter,
        "on_duty": duty.role in ON_DUTY,
        "at": now,
    }
    since = {"lately": now - mass.within, "since": now - COUNTED_FOR, "fresh": now - GROWS_EVERY}
    return about, await uow.fetch(Query(SO_FAR, about | since, first_row))


async def _is_unanswered(uow: UnitOfWork, leader: UUID) -> bool:
    return bool(await uow.fetch(Query(LOCK_LEADER, {"leader": leader}, scalar)))


async def _keep(
    uow: UnitOfWork, about: dict[str, Any], found: Any, mass: MassReport, leader: UUID | None
) -> MassText | None:
    """`leader`: the message that it rides in. None: it goes by itself, with the number if they are many."""
    counted, own = found.lately + 1 >= mass.children, about["delivery"]
    rides_in = leader if counted and leader is not None else own
    await uow.fetch(Query(KEEP, about | {"leader": rides_in, "counted": counted}, all_rows))
    if rides_in != own:
        await uow.fetch(Query(RIDES, {"delivery": own}, all_rows))
    return MassText(rides_in, found.all_told + 1) if counted else None


def deliveries_counted(duty: UUID, step: int) -> tuple[Query[Rows], Query[list[Delivery]]]:
    """The second gives those about other children that the text of this step counted, and that nobody has answered. The
    first waits for what is about to ride in it.
    """
    about = {"duty": duty, "step": step, "since": COUNTED_FOR}
    return Query(LOCK_LED, about, all_rows), Query(COUNTED, about, lambda rows: [decode_delivery(row) for row in rows])
