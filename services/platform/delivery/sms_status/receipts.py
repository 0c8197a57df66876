"""What Twilio reports of a text, or of the call that reads it out, afterwards. Reports come in any order and more than once; the state only ever goes forward."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.delivery import events as delivery_events
from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import SendResult
from services.platform.delivery.channels.twilio_errors import Meaning, meaning
from services.platform.delivery.model import State
from services.platform.delivery.queue.repository import parcel_of
from services.platform.delivery.retry_policy import next_state as settle
from services.platform.delivery.tables import deliveries
from services.platform.runtime.clocks import Clocks
from services.platform.store.batch_writer import GroupCommit
from services.platform.store.query import as_sql, execute_pipelined
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.duty.evidence import AttemptResult

COMMITTED_AT_ONCE = 50
TAKEN = frozenset({"accepted", "scheduled", "queued", "sending", "sent", "initiated", "ringing", "in-progress"})
ARRIVED = frozenset({"delivered", "read", "completed"})
FAILED = frozenset({"undelivered", "failed", "canceled", "busy", "no-answer"})
KNOWN = TAKEN | ARRIVED | FAILED
NOBODY_LISTENED = "no-answer"

CALL_FAILED = Meaning("undeliverable")
"""Text and call have both been tried: the next person is told."""

RANKS = {
    # Of what is being sent this moment the answer tells that it is taken; only more than that is news.
    State.WAITING: 0,
    State.UNKNOWN: 1,
    State.SENDING: 2,
    State.ACCEPTED: 2,
    State.WITHDRAWN: 2,
    State.FAILED: 3,
    State.DELIVERED: 4,
    State.ACKNOWLEDGED: 5,
}

UNANSWERED = frozenset({State.WAITING, State.SENDING, State.UNKNOWN, State.WITHDRAWN})
"""No answer has brought the last attempt's id: the one that stands there is of the attempt before, which has ended."""


@dataclass(frozen=True, slots=True)
class Report:
    """One status callback. `error_code` is Twilio's."""

    delivery: UUID
    provider_id: str
    status: str
    error_code: int | None = None
    of_call: bool = False

    @classmethod
    def of(cls, delivery: UUID, form: Mapping[str, str]) -> "Report":
        """Raises KeyError, naming the field, where the form is no report of a text or a call."""
        code, of_call = form.get("ErrorCode", ""), "CallSid" in form
        fields = ("CallSid", "CallStatus") if of_call else ("MessageSid", "MessageStatus")
        for field in fields:
            if not form.get(field):
                raise KeyError(field)
        status = form[fields[1]]
        by_machine = form.get("AnsweredBy", "human") not in {"human", "unknown"}
        return cls(
            delivery=delivery,
            provider_id=form[fields[0]],
            status=NOBODY_LISTENED if status == "completed" and by_machine else status,
            error_code=int(code) if code.isdecimal() else None,
            of_call=of_call,
        )


def next_state(state: State, status: str) -> State | None:
    """The state after this report, or None where it changes nothing: an old report, a status that says nothing new."""
    if status in TAKEN:
        reported = State.ACCEPTED
    elif status in ARRIVED:
        reported = State.DELIVERED
    elif status in FAILED:
        reported = State.FAILED
    else:
        return None
    return reported if RANKS[reported] > RANKS[state] and state is not State.WAITING else None


Row: TypeAlias = dict[str, Any]
OF_THESE = deliveries.c.id == any_(bindparam("ids", type_=ARRAY(deliveries.c.id.type)))
STANDING = deliveries.c["id", "state", "provider_id", "by_voice"]
STANDS, COLUMNS = tuple(STANDING.keys()), tuple(deliveries.c.keys())
AS_THEY_STAND = as_sql(select(*STANDING).where(OF_THESE))
HELD = as_sql(select(deliveries).where(OF_THESE).order_by(deliveries.c.id).with_for_update())
"""In one order, the one in which attempts end: two that want the same rows do not wait for each other for ever."""
CHANGED = """
    UPDATE delivery.deliveries SET state = %(state)s, next_attempt_at = %(next_attempt_at)s, by_voice = %(by_voice)s,
        provider_id = %(provider_id)s, changed_at = %(changed_at)s
    WHERE id = %(id)s
"""
CHANGES = ("id", "state", "next_attempt_at", "by_voice", "provider_id", "changed_at")


async def _rows(
    connection: AsyncConnection, asked: str, columns: Sequence[str], ids: Collection[UUID]
) -> dict[UUID, Row]:
    [found] = await execute_pipelined(connection, (asked, {"ids": list(ids)}))
    rows = [dict(zip(columns, row, strict=True)) for row in found]
    return {row["id"]: row for row in rows}


