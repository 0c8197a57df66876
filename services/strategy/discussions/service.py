"""Plans discussions, moves them, calls them off, takes replies; publishes each change and tells everyone invited.

Watches for the quorum, shortly before one begins and a while after one was moved, and for the record of one that is
over.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from prometheus_client import Counter

from services.platform.delivery.channels import email
from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import repository as deliveries
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.messages.envelope import Received
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.process import Repeating, run_each
from services.platform.store.query import Query, first_row, scalar
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.child_events.discussion_events import (
    StrategyCounterProposed,
    StrategyQuorumReached,
    StrategyRecordDue,
    StrategyWithoutQuorum,
)
from services.safeguarding.duty import duties
from services.safeguarding.identifiers import ChildId, derived
from services.safeguarding.meetings import Meets
from services.safeguarding.message import Message
from services.safeguarding.roles import Seat
from services.strategy.discussions import repository as discussions
from services.strategy.discussions.policy import ANSWERS, Reply, choose_start, doubled_seats, lacking_seats, taken_seats
from services.strategy.discussions.repository import (
    COLUMNS,
    ONE,
    PLANNED,
    Attendee,
    Discussion,
    attendees_of_discussion,
    first_discussion,
    held_forms,
    invited_to,
    planned_discussions,
    read_discussions,
    set_reply,
)

REPLIES = Counter("strategy_replies", "Replies to invitations, by result", ["how", "result"])
DISCUSSIONS = Counter("strategy_discussions", "Discussions, by act", ["act"])


# In a query of its own: behind the authorities' wall PostgreSQL looks nothing up by `coalesce` itself.
PLANNED_ALREADY = ONE.format(
    which="""SELECT coalesce(
        (SELECT discussion FROM attendees JOIN discussions USING (discussion)
            WHERE duty = %(duty)s AND (episode = %(episode)s OR state <> 'cancelled') ORDER BY step LIMIT 1),
        %(just_now)s::uuid,
        (SELECT discussion FROM discussions WHERE episode = %(episode)s AND state = 'planned' AND form = %(form)s
            ORDER BY number DESC LIMIT 1)
    )"""
)
SO_FAR = """
    SELECT coalesce(max(number), 0) AS last, max(starts_at) FILTER (WHERE form = 'urgent' AND starts_at <= %(now)s) AS urgent_at
    FROM discussions WHERE episode = %(episode)s
