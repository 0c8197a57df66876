"""Groups mails to one reader into one that names each matter, and folds a mass report. Each is accepted and
acknowledged by itself.

If one source reports many children, a reader gets one message with a count, and few more. The matters behind the
button of a mail are answered one by one or all at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from services.platform.delivery.channels import email
from services.platform.delivery.links import Button, Sheet
from services.platform.delivery.model import Delivery, Postponed, PreparedMessage, State
from services.platform.delivery.queue.repository import BODY, decode_delivery
from services.platform.register.directory import Contact
from services.platform.register.keys import Decryptor
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows, all_rows, bulk_insert, first_row, scalar
from services.platform.store.unit_of_work import Local, UnitOfWork
from services.professionals.recipients import RecipientLookup, duty_of
from services.professionals.wording import MailLanguage, mail_code, may_share_a_mail
from services.safeguarding.duty.duties import Duty, MassReport
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
        SELECT delivery, leader, reader, said.wording, said.channel, at, counted, duty, CASE duty WHEN %(duty)s THEN %(child)s
                ELSE first_value(said.child) OVER (PARTITION BY duty ORDER BY at DESC, delivery) END AS child, state IN ('waiting', 'sending', 'unknown', 'accepted', 'delivered') AND withdrawn_at IS NULL AS is_open,
            state = 'acknowledged' AND counted AND leader = delivery AS is_answered
        FROM professionals.mass_texts said JOIN delivery.deliveries d ON d.id = delivery
        WHERE reporter = %(reporter)s AND said.authority = %(authority)s AND at > %(since)s
            AND (reader = %(reader)s OR (%(on_duty)s AND on_duty))
    ), about AS (
        SELECT min(at) AS at FROM told WHERE child = %(child)s
    ), others AS (
        SELECT min(at) AS at, lag(min(at)) OVER (ORDER BY min(at)) AS before FROM told WHERE child <> %(child)s GROUP BY child
    ), began AS (
        SELECT max(at) AS at FROM others WHERE before IS NULL OR at - before > %(within)s
    ), answered AS (
        SELECT coalesce(max(told.at), '-infinity') AS at FROM told, about WHERE is_answered AND (about.at IS NULL OR told.at < about.at)
    ), led AS (
        SELECT delivery, at, is_open FROM told
        WHERE counted AND leader = delivery AND delivery <> %(delivery)s AND reader = %(reader)s AND wording = %(wording)s
            AND channel = %(channel)s AND at > %(lately)s ORDER BY at DESC LIMIT 1
    )
    SELECT
        (SELECT count(DISTINCT child) FROM told WHERE child <> %(child)s AND at > greatest(%(lately)s, answered.at)) AS lately,
        (SELECT count(*) FROM others, began WHERE others.at >= began.at) AS all_told,
        led.delivery AS leader, led.at > %(fresh)s AS is_fresh, about.at <= led.at AS shows_it
    FROM about CROSS JOIN answered LEFT JOIN led ON is_open
"""
"""The number is of those reported one soon after the other: not of what the same source reported hours before. A child
whom somebody has named since is counted once. What an answered text counted does not make the next child one of many:
that one is told of by its own code.
"""
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
        "duty": duty.duty,
        "child": delivery.child,
        "authority": duty.authority,
        "wording": duty.wording,
        "channel": duty.channel,
        "reader": reader,
        "reporter": mass.reporter,
        "on_duty": duty.role in ON_DUTY,
        "at": now,
    }
    since = {"within": mass.within, "lately": now - mass.within, "since": now - COUNTED_FOR, "fresh": now - GROWS_EVERY}
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


AT_MOST = 20
"""Deliveries in one mail. The rest go in the next."""

