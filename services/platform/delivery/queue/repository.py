"""Keeps deliveries in their table: puts, withdraws, acknowledges and reads them, within the caller's transaction.

Rows are locked in the order of their ids. A transaction that changes several locks all of them first, so that it
does not deadlock with another that changes the same ones.

A delivery may be replayed for a receiver that has lost it: the same bytes under the same id, freshly signed, by the
same loop, schedule and lanes; one that still has it knows the id. (`DeliveryLoop.send_again` prepares a telling
anew.)
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.delivery.model import Delivery, State
from services.platform.messages.envelope import Received
from services.platform.register import keys
from services.platform.register.keys import AT_ONCE, Batch, Hashed, rehash
from services.platform.store.encryption import Keyring
from services.platform.store.query import BRIEFLY, Query, Reader, Rows, all_rows, first_row, to_columns, unnest_rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.duties import Duty, DutyAcknowledged
from services.safeguarding.identifiers import PersonId, Scope
from services.safeguarding.message import CONTRACTS

ROWS = "SELECT id FROM delivery.deliveries WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR NO KEY UPDATE"
ROWS_OF_TELLINGS = f"""
    SELECT id FROM {unnest_rows({"duty": "uuid", "step": "integer"})} JOIN delivery.deliveries d USING (duty, step)
    WHERE d.duty IS NOT NULL AND state <> 'acknowledged' ORDER BY id FOR NO KEY UPDATE OF d
"""  # noqa: S608 this module's own words


def lock_rows(ids: Iterable[UUID]) -> Query[Rows]:
    return Query(ROWS, {"ids": list(ids)}, all_rows)


def lock_stopped(messages: Collection[Received[Any]]) -> list[Query[Rows]]:
    """Locks what any of these messages withdraws or says is answered; no query where none does."""
    stopping = [each.content for each in messages if _stops(each.content)]
    tellings = [{"duty": each.duty, "step": each.step} for each in stopping]
    return [Query(ROWS_OF_TELLINGS, to_columns(tellings), all_rows)] if tellings else []


def _stops(content: Any) -> bool:
    return isinstance(content, DutyAcknowledged) or (isinstance(content, Duty) and content.act == "withdraw")


def channel_of(service: str) -> str:
    """On which processes tell each other of deliveries to take up. The payload names the process that tells."""
    return f"deliveries_{service}"


RECIPIENT, BODY = "deliveries.recipient", "deliveries.body"
"""The places of the encrypted columns: a ciphertext can be decrypted in its own place alone."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds a row, and until when, in wall time."""

    owner: str
    until: datetime


AS_IT_IS = ("id", "lane", "child", "authority", "person", "urgent", "exercise", "trace", "created_at", "texted", "code")
"""Columns that hold what a delivery says."""
OF_DUTY = ("kind", "duty", "step", "revision", "episode", "role")
"""Columns that hold what its duty says."""
FIXED = ("recipient", "body", "number_hash")
OTHERS = "telling service state attempts next_attempt_at lease_owner lease_until key_owner changed_at"
PUT_COLUMNS = (*AS_IT_IS, *OF_DUTY, *FIXED, *OTHERS.split())
PUT = f"""
    INSERT INTO delivery.deliveries ({", ".join(PUT_COLUMNS)}) SELECT {", ".join(f"%({name})s" for name in PUT_COLUMNS)}
    WHERE NOT EXISTS (
        SELECT FROM delivery.withdrawals
        WHERE service = %(service)s AND duty = %(duty)s AND step = %(step)s AND revision >= %(revision)s
    )
    ON CONFLICT (id) DO NOTHING RETURNING id
"""  # noqa: S608 names of our own
"""Inserts the row unless it is there or was withdrawn."""