"""


async def plan(
    uow: UnitOfWork, received: Received[duties.StrategyInvite], meets: Meets, now: datetime
) -> tuple[Discussion, bool]:
    """The episode's discussion of this form, and whether it was planned just now. `now` is story time.

    The id is derived from episode and number, so a retry cannot plan it twice. After a cancelled or recorded discussion
    the next number is planned. A later step of a duty invites to the discussion of its first step, unless that was
    called off because its episode goes on in this one. An invitation that comes once another episode has taken the
    discussion over is to that discussion all the same, whatever has become of it.
    """
    duty = received.content
    episode = duty.episode or duty.refers_to or duty.duty
    about = {"duty": duty.duty, "just_now": invited_to(uow, duty.duty), "episode": episode, "form": meets.form}
    already, ended = Query(PLANNED_ALREADY, about, first_discussion), None
    _, before, so_far = await uow.fetch(
        discussions.lock_numbers(episode), already, Query(SO_FAR, {"episode": episode, "now": now}, first_row)
    )
    while before is not None and before.state != PLANNED and before != ended:
        # It may have ended while this waited for it. Locked now, it is the answer again only where it is to be.
        ended, before = before, await uow.fetch(already)
    if before is not None:
        return before, False
    starts_at = choose_start(meets, now, urgent_at=so_far.urgent_at)
    number = so_far.last + 1
    while not await discussions.add(uow, planned := _new(received, episode, meets, number=number, starts_at=starts_at)):
        taken_over = await uow.fetch(discussions.discussion_by_id(planned.discussion))
        if taken_over is not None and taken_over.form == meets.form:
            return taken_over, False
        number += 1
    return planned, True


def _new(
    received: Received[duties.StrategyInvite], episode: UUID, meets: Meets, *, number: int, starts_at: datetime
) -> Discussion:
    return Discussion(
        discussion=derived("strategy discussion", str(episode), str(number)),
        episode=episode,
        number=number,
        child=received.subject,
        authority=received.content.authority,
        sequence=0,
        state=PLANNED,
        form=meets.form,
        starts_at=starts_at,
        ends_at=starts_at + meets.lasts,
        warns_at=starts_at - meets.warn,
        unless=tuple(meets.unless),
        answers_within=meets.answer,
        exercise=received.exercise,
        trace=received.trace,
    )


SERVICE = "strategy"
BEYOND_WITHDRAWAL = 2_000_000_000
"""The revision of the duty under which news goes out. The end of a duty, as when the child returns or the discussion is
over, withdraws its mails. Whoever has the entry in their calendar must hear of each change all the same.
"""


@dataclass(frozen=True)
class DiscussionService:
    """Works within the caller's transaction, which has locked the discussion."""

    loop: DeliveryLoop
    clocks: Clocks
    _on_planned: list[Callable[[], None]] = field(default_factory=list, init=False)

    def on_planned(self, act: Callable[[], None]) -> None:
        """`act` is called after each commit that plans or changes a discussion."""
        self._on_planned.append(act)

    async def move(self, uow: UnitOfWork, found: Discussion, starts_at: datetime) -> None:
        """Does nothing if it begins at that time already."""
        if starts_at == found.starts_at:
            return
        moved = await discussions.change(
            uow, found, state=discussions.PLANNED, starts_at=starts_at, asked_again_at=self.clocks.story()
        )
        uow.on_commit(DISCUSSIONS.labels("moved").inc)
        await self._tell_everyone(uow, moved)

    async def call_off(self, uow: UnitOfWork, found: Discussion) -> None:
        called_off = await discussions.change(
            uow, found, state=discussions.CANCELLED, starts_at=found.starts_at, asked_again_at=None
        )
        uow.on_commit(DISCUSSIONS.labels("called-off").inc)
        await self._tell_everyone(uow, called_off)

    async def merge_episodes(self, uow: UnitOfWork, merged: UUID, into: UUID, child: ChildId) -> None:
        """`merged` turned out to be part of the other. Nobody discusses one child twice: what is still to come of one
        is called off if the other has been discussed in that form, or is to be; else it becomes that episode's.
        """
        there, here, held_there, held_here = await uow.fetch(
            planned_discussions(merged), planned_discussions(into), held_forms(merged), held_forms(into)
        )
        now = self.clocks.story()
        for each in here:
            if each.form in held_there and each.starts_at > now:
                await self.call_off(uow, each)
        to_come = {each.form for each in here}
        for each in there:
            if each.form in to_come or (each.form in held_here and each.starts_at > now):
                await self.call_off(uow, each)
            else:
                await self.publish_state(uow, await discussions.move_to_episode(uow, each, into, child))

    async def take_reply(
        self,
        uow: UnitOfWork,
        found: Discussion,
        attendee: Attendee,
        reply: Reply,
        *,
        how: duties.How,
        proposes: datetime | None = None,
    ) -> None:
        """The same reply again changes nothing."""
        if reply is attendee.reply and reply is not Reply.COUNTER:
            return
        everyone = await set_reply(uow, found.discussion, attendee, reply, self.clocks.story())
        outcome = _outcome_of(found, attendee, reply, how)
        if outcome is not None:
            trace = await deliveries.trace_of(uow.connection, attendee.delivery)
            uow.publish(outcome, subject=found.child, cause=found, trace=trace)
        if proposes is not None and reply is Reply.COUNTER:
            _publish(uow, found, StrategyCounterProposed(**_about(found), role=attendee.role, starts_at=proposes))
        before = [attendee if (each.duty, each.step) == (attendee.duty, attendee.step) else each for each in everyone]
        self._publish_quorum(uow, found, before, everyone)
        self._publish_state(uow, found, everyone)

    def _publish_quorum(
        self, uow: UnitOfWork, found: Discussion, before: Sequence[Attendee], after: Sequence[Attendee]
    ) -> None:
        """The convener hears when the quorum is reached, when it is lost again after the time of the warning, and at
        once if somebody who accepts is expected elsewhere at the same time.
        """
        lacked = lacking_seats(before, found.starts_at)
        is_doubled = bool({*doubled_seats(after, found.starts_at)} - {*doubled_seats(before, found.starts_at)})
        if lacked and not lacking_seats(after, found.starts_at):
            _publish(uow, found, StrategyQuorumReached(**_about(found), seats=taken_seats(after)))
        elif is_doubled or (not lacked and self.clocks.story() >= found.warns_at):
            _publish_lacking(uow, found, after)

    async def mark_held(self, uow: UnitOfWork, found: Discussion) -> None:
        """Everyone invited gets the record by link. The entry in calendars stays, since the discussion took place."""
        await self._tell_everyone(uow, await discussions.mark_held(uow, found))

    def ask_for_record(self, uow: UnitOfWork, found: Discussion) -> None:
        _publish(uow, found, StrategyRecordDue(**_about(found)))

    async def warn_of_quorum(self, uow: UnitOfWork, found: Discussion) -> tuple[Seat, ...]:
        """Publishes and returns the seats of the quorum that nobody has taken, if any."""
        return _publish_lacking(uow, found, await uow.fetch(attendees_of_discussion(found.discussion)))

    async def publish_state(self, uow: UnitOfWork, found: Discussion) -> None:
        self._publish_state(uow, found, await uow.fetch(attendees_of_discussion(found.discussion)))
        for act in self._on_planned:
            uow.on_commit(act)

    def _publish_state(self, uow: UnitOfWork, found: Discussion, attendees: Sequence[Attendee]) -> None:
        roles = {reply: tuple(dict.fromkeys(a.role for a in attendees if a.reply is reply)) for reply in Reply}
        changed = duties.StrategyDiscussionChanged(
            **_about(found),
            sequence=found.sequence,
            state=found.state,
            form=found.form,
            starts_at=found.starts_at,
            coming=roles[Reply.ACCEPTED],
            declined=roles[Reply.DECLINED],
            waited_for=(*roles[Reply.WAITING], *roles[Reply.TENTATIVE], *roles[Reply.COUNTER]),
            quorum="not-reached" if lacking_seats(attendees, found.starts_at) else "reached",
        )
        _publish(uow, found, changed)

    async def _tell_everyone(self, uow: UnitOfWork, found: Discussion) -> None:
        """One mail each. Its id is derived from the sequence, so a retry tells nobody twice."""
        invited = await uow.fetch(attendees_of_discussion(found.discussion))
        held = await deliveries.lock_all(uow, [each.delivery for each in invited])
        for first, _ in filter(None, (held.get(each.delivery) for each in invited)):
            if first.duty is not None:
                news = self._news(first, first.duty, found)
                await deliveries.supersede(uow, SERVICE, first.duty, by=news.id, at=news.created_at)
                await self.loop.put(uow, news)
        await self.publish_state(uow, found)

    def _news(self, first: Delivery, duty: duties.Duty, found: Discussion) -> Delivery:
        what = "strategy record" if found.state == discussions.HELD else "strategy news"
        name = derived(what, str(first.id), str(found.sequence))
        lasting = duty.model_copy(update={"revision": BEYOND_WITHDRAWAL})
        return replace(first, id=name, duty=lasting, lane=email.LANE, created_at=self.clocks.wall())


