"""Folds a mass report: if one source reports many children, a reader gets one message with a count, and few more."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from services.platform.delivery.model import Delivery
from services.platform.delivery.queue.repository import decode_delivery
from services.platform.store.query import Query, Rows, all_rows, first_row
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
OF_REPORTER = "FROM professionals.mass_texts WHERE reporter = %(reporter)s AND authority = %(authority)s"
SO_FAR = f"""
    SELECT count(DISTINCT child) FILTER (WHERE at > %(lately)s) AS lately, count(DISTINCT child) AS all_told,
        (SELECT leader {OF_REPORTER} AND counted AND delivery = leader AND reader = %(reader)s AND wording = %(wording)s
            AND channel = %(channel)s AND at > %(lately)s ORDER BY at DESC LIMIT 1) AS leader
    {OF_REPORTER} AND (reader = %(reader)s OR (%(on_duty)s AND on_duty)) AND at > %(since)s AND child <> %(child)s
"""
KEEP = """
    INSERT INTO professionals.mass_texts
        (delivery, leader, reader, reporter, authority, child, wording, channel, on_duty, counted, at)
    SELECT id, %(leader)s, %(reader)s, %(reporter)s, %(authority)s, %(child)s, %(wording)s, %(channel)s,
        %(on_duty)s, %(counted)s, %(at)s
    FROM delivery.deliveries
    WHERE id = %(delivery)s AND withdrawn_at IS NULL AND state IN ('waiting', 'sending', 'unknown') FOR NO KEY UPDATE
    ON CONFLICT DO NOTHING
"""
"""What was withdrawn or answered meanwhile is not sent, so nothing may ride in it."""
RIDES = "UPDATE delivery.deliveries SET urgent = false WHERE id = %(delivery)s"
"""No call reads it out: its leader's text is the one that went to the phone."""
COUNTED = """
    SELECT d.* FROM delivery.deliveries led
    JOIN professionals.mass_texts said ON said.delivery = led.id AND said.leader = led.id AND said.counted
    JOIN professionals.mass_texts told ON (told.reporter, told.reader, told.wording, told.channel, told.authority)
        = (said.reporter, said.reader, said.wording, said.channel, said.authority)
        AND told.at <= said.at AND told.at > said.at - %(since)s::interval
    JOIN delivery.deliveries d ON d.id = told.delivery AND d.duty <> led.duty
    WHERE led.duty = %(duty)s AND led.step = %(step)s AND d.state IN ('sending', 'unknown', 'accepted', 'delivered')
    ORDER BY d.created_at, d.id
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


async def fold(
    uow: UnitOfWork, delivery: Delivery, mass: MassReport, reader: PersonId, now: datetime
) -> MassText | None:
    """Within the transaction that prepares a message, under `lock_readers`. None: it is about this child alone. For
    somebody on duty, what colleagues have heard counts too. `now` is story time.
    """
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
    since = {"lately": now - mass.within, "since": now - COUNTED_FOR}
    found = await uow.fetch(Query(SO_FAR, about | since, first_row))
    counted = found.lately + 1 >= mass.children
    leader = (found.leader if counted else None) or delivery.id
    await uow.fetch(Query(KEEP, about | {"leader": leader, "counted": counted}, all_rows))
    if leader != delivery.id:
        await uow.fetch(Query(RIDES, {"delivery": delivery.id}, all_rows))
    return MassText(leader, found.all_told + 1) if counted else None


def deliveries_counted(duty: UUID, step: int) -> Query[list[Delivery]]:
    """Those about other children that the text of this step counted, and that nobody has answered."""
    about = {"duty": duty, "step": step, "since": COUNTED_FOR}
    return Query(COUNTED, about, lambda rows: [decode_delivery(row) for row in rows])