async def put(uow: UnitOfWork, service: str, delivery: Delivery, keyring: Keyring, lease: Lease | None) -> bool:
    """False where it was withdrawn before, or has been put already: then nothing is sent because of this call."""
    row = _row(service, delivery, lease) | await _encrypt(uow, delivery, keyring)
    return await uow.fetch(Query(PUT, row, bool))


WITHDRAWAL = """
    INSERT INTO delivery.withdrawals (service, duty, step, revision, at)
    VALUES (%(service)s, %(duty)s, %(step)s, %(revision)s, %(at)s)
    ON CONFLICT (service, duty, step) DO UPDATE SET revision = excluded.revision, at = excluded.at
    WHERE withdrawals.revision < excluded.revision
"""
WITHDRAWN = """
    UPDATE delivery.deliveries SET withdrawn_at = %(at)s,
        changed_at = CASE WHEN state = 'accepted' THEN changed_at ELSE %(at)s END,
        next_attempt_at = CASE WHEN state = 'unknown' THEN least(next_attempt_at, %(at)s) ELSE next_attempt_at END,
        state = CASE WHEN state = 'waiting' THEN 'withdrawn' ELSE state END,
        lease_owner = CASE WHEN state = 'waiting' THEN NULL ELSE lease_owner END,
        lease_until = CASE WHEN state = 'waiting' THEN NULL ELSE lease_until END
    WHERE duty = %(duty)s AND step = %(step)s AND revision <= %(revision)s
        AND state IN ('waiting', 'sending', 'unknown', 'accepted')
    RETURNING state = 'unknown'
"""
ACKNOWLEDGED = f"""
    UPDATE delivery.deliveries AS kept SET state = 'acknowledged', changed_at = held.now
    FROM (
        SELECT id, given.now FROM {unnest_rows({"duty": "uuid", "step": "integer", "now": "timestamptz"})}
        JOIN delivery.deliveries d USING (duty, step)
        WHERE d.duty IS NOT NULL AND state <> 'acknowledged' ORDER BY id FOR UPDATE OF d
    ) held WHERE kept.id = held.id
"""  # noqa: S608 this module's own words


async def withdraw(uow: UnitOfWork, service: str, duty: Duty, at: datetime) -> bool:
    """Stops deliveries of this telling that have not been sent, or not been put yet. One that is being sent ends as it
    would, and its outcome is published. One that may have arrived is due at once, for the same reason. One that was
    accepted is neither sent again nor read out, even if it turns out not to have arrived. Returns whether one is due.
    `at` is wall time.
    """
    told = {"service": service, "duty": duty.duty, "step": duty.step, "revision": duty.revision, "at": at}
    _, withdrawn = await uow.fetch(Query(WITHDRAWAL, told, all_rows), Query(WITHDRAWN, told, all_rows))
    return any(is_unknown for (is_unknown,) in withdrawn)


async def acknowledge(uow: UnitOfWork, duty: UUID, step: int, at: datetime) -> None:
    """A person has it: nothing further is sent for this telling. `at` is wall time."""
    await uow.fetch(Query(ACKNOWLEDGED, to_columns([{"duty": duty, "step": step, "now": at}]), all_rows))


OF_STEP = "SELECT * FROM delivery.deliveries WHERE duty = %(duty)s AND step = %(step)s ORDER BY created_at, id"


def first_of_step(duty: UUID, step: int) -> Query[list[Delivery]]:
    """The first delivery to each person who was told. If nobody held the role at first: to whoever held it when it was
    sent again.
    """

    def decode(rows: Rows) -> list[Delivery]:
        first: dict[str | None, Delivery] = {}
        for row in rows:
            first.setdefault(row.person, decode_delivery(row))
        named = [delivery for person, delivery in first.items() if person is not None]
        return named or list(first.values())

    return Query(OF_STEP, {"duty": duty, "step": step}, decode)