def _news(row: Row | None, report: Report) -> State | None:
    """None too where the delivery is not ours, and where the report is of an attempt before the last."""
    if row is None or not _is_of_last_attempt(row, report):
        return None
    return next_state(State(row["state"]), report.status)


def _is_of_last_attempt(row: Row, report: Report) -> bool:
    """A report may overtake the answer that brings its id, and what Twilio has said before it may say again at any time."""
    if row["by_voice"] and not report.of_call:
        return False
    if row["provider_id"] is None:
        return True
    is_known = row["provider_id"] == report.provider_id
    return not is_known if State(row["state"]) in UNANSWERED else is_known


class Receipts:
    """Takes reports for one service's own deliveries. Those that come while others are being written are written together."""

    def __init__(self, service: str, store: Store, clocks: Clocks) -> None:
        self._service, self._store, self._clocks = service, store, clocks
        self._group = GroupCommit(self._commit, most=COMMITTED_AT_ONCE)

    async def take(self, report: Report) -> None:
        """Commits before it returns. A report of a delivery that is not ours, or of an attempt before the last, changes nothing."""
        if report.status in KNOWN:
            await self._group.put(report)

    async def _commit(self, several: Sequence[Report]) -> None:
        """In the order in which they came: a later report of a delivery finds what an earlier one made of it."""
        telling = await self._telling(several)
        if not telling:
            return
        async with self._store.transaction() as uow:
            rows = await _rows(uow.connection, HELD, COLUMNS, {report.delivery for report in telling})
            for report in telling:
                row = rows.get(report.delivery)
                state = _news(row, report)
                if row is not None and state is not None:
                    await self._change(uow, row, report, state, self._clocks.wall())

    async def _telling(self, several: Sequence[Report]) -> list[Report]:
        """Those that may be news. That a text was taken has mostly been known since Twilio's answer: it is looked at, and no row is
        held for it.
        """
        of_taken = {report.delivery for report in several if report.status in TAKEN}
        stand: dict[UUID, Row] = {}
        if of_taken:
            async with self._store.reading.connect() as connection:
                stand = await _rows(connection, AS_THEY_STAND, STANDS, of_taken)
        return [
            report
            for report in several
            if report.status not in TAKEN or _news(stand.get(report.delivery), report) is not None
        ]

    async def _change(self, uow: UnitOfWork, row: Row, report: Report, state: State, now: datetime) -> None:
        delivery = parcel_of(row)
        if state is State.ACCEPTED:
            self._write(uow, row, report, now, state=state)
            uow.publish(delivery_events.accepted(delivery, delivery.person), subject=delivery.child, cause=delivery)
        elif state is State.DELIVERED:
            self._write(uow, row, report, now, state=state)
            uow.publish(delivery_events.delivered(delivery), subject=delivery.child, cause=delivery)
        else:
            means = CALL_FAILED if report.of_call else meaning(report.error_code)
            withdrawn = row["withdrawn_at"] is not None
            by_voice = means.by_voice and delivery.urgent and delivery.duty is not None and not withdrawn
            again = now if by_voice else self._again(delivery.created_at, delivery.urgent, means, now)
            if not withdrawn and again is not None:
                how = {"state": State.WAITING, "next_attempt_at": again, "by_voice": by_voice}
                self._write(uow, row, report, now, **how)
                if by_voice:
                    uow.on_commit(metrics.SECOND_ROUTE.labels("undelivered").inc)
                return
            self._write(uow, row, report, now, state=State.FAILED)
            failed = delivery_events.failed(delivery, means.reason or "undeliverable", delivery.person)
            uow.publish(failed, subject=delivery.child, cause=delivery)
            uow.on_commit(metrics.ENDED.labels("text", means.reason or "undeliverable").inc)

    def _again(self, created_at: datetime, urgent: bool, means: Meaning, now: datetime) -> datetime | None:  # noqa: FBT001
        if not means.passes:
            return None
        as_ = settle(SendResult(AttemptResult.RETRY), created_at=created_at, urgent=urgent, now=now, chance=0.5)
        return as_.next_attempt_at if as_.state is State.WAITING else None

    def _write(self, uow: UnitOfWork, row: Row, report: Report, now: datetime, **to: Any) -> None:
        row.update({"provider_id": report.provider_id, "changed_at": now} | to)
        uow.write(CHANGED, {name: row[name] for name in CHANGES})