def _outcome_of(found: Discussion, attendee: Attendee, reply: Reply, how: duties.How) -> Message | None:
    about: dict[str, Any] = {"authority": found.authority, "episode": found.episode}
    if reply in ANSWERS:
        return duties.DutyAcknowledged(duty=attendee.duty, step=attendee.step, by=attendee.person, how=how, **about)
    if reply is Reply.DECLINED:
        return duties.DutyFailed(
            duty=attendee.duty, step=attendee.step, person=attendee.person, reason="declined", **about
        )
    return None


def _publish_lacking(uow: UnitOfWork, found: Discussion, attendees: Sequence[Attendee]) -> tuple[Seat, ...]:
    seats = lacking_seats(attendees, found.starts_at)
    if seats:
        doubled = doubled_seats(attendees, found.starts_at)
        _publish(uow, found, StrategyWithoutQuorum(**_about(found), lacking=seats, doubled=doubled))
    return seats


def _about(found: Discussion) -> dict[str, Any]:
    return {"authority": found.authority, "episode": found.episode, "discussion": found.number}


def _publish(uow: UnitOfWork, found: Discussion, content: Message) -> None:
    uow.publish(content, subject=found.child, cause=found)


EVERY_SECONDS, AGAIN_SECONDS = 15.0, 2.0
AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Deadline:
    """A column of planned discussions. `waits`: nobody has acted on it yet. `done` records that somebody has."""

    column: str
    waits: str
    done: str

    @property
    def _is_due(self) -> str:
        return f"state = 'planned' AND {self.column} <= %(now)s AND {self.waits}"

    def due(self, now: datetime) -> Query[list[UUID]]:
        sql = f"SELECT discussion FROM discussions WHERE {self._is_due} LIMIT {AT_ONCE}"  # noqa: S608 its own columns
        return Query(sql, {"now": now}, lambda rows: [row.discussion for row in rows])

    def hold(self, discussion: UUID, now: datetime) -> Query[list[Discussion]]:
        """Empty if it has been dealt with, or another process holds it."""
        sql = f"""
            SELECT {COLUMNS} FROM discussions WHERE discussion = %(discussion)s AND {self._is_due} FOR UPDATE SKIP LOCKED
        """  # noqa: S608 its own columns
        return Query(sql, {"discussion": discussion, "now": now}, read_discussions)