ENDED = "UPDATE delivery.deliveries SET state = %(state)s, changed_at = %(at)s WHERE id = %(delivery)s"
PASSED_ON = """
    UPDATE delivery.deliveries SET state = 'failed', changed_at = %(at)s, withdrawn_at = coalesce(withdrawn_at, %(at)s)
    WHERE id = %(delivery)s
"""
OF_ONE = "SELECT * FROM delivery.deliveries WHERE id = %(delivery)s"
OF_TELLINGS_LOCKED = """
    SELECT * FROM delivery.deliveries WHERE id = ANY(%(ids)s::uuid[] || ARRAY(
        SELECT other.id FROM delivery.deliveries asked JOIN delivery.deliveries other USING (duty, step)
        WHERE asked.id = ANY(%(ids)s::uuid[]) AND other.duty IS NOT NULL
    )) ORDER BY id FOR UPDATE
"""
WITH_CODE = "SELECT id, created_at FROM delivery.deliveries WHERE code = %(code)s AND number_hash IS NOT NULL"
PEOPLE = "SELECT person FROM delivery.deliveries WHERE duty = %(duty)s AND person IS NOT NULL"
PEOPLE_NOT_REACHED = f"{PEOPLE} AND state = 'failed'"


async def end(uow: UnitOfWork, delivery: UUID, state: State, at: datetime) -> None:
    await uow.fetch(Query(ENDED, {"delivery": delivery, "state": state, "at": at}, all_rows))


async def pass_on(uow: UnitOfWork, delivery: UUID, at: datetime) -> None:
    """As failed, and taken back from the person whom it reached and who cannot act on it: it was not given up."""
    await uow.fetch(Query(PASSED_ON, {"delivery": delivery, "at": at}, all_rows))


async def lock(uow: UnitOfWork, delivery: UUID) -> tuple[Delivery, State] | None:
    """A delivery and its state, locked until this transaction ends."""
    return (await lock_all(uow, [delivery])).get(delivery)


async def lock_all(uow: UnitOfWork, those: Sequence[UUID]) -> dict[UUID, tuple[Delivery, State]]:
    """As `lock`, with the others of each telling, whose rows an answer changes too: in the order in which results are
    written, so that nobody waits for whoever waits for them.
    """
    rows = await uow.fetch(Query(OF_TELLINGS_LOCKED, {"ids": list(those)}, all_rows))
    return {row.id: (decode_delivery(row), State(row.state)) for row in rows}


async def find(connection: AsyncConnection, delivery: UUID) -> Delivery | None:
    """A delivery as it was put, whatever its state."""
    row = await _find(connection, delivery)
    return None if row is None else decode_delivery(row)


async def _find(connection: AsyncConnection, delivery: UUID) -> Any:
    return await Reader(connection).fetch(Query(OF_ONE, {"delivery": delivery}, first_row))


def texts_with_code(code: str) -> Query[list[tuple[UUID, datetime]]]:
    """The texts with this code, and when each was put: a code is short, and several may have it."""
    return Query(WITH_CODE, {"code": code}, lambda rows: [(row.id, row.created_at) for row in rows])


async def recipient_of(connection: AsyncConnection, keyring: Keyring, delivery: Delivery) -> str | None:
    """The number or address that it went to. None where it was never sent, or its key was erased."""
    return await _open(connection, keyring, delivery, RECIPIENT)


async def body_of(connection: AsyncConnection, keyring: Keyring, delivery: Delivery) -> str | None:
    """What was sent. None where it was never sent, or its key was erased."""
    return await _open(connection, keyring, delivery, BODY)


async def _open(connection: AsyncConnection, keyring: Keyring, delivery: Delivery, place: str) -> str | None:
    row = await _find(connection, delivery.id)
    closed = None if row is None else getattr(row, place.partition(".")[2])
    return (await keys.decryptor_of(connection, keyring, delivery.owner)).open(closed, place)


async def trace_of(connection: AsyncConnection, delivery: UUID) -> str | None:
    found = await find(connection, delivery)
    return None if found is None else found.trace


