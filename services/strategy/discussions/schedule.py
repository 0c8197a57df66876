"""Which discussion an invitation is to: the one that is planned, or one that it plans."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from services.platform.messages.envelope import Received
from services.platform.store.query import execute_pipelined
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.duties import StrategyInvite
from services.safeguarding.identifiers import derived
from services.safeguarding.meetings import Meets
from services.strategy.discussions.attendees import invited_to
from services.strategy.discussions.policy import begins
from services.strategy.discussions.repository import HELD_ROW, LOCK, LOCKS, PLANNED, Discussion, discussion_of
from services.strategy.discussions.tables import discussions

PLANNED_ALREADY = HELD_ROW.format(
    which="""coalesce(
        (SELECT discussion FROM attendees JOIN discussions USING (discussion)
            WHERE duty = %(duty)s AND (episode = %(episode)s OR state <> 'cancelled') ORDER BY step LIMIT 1),
        %(just_now)s::uuid,
        (SELECT discussion FROM discussions WHERE episode = %(episode)s AND state = 'planned' AND form = %(form)s
            ORDER BY number DESC LIMIT 1)
    )"""
)
SO_FAR = """
    SELECT coalesce(max(number), 0), max(starts_at) FILTER (WHERE form = 'urgent' AND starts_at <= %(now)s)
    FROM discussions WHERE episode = %(episode)s
"""
"""How many there were, and when the last urgent one was."""
PLAN = insert(discussions)


async def plan(uow: UnitOfWork, told: Received[StrategyInvite], meets: Meets, now: datetime) -> tuple[Discussion, bool]:
    """The episode's discussion of this form, and whether it was planned just now. `now` is story time.

    Its id follows from episode and number: no crash makes two. After a cancelled or recorded one the next number is planned; a later
    telling of one duty is to the discussion of the first, unless that was called off because its episode goes on in this one.
    """
    duty = told.content
    episode = duty.episode or duty.refers_to or duty.duty
    asked = {
        "duty": duty.duty,
        "just_now": invited_to(uow, duty.duty),
        "episode": episode,
        "form": meets.form,
        "now": now,
        "lock": episode.int & LOCKS,
    }
    _, before, [(last, urgent_at)] = await execute_pipelined(
        uow.connection, (LOCK, asked), (PLANNED_ALREADY, asked), (SO_FAR, asked)
    )
    if before:
        return discussion_of(before[0]), False
    planned = _new(told, episode, meets, number=last + 1, starts_at=begins(meets, now, urgent_at=urgent_at))
    await uow.connection.execute(PLAN, {each: getattr(planned, each) for each in Discussion.__slots__})
    return planned, True


def _new(
    told: Received[StrategyInvite], episode: UUID, meets: Meets, *, number: int, starts_at: datetime
) -> Discussion:
    return Discussion(
        discussion=derived("strategy discussion", str(episode), str(number)),
        episode=episode,
        number=number,
        child=told.subject,
        authority=told.content.authority,
        sequence=0,
        state=PLANNED,
        form=meets.form,
        starts_at=starts_at,
        ends_at=starts_at + meets.lasts,
        warns_at=starts_at - meets.warn,
        unless=tuple(meets.unless),
        answers_within=meets.answer,
        exercise=told.exercise,
        trace=told.trace,
    )