TO_WARN = Deadline("warns_at", "warned_at IS NULL", "warned_at = %(at)s")
"""It begins so soon that the convener must hear who is lacking."""
ANSWERS_DUE = Deadline("answers_due_at", "answers_due_at IS NOT NULL", "answers_due_at = NULL")
"""It was moved, and the time to reply again is over."""
OVER = Deadline("ends_at", "record_asked_at IS NULL", "record_asked_at = %(at)s")
"""It is over and not recorded, and nobody has been asked for the record."""
DEADLINES = (TO_WARN, ANSWERS_DUE, OVER)
SOONEST = (f"(SELECT min({one.column}) FROM discussions WHERE state = 'planned' AND {one.waits})" for one in DEADLINES)  # noqa: S608
NEXT: Query[datetime | None] = Query(f"SELECT least({', '.join(SOONEST)})", {}, scalar)


class DiscussionWatch:
    """Sends one warning for each date and asks for the record once, however many processes watch."""

    def __init__(self, store: Store, clocks: Clocks, service: DiscussionService) -> None:
        self._store, self._clocks, self._service = store, clocks, service
        self.loop = Repeating("discussions", self._turn, every_seconds=EVERY_SECONDS, again_seconds=AGAIN_SECONDS)
        clocks.on_move(self.loop.wake)
        service.on_planned(self.loop.wake)

    async def _turn(self) -> bool:
        """Acts on each deadline that is due, in a transaction of its own, so that one holds up no other."""
        now = self._clocks.story()
        async with self._store.read() as reader:
            due_at = await reader.fetch(NEXT)
            if not self.loop.wake_when_due(due_at, now):
                return False
            due = [(deadline, each) for deadline in DEADLINES for each in await reader.fetch(deadline.due(now))]
        self.loop.wake_after(AGAIN_SECONDS)
        return any(await run_each(self._see_to, due))

    async def _see_to(self, due: tuple[Deadline, UUID]) -> bool:
        """False where another process does."""
        (deadline, discussion), now = due, self._clocks.story()
        async with self._store.transaction() as uow:
            found = await uow.fetch(deadline.hold(discussion, now))
            for each in found:
                await self._act(uow, deadline, each)
                about = {"discussion": each.discussion, "at": now}
                uow.write(f"UPDATE discussions SET {deadline.done} WHERE discussion = %(discussion)s", about)  # noqa: S608
        return bool(found)

    async def _act(self, uow: UnitOfWork, deadline: Deadline, found: Discussion) -> None:
        if deadline is OVER:
            self._service.ask_for_record(uow, found)
            uow.on_commit(DISCUSSIONS.labels("over").inc)
            return
        lacking = await self._service.warn_of_quorum(uow, found)
        if deadline is TO_WARN:
            uow.on_commit(DISCUSSIONS.labels("without-quorum" if lacking else "with-quorum").inc)
