"""The durable rows: put, withdrawn, acknowledged. All within the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import bindparam, exists, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.delivery.parcel import Parcel, State
from services.delivery.tables import deliveries, withdrawals
from services.register import keys
from services.safeguarding.duties import Duty
from services.safeguarding.message import CONTRACTS
from services.store.encryption import Keyring
from services.store.pipeline import as_sql, at_once
from services.store.transaction import Transaction

RECIPIENT, BODY = "deliveries.recipient", "deliveries.body"
"""Where the encrypted columns lie: a ciphertext opens there alone."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds the row, and until when, in wall time."""

    owner: str
    until: datetime


def _put() -> Any:
    """Puts the row unless it is there or was withdrawn; built once."""
    columns = [each for each in deliveries.c if each.name not in NOT_PUT]
    withdrawn = exists().where(
        withdrawals.c.service == bindparam("service"),
        withdrawals.c.duty == bindparam("duty"),
        withdrawals.c.step == bindparam("step"),
        withdrawals.c.revision >= bindparam("revision"),
    )
    values = select(*(bindparam(each.name, type_=each.type) for each in columns)).where(~withdrawn)
    return (
        upsert(deliveries)
        .from_select([each.name for each in columns], values)
        .on_conflict_do_nothing(index_elements=[deliveries.c.id])
        .returning(deliveries.c.id)
    )


NOT_PUT = frozenset({"provider_id", "by_voice", "withdrawn_at"})
PUT = as_sql(_put())


async def put(transaction: Transaction, service: str, parcel: Parcel, keyring: Keyring, lease: Lease | None) -> bool:
    """False where it was withdrawn before, or has been put already: then nothing is sent because of this call."""
    row = _row(service, parcel, lease) | await _sealed(transaction, parcel, keyring)
    [put] = await at_once(transaction.connection, (PUT, row))
    return bool(put)


async def put_to_begin(
    transaction: Transaction, service: str, parcel: Parcel, keyring: Keyring, lease: Lease | None
) -> bool:
    """As `put`, of what this transaction prepares and seals: the key that it needs for that is read beside (`keys.key_of`)."""
    row = _row(service, parcel, lease) | NOT_SEALED
    put, found = await at_once(transaction.connection, (PUT, row), keys.asked(parcel.owner))
    for owner, wrapped in found:
        keys.remember(transaction, keyring, owner, wrapped)
    return bool(put)


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
"""
ACKNOWLEDGED = """
    UPDATE delivery.deliveries SET state = 'acknowledged', changed_at = %(at)s
    WHERE duty = %(duty)s AND step = %(step)s AND state <> 'acknowledged'
"""


async def withdraw(transaction: Transaction, service: str, duty: Duty, at: datetime) -> None:
    """Stops what has not been sent, and what has not come yet. What is being sent ends as it ends and is told of; what may have been is
    told of at once. What has been taken is not sent anew, nor read out, should it turn out not to have arrived.
    """
    told = {"service": service, "duty": duty.duty, "step": duty.step, "revision": duty.revision, "at": at}
    await at_once(transaction.connection, (WITHDRAWAL, told), (WITHDRAWN, told))


async def acknowledged(transaction: Transaction, duty: UUID, step: int, at: datetime) -> None:
    """A person has it: nothing further is sent for this telling."""
    await at_once(transaction.connection, (ACKNOWLEDGED, {"duty": duty, "step": step, "at": at}))


def acknowledged_last(transaction: Transaction, duty: UUID, step: int, at: datetime) -> None:
    """The same with the commit, for who reads no row of it before."""
    transaction.write_in_order(ACKNOWLEDGED, {"duty": duty, "step": step, "at": at})


async def declined(transaction: Transaction, delivery: UUID, at: datetime) -> None:
    """Whom it reached cannot act on it."""
    await transaction.connection.execute(
        update(deliveries).where(deliveries.c.id == delivery).values(state=State.FAILED, changed_at=at)
    )


async def hold(transaction: Transaction, delivery: UUID) -> tuple[Parcel, State] | None:
    """A telling and what has become of it. Nobody else changes that before this transaction ends."""
    found = await transaction.connection.execute(
        select(deliveries).where(deliveries.c.id == delivery).with_for_update()
    )
    row = found.mappings().first()
    return None if row is None else (parcel_of(cast("dict[str, Any]", row)), State(row["state"]))


OF_ONE = select(deliveries).where(deliveries.c.id == bindparam("delivery"))
TRACE = select(deliveries.c.trace).where(deliveries.c.id == bindparam("delivery"))


async def find(connection: AsyncConnection, delivery: UUID) -> Parcel | None:
    """A telling as it was put, whatever has become of it."""
    row = (await connection.execute(OF_ONE, {"delivery": delivery})).mappings().first()
    return None if row is None else parcel_of(cast("dict[str, Any]", row))


async def recipient_of(connection: AsyncConnection, keyring: Keyring, parcel: Parcel) -> str | None:
    """The number or address that it went to. None where it never went, or its key was erased."""
    closed = await connection.scalar(select(deliveries.c.recipient).where(deliveries.c.id == parcel.id))
    return (await keys.opener(connection, keyring, parcel.owner)).open(closed, RECIPIENT)


async def trace_of(connection: AsyncConnection, delivery: UUID) -> str | None:
    trace: str | None = await connection.scalar(TRACE, {"delivery": delivery})
    return trace


def parcel_of(row: dict[str, Any]) -> Parcel:
    duty = None if row["kind"] is None else cast("Duty", CONTRACTS[row["kind"]].read_again(row["telling"]))
    return Parcel(
        id=row["id"],
        lane=row["lane"],
        child=row["child"],
        created_at=row["created_at"],
        authority=row["authority"],
        duty=duty,
        person=row["person"],
        urgent=row["urgent"],
        exercise=row["exercise"],
        trace=row["trace"],
        key_owner=row["key_owner"],
    )


OF_DUTY = ("kind", "duty", "step", "revision", "telling", "episode", "role")


def _row(service: str, parcel: Parcel, lease: Lease | None) -> dict[str, Any]:
    duty = parcel.duty
    about: dict[str, Any] = dict.fromkeys(OF_DUTY)
    if duty is not None:
        about = {
            "kind": duty.kind,
            "duty": duty.duty,
            "step": duty.step,
            "revision": duty.revision,
            "telling": duty.model_dump_json(exclude_defaults=True),
            "episode": duty.episode,
            "role": duty.role,
        }
    return about | {
        "id": parcel.id,
        "service": service,
        "lane": parcel.lane,
        "state": State.WAITING,
        "child": parcel.child,
        "authority": parcel.authority,
        "person": parcel.person,
        "urgent": parcel.urgent,
        "exercise": parcel.exercise,
        "trace": parcel.trace,
        "code": parcel.code,
        "attempts": 0,
        "created_at": parcel.created_at,
        "next_attempt_at": parcel.created_at + parcel.held_for,
        "lease_owner": lease.owner if lease else None,
        "lease_until": lease.until if lease else None,
        "key_owner": parcel.owner,
        "changed_at": parcel.created_at,
    }


NOT_SEALED = dict.fromkeys(("recipient", "body", "number_hash"))


async def _sealed(transaction: Transaction, parcel: Parcel, keyring: Keyring) -> dict[str, Any]:
    if parcel.to_number is None or parcel.body is None:
        return NOT_SEALED
    key = await keys.key_of(transaction, keyring, parcel.owner)
    return {
        "recipient": key.close(parcel.to_number, RECIPIENT),
        "body": key.close(parcel.body, BODY),
        "number_hash": keyring.number_hash(parcel.to_number),
    }
