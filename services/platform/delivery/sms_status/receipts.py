"""Takes status reports of texts, Twilio's and Notify's, and of the calls that read them out.

Reports come in any order and more than once; the state only ever goes forward. A text of which the phone company
reports nothing, or one that must wake somebody, is read out by a call to the same number; if nobody answers, the next
person is told.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, TypeAlias
from uuid import UUID

from services.platform.delivery import events as delivery_events
from services.platform.delivery import metrics, retry_policy
from services.platform.delivery.channels.channel import SendResult
from services.platform.delivery.channels.sms import LANE, NOTIFY, Meaning, meaning
from services.platform.delivery.events import JoinedEvents
from services.platform.delivery.model import Delivery, State
from services.platform.delivery.queue.repository import channel_of, decode_delivery
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.process import Repeating
from services.platform.store.engine import is_contention
from services.platform.store.query import BRIEFLY, Query, all_rows, scalar
from services.platform.store.unit_of_work import GroupCommit, Store, UnitOfWork
from services.safeguarding.duty.decisions import AttemptResult
from services.safeguarding.roles import Wording

COMMITTED_AT_ONCE = 50
ALONE_AT_ONCE = 2
GATHER_SECONDS = 0.1
"""The first report waits so long for others. The provider waits for the answer far longer."""
TAKEN = frozenset({"accepted", "scheduled", "queued", "sending", "sent", "initiated", "ringing", "in-progress"})
ARRIVED = frozenset({"delivered", "read", "completed"})
FAILED = frozenset({"undelivered", "failed", "canceled", "busy", "no-answer", *NOTIFY})
NOBODY_LISTENED = "no-answer"

CALL_FAILED = Meaning("undeliverable")
"""Text and call have both been tried: the next person is told."""

RANKS = {
    # The result of the attempt will say that it is accepted: only more than that is news.
    State.WAITING: 0,
    State.UNKNOWN: 1,
    State.SENDING: 2,
    State.ACCEPTED: 2,
    State.WITHDRAWN: 2,
    State.FAILED: 3,
    State.DELIVERED: 4,
    State.ACKNOWLEDGED: 5,
}

REPORTED = (
    dict.fromkeys(TAKEN, State.ACCEPTED) | dict.fromkeys(ARRIVED, State.DELIVERED) | dict.fromkeys(FAILED, State.FAILED)
)
UNANSWERED = frozenset({State.WAITING, State.SENDING, State.UNKNOWN, State.WITHDRAWN})
"""No result has brought the last attempt's id: the id in the row is of the attempt before, which has ended."""


@dataclass(frozen=True, slots=True)
class Report:
    """One status callback. `error_code` is Twilio's."""

    delivery: UUID
    provider_id: str
    status: str
    error_code: int | None = None
    of_call: bool = False

    @property
    def means(self) -> Meaning:
        """What follows from a report that it did not arrive."""
        return CALL_FAILED if self.of_call else NOTIFY.get(self.status) or meaning(self.error_code)

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
    reported = REPORTED.get(status)
    return reported if reported and RANKS[reported] > RANKS[state] and state is not State.WAITING else None


Row: TypeAlias = dict[str, Any]
READ = "SELECT id, state, provider_id, by_voice, withdrawn_at FROM delivery.deliveries WHERE id = ANY(%(ids)s::uuid[])"
LOCK = "SELECT * FROM delivery.deliveries WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE"
"""In the order in which results are written, so that two transactions which lock the same rows do not deadlock."""
CHANGE = """
    UPDATE delivery.deliveries SET state = %(state)s, next_attempt_at = %(next_attempt_at)s, by_voice = %(by_voice)s,
        provider_id = %(provider_id)s, changed_at = %(changed_at)s
    WHERE id = %(id)s
"""
CHANGES = ("id", "state", "next_attempt_at", "by_voice", "provider_id", "changed_at")


def _rows_by_id(sql: str, ids: Collection[UUID]) -> Query[dict[UUID, Row]]:
    return Query(sql, {"ids": list(ids)}, lambda rows: {row.id: row._asdict() for row in rows})


