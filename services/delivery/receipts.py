"""What Twilio reports of a text, or of the call that reads it out, afterwards. Reports come in any order and more than once; the state only ever goes forward."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.delivery import metrics, outcomes
from services.delivery.medium import Answer
from services.delivery.outcomes import Voice
from services.delivery.parcel import State
from services.delivery.rows import parcel_of
from services.delivery.settling import settle
from services.delivery.tables import deliveries
from services.delivery.text_errors import Meaning, meaning
from services.runtime.clocks import Clocks
from services.safeguarding.evidence import AttemptResult
from services.store.transaction import Store, Transaction

TAKEN = frozenset({"accepted", "scheduled", "queued", "sending", "sent", "initiated", "ringing", "in-progress"})
ARRIVED = frozenset({"delivered", "read", "completed"})
FAILED = frozenset({"undelivered", "failed", "canceled", "busy", "no-answer"})
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


AS_IT_STANDS = select(deliveries).where(deliveries.c.id == bindparam("delivery"))
HELD = AS_IT_STANDS.with_for_update()
"""Most reports say nothing new, so the row is held only where one does."""


CHANGED = """
    UPDATE delivery.deliveries SET state = %(state)s, next_attempt_at = %(next_attempt_at)s, by_voice = %(by_voice)s,
        provider_id = %(provider_id)s, changed_at = %(now)s
    WHERE id = %(id)s
"""


async def _row(connection: AsyncConnection, asked: Select[Any], report: Report) -> dict[str, Any] | None:
    found = await connection.execute(asked, {"delivery": report.delivery})
    return cast("dict[str, Any] | None", found.mappings().first())


def _news(row: Mapping[str, Any] | None, report: Report) -> State | None:
    """None too where the delivery is not ours, and where the report is of an attempt before the last."""
    if row is None or row["provider_id"] not in {None, report.provider_id}:
        return None
    return next_state(State(row["state"]), report.status)


class Receipts:
    """Takes reports for one service's own deliveries."""

    def __init__(self, service: str, store: Store, clocks: Clocks) -> None:
        self._service, self._store, self._clocks = service, store, clocks

    async def take(self, report: Report) -> None:
        """Commits before it returns. A report of a delivery that is not ours, or of an attempt before the last, changes nothing."""
        async with self._store.reading.connect() as connection:
            if _news(await _row(connection, AS_IT_STANDS, report), report) is None:
                return
        async with self._store.transaction() as transaction:
            row = await _row(transaction.connection, HELD, report)
            state = _news(row, report)
            if row is not None and state is not None:
                await self._change(transaction, row, report, state, self._clocks.wall())

    async def _change(
        self, transaction: Transaction, row: dict[str, Any], report: Report, state: State, now: datetime
    ) -> None:
        parcel, voice = parcel_of(row), Voice(self._service, self._clocks.story(), now)
        if state is State.ACCEPTED:
            self._write(transaction, row, report, now, state=state)
            await voice.say(transaction, parcel, outcomes.accepted(parcel, parcel.person))
        elif state is State.DELIVERED:
            self._write(transaction, row, report, now, state=state)
            await voice.say(transaction, parcel, outcomes.delivered(parcel))
        else:
            means = CALL_FAILED if report.of_call else meaning(report.error_code)
            by_voice = means.by_voice and parcel.urgent and parcel.duty is not None
            again = now if by_voice else self._again(parcel.created_at, parcel.urgent, means, now)
            if again is not None:
                how = {"state": State.WAITING, "next_attempt_at": again, "by_voice": by_voice, "provider_id": None}
                self._write(transaction, row, report, now, **how)
                metrics.SECOND_ROUTE.labels("undelivered").inc(by_voice)
                return
            self._write(transaction, row, report, now, state=State.FAILED)
            failed = outcomes.failed(parcel, means.reason or "undeliverable", parcel.person)
            await voice.say(transaction, parcel, failed)
            metrics.ENDED.labels("text", means.reason or "undeliverable").inc()

    def _again(self, created_at: datetime, urgent: bool, means: Meaning, now: datetime) -> datetime | None:  # noqa: FBT001
        if not means.passes:
            return None
        as_ = settle(Answer(AttemptResult.RETRY), created_at=created_at, urgent=urgent, now=now, chance=0.5)
        return as_.next_attempt_at if as_.state is State.WAITING else None

    def _write(
        self, transaction: Transaction, row: Mapping[str, Any], report: Report, now: datetime, **to: Any
    ) -> None:
        stands = {name: row[name] for name in ("id", "next_attempt_at", "by_voice")}
        change = stands | {"provider_id": report.provider_id, "now": now} | to
        transaction.write_in_order(CHANGED, change)