def decode_delivery(row: Any) -> Delivery:
    duty = None if row.kind is None else cast("Duty", CONTRACTS[row.kind].read_again(row.telling))
    return Delivery(**{name: getattr(row, name) for name in AS_IT_IS}, duty=duty, key_owner=row.key_owner)


def _row(service: str, delivery: Delivery, lease: Lease | None) -> dict[str, Any]:
    duty = delivery.duty
    return (
        {name: getattr(delivery, name) for name in AS_IT_IS}
        | {name: getattr(duty, name, None) for name in OF_DUTY}
        | {
            "telling": None if duty is None else duty.model_dump_json(exclude_defaults=True),
            "service": service,
            "state": State.WAITING,
            "attempts": 0,
            "next_attempt_at": delivery.created_at + delivery.held_for,
            "lease_owner": lease.owner if lease else None,
            "lease_until": lease.until if lease else None,
            "key_owner": delivery.owner,
            "changed_at": delivery.created_at,
        }
    )


async def _encrypt(uow: UnitOfWork, delivery: Delivery, keyring: Keyring) -> dict[str, Any]:
    if delivery.to_number is None or delivery.body is None:
        return dict.fromkeys(FIXED)
    key = await keys.key_of(uow, keyring, delivery.owner)
    return {
        "recipient": key.close(delivery.to_number, RECIPIENT),
        "body": key.close(delivery.body, BODY),
        "number_hash": keyring.number_hash(delivery.to_number),
    }


SUPERSEDED = """
    UPDATE delivery.deliveries SET withdrawn_at = %(at)s, changed_at = %(at)s,
        state = CASE WHEN state = 'waiting' THEN 'withdrawn' ELSE state END,
        lease_owner = CASE WHEN state = 'waiting' THEN NULL ELSE lease_owner END,
        lease_until = CASE WHEN state = 'waiting' THEN NULL ELSE lease_until END
    WHERE service = %(service)s AND duty = %(duty)s AND step = %(step)s AND id <> %(by)s
        AND state IN ('waiting', 'sending', 'unknown') AND withdrawn_at IS NULL
"""


async def supersede(uow: UnitOfWork, service: str, duty: Duty, *, by: UUID, at: datetime) -> None:
    """Stops all deliveries of this telling but `by`: a mail that a relay put off would arrive after the newer one. One
    that is being sent ends as it would. `at` is wall time.
    """
    older = {"service": service, "duty": duty.duty, "step": duty.step, "by": by, "at": at}
    await uow.fetch(Query(SUPERSEDED, older, all_rows))


async def people_not_reached(uow: UnitOfWork, duty: UUID) -> frozenset[PersonId]:
    """The people whom a telling of this duty did not reach, or who cannot act on it."""
    return await uow.fetch(Query(PEOPLE_NOT_REACHED, {"duty": duty}, _people))


async def people_told(uow: UnitOfWork, duty: UUID) -> frozenset[PersonId]:
    """The people whom a telling of this duty went to."""
    return await uow.fetch(Query(PEOPLE, {"duty": duty}, _people))


def _people(rows: Rows) -> frozenset[PersonId]:
    return frozenset(row.person for row in rows)


UNRECORDED_AT_ONCE = 100
TAKE_UNRECORDED = """
    WITH ended AS (
        SELECT id, looked_up AS read FROM delivery.deliveries
        WHERE looked_up IS NOT NULL AND state NOT IN ('waiting', 'sending', 'unknown')
            AND (lease_until IS NULL OR lease_until < %(now)s)
        LIMIT %(most)s FOR UPDATE SKIP LOCKED
    )
    UPDATE delivery.deliveries AS kept SET looked_up = NULL FROM ended WHERE kept.id = ended.id
    RETURNING ended.read, kept.*
"""
"""A row keeps what was read of the register until the first attempt is recorded. If the process dies before that, and a
receipt or an answer ends the delivery, nobody sends it again, so this takes what was read.
"""