def _news(row: Row | None, report: Report) -> State | None:
    """The new state. None too where the delivery is not ours, or the report is of an attempt before the last, or
    whoever got it has said that they cannot act on it: else the end of their call would make them one to ask again.
    """
    if row is None or not _is_of_last_attempt(row, report):
        return None
    state = State(row["state"])
    is_passed_on = state is State.FAILED and row["withdrawn_at"] is not None
    return None if is_passed_on else next_state(state, report.status)


def _is_of_last_attempt(row: Row, report: Report) -> bool:
    """A report may overtake the result that brings its id, and Twilio may repeat an earlier report at any time."""
    if row["by_voice"] and not report.of_call:
        return False
    if row["provider_id"] is None:
        return True
    is_known = row["provider_id"] == report.provider_id
    return not is_known if State(row["state"]) in UNANSWERED else is_known


class Receipts:
    """Takes reports for one service's own deliveries. Those that come while others are written are written together."""

    def __init__(
        self,
        service: str,
        store: Store,
        clocks: Clocks,
        knows_as_taken: Callable[[UUID, str], bool] = lambda _delivery, _provider_id: False,
    ) -> None:
        """`knows_as_taken`: by delivery and the provider's id, that it is taken and on the record."""
        self._service, self._store, self._clocks, self._knows_as_taken = service, store, clocks, knows_as_taken
        self._group = GroupCommit(self._commit, most=COMMITTED_AT_ONCE, gather_seconds=GATHER_SECONDS)
        self._alone = asyncio.Semaphore(ALONE_AT_ONCE)

    async def take(self, report: Report) -> None:
        """Commits before it returns. A report of another's delivery, or of an earlier attempt, changes nothing."""
        is_known = report.status in TAKEN and self._knows_as_taken(report.delivery, report.provider_id)
        if is_known or report.status not in REPORTED:
            return
        try:
            await self._group.put(report)
        except Exception as error:
            if not is_contention(error):
                raise
            async with self._alone:  # so that only the report of a locked row waits for it
                await self._commit([report], briefly=False)

    async def _commit(self, several: Sequence[Report], *, briefly: bool = True) -> None:
        """In the order in which they came: a later report of a delivery sees the state that an earlier one gave it."""
        news = await self._may_be_news(several)
        if not news:
            return
        async with self._store.transaction() as uow:
            locks: list[Query[Any]] = [_rows_by_id(LOCK, {report.delivery for report in news})]
            rows = (await uow.fetch_each(([BRIEFLY] if briefly else []) + locks))[-1]
            events = JoinedEvents()
            for report in news:
                row = rows.get(report.delivery)
                state = _news(row, report)
                if row is not None and state is not None:
                    self._change(uow, row, report, state, events)
            events.publish(uow)

    async def _may_be_news(self, several: Sequence[Report]) -> list[Report]:
        """Leaves out acceptances that are known, by a read without a lock: mostly Twilio's answer has told of them."""
        of_taken = {report.delivery for report in several if report.status in TAKEN}
        states: dict[UUID, Row] = {}
        if of_taken:
            async with self._store.read() as reader:
                states = await reader.fetch(_rows_by_id(READ, of_taken))
        return [
            report
            for report in several
            if report.status not in TAKEN or _news(states.get(report.delivery), report) is not None
        ]

    def _change(self, uow: UnitOfWork, row: Row, report: Report, state: State, events: JoinedEvents) -> None:
        delivery, now = decode_delivery(SimpleNamespace(**row)), self._clocks.wall()
        if state is State.ACCEPTED:
            self._write(uow, row, report, now, state=state)
            events.add(delivery, delivery_events.accepted(delivery, delivery.person))
        elif state is State.DELIVERED:
            self._write(uow, row, report, now, state=state)
            events.add(delivery, delivery_events.delivered(delivery))
        else:
            means = report.means
            withdrawn = row["withdrawn_at"] is not None
            by_voice = means.by_voice and delivery.urgent and delivery.duty is not None and not withdrawn
            again = now if by_voice else _next_attempt(delivery, means, now)
            if not withdrawn and again is not None:
                how = {"state": State.WAITING, "next_attempt_at": again, "by_voice": by_voice}
                self._write(uow, row, report, now, **how)
                uow.on_commit(lambda: self._store.channels.tell(channel_of(self._service), ""))
                if by_voice:
                    uow.on_commit(metrics.SECOND_ROUTE.labels("undelivered").inc)
                return
            self._write(uow, row, report, now, state=State.FAILED)
            reason = means.reason or "undeliverable"
            failed = delivery_events.failed(uow, delivery, reason, delivery.person, given_up=not withdrawn)
            events.add(delivery, failed)
            uow.on_commit(metrics.ENDED.labels("text", reason).inc)

    def _write(self, uow: UnitOfWork, row: Row, report: Report, now: datetime, **to: Any) -> None:
        row.update({"provider_id": report.provider_id, "changed_at": now} | to)
        uow.write(CHANGE, {name: row[name] for name in CHANGES})