PREPARED: Local[dict[UUID, PreparedMessage]] = Local(dict)
"""The mails that this transaction has prepared, by delivery. One that went in another's mail has that mail."""
ANOTHERS_MAIL = """
    SELECT mail.body, mail.key_owner, wrapped FROM delivery.deliveries mail
    JOIN professionals.grouped ON leader = mail.id LEFT JOIN register.data_keys ON owner = mail.key_owner
    WHERE delivery = %(delivery)s AND leader <> %(delivery)s AND mail.body IS NOT NULL
"""
MAIL_OF = """
    SELECT mail.body, mail.key_owner, wrapped FROM delivery.deliveries mail
    LEFT JOIN register.data_keys ON owner = mail.key_owner WHERE id = %(leader)s AND mail.body IS NOT NULL
"""
UNSENT = f"""
    SELECT d.* FROM delivery.deliveries d
    WHERE NOT EXISTS ({ANOTHERS_MAIL}) AND lane = %(lane)s AND state = 'waiting' AND attempts = 0 AND body IS NULL
        AND withdrawn_at IS NULL AND id <> %(delivery)s AND exercise = %(practice)s AND d.authority = %(authority)s
        AND EXISTS (
            SELECT FROM register.rota
            WHERE person = %(reader)s AND rota.role = d.role AND (rota.child IS NULL OR rota.child = d.child)
        )
        AND NOT EXISTS (SELECT FROM professionals.grouped WHERE delivery = d.id)
    ORDER BY created_at, id LIMIT %(most)s FOR NO KEY UPDATE OF d SKIP LOCKED
"""  # noqa: S608 this module's own words
"""No rows for a delivery that went in another's mail. The rows stay locked: a withdrawal of one waits until the mail is
written (`ridden`).
"""
GROUP = bulk_insert(
    "professionals.grouped", {"delivery": "uuid", "leader": "uuid", "at": "timestamptz"}, "ON CONFLICT DO NOTHING"
)


class Gathered(NamedTuple):
    """What goes in the leader's mail, and how many children its reporter has reported, if they are many."""

    others: list[Delivery]
    children: int = 0


@dataclass(frozen=True)
class DigestGrouping:
    """Works within the transaction that prepares a mail. `leader` is the delivery whose mail the others go in."""

    keyring: Keyring
    clocks: Clocks

    async def gather(self, uow: UnitOfWork, delivery: Delivery, reader: Contact) -> PreparedMessage | Gathered:
        """Returns the mail that this delivery went in, or the reader's other unsent deliveries, which join this one on
        commit. Exercises go with exercises, and an authority's with its own. Called under `lock_readers`.
        """
        prepared = uow.local(PREPARED)
        if delivery.id in prepared:
            return prepared[delivery.id]
        about = {"delivery": delivery.id, "reader": reader.person, "authority": duty_of(delivery).authority}
        among = about | {"lane": email.LANE, "practice": delivery.exercise, "most": AT_MOST - 1}
        mail, unsent = await uow.fetch(Query(ANOTHERS_MAIL, about, first_row), Query(UNSENT, among, _deliveries))
        if mail is not None:
            return self._reopen(reader, mail) or Gathered([])  # the mail was erased since: this one has its own
        told, mass = duty_of(delivery).wording, duty_of(delivery).mass
        folded = None if mass is None else await fold_mail(uow, delivery, mass, reader.person, self.clocks.story())
        if folded is not None and folded.leader != delivery.id:
            joined = prepared.get(folded.leader) or await self._join(uow, delivery, folded.leader, reader)
            if joined is not None:
                return joined
        near = [each for each in unsent if may_share_a_mail(duty_of(each).wording, told)]
        others = await self._to_same_reader(uow, near, reader)
        if others or folded is not None:
            self._group(uow, delivery.id, delivery, *others)
        return Gathered(others, 0 if folded is None else folded.children)

    def _group(self, uow: UnitOfWork, leader: UUID, *those: Delivery) -> None:
        now = self.clocks.wall()
        uow.bulk_write(GROUP, *({"delivery": each.id, "leader": leader, "at": now} for each in those))

    async def _join(self, uow: UnitOfWork, delivery: Delivery, leader: UUID, reader: Contact) -> PreparedMessage | None:
        """The mail of `leader`, which has been prepared. The page behind it shows this delivery from now on."""
        mail = await uow.fetch(Query(MAIL_OF, {"leader": leader}, first_row))
        found = None if mail is None else self._reopen(reader, mail)
        if found is not None:
            self._group(uow, leader, delivery)
        return found

    def _reopen(self, reader: Contact, mail: Any) -> PreparedMessage | None:
        body = Decryptor(self.keyring, mail.key_owner, mail.wrapped).open(mail.body, BODY)
        if body is None:
            return None
        return PreparedMessage(reader.email or "", body, person=reader.person, read=("person.email",))

    async def _to_same_reader(self, uow: UnitOfWork, unsent: list[Delivery], reader: Contact) -> list[Delivery]:
        readers = await RecipientLookup(self.keyring, self.clocks).find_each(uow, unsent, lambda each: each.email)
        return [
            other
            for other, found in zip(unsent, readers, strict=True)
            if isinstance(found, Contact) and found.person == reader.person and other.id not in uow.local(PREPARED)
        ]