def read_names(names: str | None) -> tuple[str, ...]:
    return tuple((names or "").split())


def join_names(names: tuple[str, ...]) -> str | None:
    return " ".join(names) or None


async def take_unrecorded(uow: UnitOfWork, now: datetime) -> list[tuple[Delivery, tuple[str, ...]]]:
    """Deliveries that have ended, and what was read for each, for the caller to publish. `now` is wall time."""
    rows = await uow.fetch(Query(TAKE_UNRECORDED, {"now": now, "most": UNRECORDED_AT_ONCE}, all_rows))
    return [(decode_delivery(row), read_names(row.read)) for row in rows]


A_PLACE = timedelta(microseconds=1)
"""PostgreSQL's resolution."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One delivery, or all of a lane that were put in [`since`, `until`), wall time; an end that is left out is open.

    `authorities`: only theirs.
    """

    delivery: UUID | None = None
    lane: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    authorities: Scope = None

    def __post_init__(self) -> None:
        if (self.delivery is None) == (self.lane is None):
            raise ValueError("one delivery, or one lane, has to be named")


REPLAY = """
    WITH held AS (
        SELECT id, created_at FROM delivery.deliveries
        WHERE body IS NOT NULL AND state IN ('accepted', 'delivered', 'acknowledged', 'failed')
            AND (%(authorities)s::text[] IS NULL OR authority = ANY(%(authorities)s::text[]))
            AND (%(delivery)s::uuid IS NULL OR id = %(delivery)s) AND (%(lane)s::text IS NULL OR lane = %(lane)s)
            AND (%(since)s::timestamptz IS NULL OR created_at >= %(since)s)
            AND (%(until)s::timestamptz IS NULL OR created_at < %(until)s)
        ORDER BY id FOR NO KEY UPDATE
    ), chosen AS (
        SELECT id, row_number() OVER (ORDER BY created_at, id) AS place FROM held
    )
    UPDATE delivery.deliveries d SET state = 'waiting', created_at = %(now)s + chosen.place * %(a_place)s,
        next_attempt_at = %(now)s + chosen.place * %(a_place)s, changed_at = %(now)s, withdrawn_at = NULL
    FROM chosen WHERE d.id = chosen.id RETURNING d.*
"""


async def replay(uow: UnitOfWork, chosen: Chosen, now: datetime) -> list[Delivery]:
    """Returns the deliveries that will go again. Those not sent yet, or withdrawn before they were accepted, stay as
    they are.

    They count as put now, in their order, so that the schedule begins anew. Raises LockNotAvailable if one stays
    locked: all are to go again, and none is kept from others for long.
    """
    authorities = None if chosen.authorities is None else list(chosen.authorities)
    about = asdict(chosen) | {"authorities": authorities, "now": now, "a_place": A_PLACE}
    _, replayed = await uow.fetch(BRIEFLY, Query(REPLAY, about, lambda rows: [decode_delivery(row) for row in rows]))
    return sorted(replayed, key=lambda delivery: delivery.created_at)


FIRST = UUID(int=0)
TEXTED = """
    SELECT id, key_owner, recipient, number_hash FROM delivery.deliveries
    WHERE number_hash IS NOT NULL AND id > %(after)s ORDER BY id LIMIT %(most)s
"""
REHASH = "UPDATE delivery.deliveries SET number_hash = %(after)s WHERE id = %(of)s AND number_hash = %(before)s"


async def texted_numbers(uow: UnitOfWork, keyring: Keyring, after: str) -> Batch:
    """Rotates this service's rows alone: row-level security hides the others."""
    asked = {"after": UUID(after) if after else FIRST, "most": AT_ONCE}
    rows = await uow.fetch(Query(TEXTED, asked, lambda found: [Hashed(*row) for row in found]))
    return await rehash(uow, keyring, rows, RECIPIENT, REHASH)