def _next_attempt(delivery: Delivery, means: Meaning, now: datetime) -> datetime | None:
    if not means.passes:
        return None
    transition = retry_policy.next_state(
        SendResult(AttemptResult.RETRY), created_at=delivery.created_at, urgent=delivery.urgent, now=now, chance=0.5
    )
    return transition.next_attempt_at if transition.state is State.WAITING else None


AFTER = timedelta(seconds=120)
"""Wall time since the phone network took it."""
SOON_AFTER = timedelta(seconds=5)
"""As `AFTER`, of a text that is read out in any case: the text has arrived by then."""
NO_LONGER_AFTER = timedelta(minutes=15)
"""By then the protocol has told others; a call out of the blue would only frighten."""
EVERY_SECONDS = 30.0
"""Less than `AFTER`: so each text is known before its time comes."""
AGAIN_SECONDS = 2.0
TEXTS = f"""
    service = %(service)s AND lane = '{LANE}' AND kind IS NOT NULL AND urgent AND NOT by_voice AND withdrawn_at IS NULL
"""
UNHEARD = f"""
    SELECT id, changed_at + %(after)s AS due_at FROM delivery.deliveries
    WHERE {TEXTS} AND state = 'accepted' AND changed_at >= %(since)s
    UNION ALL
    SELECT id, changed_at + %(soon_after)s FROM delivery.deliveries
    WHERE {TEXTS} AND state IN ('accepted', 'delivered') AND created_at >= %(since)s
        AND telling ->> 'wording' = ANY(%(called)s)
"""  # noqa: S608 this module's own words
"""The second by the index on `created_at`: of what arrived, there is no other."""
READ_OUT = f"""
    UPDATE delivery.deliveries SET state = 'waiting', by_voice = true, next_attempt_at = %(now)s, changed_at = %(now)s
    WHERE id = ANY(ARRAY(
        SELECT id FROM delivery.deliveries
        WHERE id IN (SELECT id FROM ({UNHEARD}) AS texts WHERE due_at <= %(now)s) AND state IN ('accepted', 'delivered')
        FOR NO KEY UPDATE SKIP LOCKED
    ))
    RETURNING id
"""  # noqa: S608 this module's own words
"""While one that is locked was waited for, nobody could record what became of the others."""
STILL = f"SELECT min(due_at) FROM ({UNHEARD}) AS texts"  # noqa: S608 this module's own words
"""The next, or one that was locked."""


class VoiceFallback:
    """For one service's texts of urgent duties. `called` names the wordings that are read out in any case, unless they
    are answered before.
    """

    def __init__(self, service: str, store: Store, clocks: Clocks, called: Iterable[Wording] = ()) -> None:
        self._service, self._store, self._clocks, self._called = service, store, clocks, list(called)
        self.sweep = Repeating("second route", self.turn, every_seconds=EVERY_SECONDS, again_seconds=AGAIN_SECONDS)

    async def turn(self) -> None:
        now = self._clocks.wall()
        asked = {"service": self._service, "now": now, "since": now - NO_LONGER_AFTER, "called": self._called}
        asked |= {"after": AFTER, "soon_after": SOON_AFTER}
        async with self._store.transaction() as uow:
            found, due_at = await uow.fetch(Query(READ_OUT, asked, all_rows), Query(STILL, asked, scalar))
        if found:
            self._store.channels.tell(channel_of(self._service), "")
        if due_at is not None:
            self.sweep.wake_after(max((due_at - now).total_seconds(), AGAIN_SECONDS))
        metrics.SECOND_ROUTE.labels("silent").inc(len(found))