def _deliveries(rows: Rows) -> list[Delivery]:
    return [decode_delivery(row) for row in rows]


IN_MAIL = """
    SELECT delivery FROM professionals.grouped JOIN delivery.deliveries d ON d.id = delivery
    WHERE leader = %(leader)s AND delivery <> %(leader)s ORDER BY at, d.created_at, d.id
"""


def deliveries_in_mail(leader: UUID) -> Query[list[UUID]]:
    """Every delivery in this mail, in the order of the mail: the leader first. A mail of one has the leader alone."""
    return Query(IN_MAIL, {"leader": leader}, lambda rows: [leader, *(row.delivery for row in rows)])


RIDDEN = """
    SELECT d.*, mail.person AS reader FROM delivery.deliveries d
    JOIN professionals.grouped ON delivery = d.id AND leader <> d.id JOIN delivery.deliveries mail ON mail.id = leader
    WHERE d.duty = %(duty)s AND d.step = %(step)s AND d.state = 'withdrawn'
        AND mail.body IS NOT NULL AND mail.state <> 'failed'
"""


def ridden(duty: Duty) -> Query[list[tuple[Delivery, PersonId]]]:
    """Deliveries of this step that were withdrawn unsent, though another's mail may have told their reader."""
    about = {"duty": duty.duty, "step": duty.step}
    return Query(RIDDEN, about, lambda rows: [(decode_delivery(row), row.reader) for row in rows])


def remember(uow: UnitOfWork, mail: PreparedMessage, *grouped_in_it: Delivery) -> None:
    """For the rest of this transaction."""
    uow.local(PREPARED).update(dict.fromkeys((each.id for each in grouped_in_it), mail))


HAVE_IT, HAND_OVER, CANNOT = "have-it", "hand-over", "cannot"
HAVE_ALL = "have-all"
OVER = frozenset({State.ACKNOWLEDGED, State.WITHDRAWN})
"""No answer changes these."""


class Matter(NamedTuple):
    """One of the matters of a mail, numbered from 1."""

    number: int
    delivery: Delivery
    duty: Duty
    state: State

    @property
    def code(self) -> str:
        return mail_code(self.duty)

    @property
    def button(self) -> str:
        return f"{HAVE_IT}-{self.number}"


def read_answer(matters: list[Matter], button: str) -> tuple[list[Matter], str]:
    """The matters that the button is about, and its answer to each of them."""
    what, _, shown = button.rpartition("-")
    if what in {HAVE_ALL, CANNOT}:
        seen = int(shown) if shown.isdecimal() else 0  # others may have come since the page was shown
        return matters[:seen], CANNOT if what == CANNOT else HAVE_IT
    return [each for each in matters if each.button == button], HAVE_IT


def build_sheet(words: MailLanguage, matters: list[Matter]) -> Sheet:
    page = words.page
    left = [each for each in matters if each.state not in OVER]
    unanswered = [each for each in left if each.state is not State.FAILED]
    buttons = [
        Button(each.button, page["have-one"].format(number=each.number, code=each.code), quiet=True) for each in left
    ]
    if len(left) > 1:
        buttons.insert(0, Button(f"{HAVE_ALL}-{len(matters)}", page["have-all"]))
    if unanswered:
        buttons.append(Button(f"{CANNOT}-{len(matters)}", page["cannot-any"], quiet=True))
    return Sheet(
        page["ask-several"] if left else page["thanks"],
        (page["explain-several"],) if left else (),
        tuple(buttons),
        sections=tuple(_section(words, each) for each in matters),
        done=not left,
        language=words.name,
    )


def _section(words: MailLanguage, matter: Matter) -> tuple[str, tuple[str, ...]]:
    state = {State.ACKNOWLEDGED: "is-yours", State.WITHDRAWN: "is-over", State.FAILED: "passed-on"}.get(matter.state)
    says = words.says(matter.duty.wording, matter.duty.role)
    return f"{matter.number}. {matter.code}", (says, *([words.page[state]] if state else []))
