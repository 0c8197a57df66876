"""Finds the discussion to which an invitation belongs, or plans it."""

from datetime import datetime
from uuid import UUID

from services.platform.messages.envelope import Received
from services.platform.store.query import Query, first_row
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.duties import StrategyInvite
from services.safeguarding.identifiers import derived
from services.safeguarding.meetings import Meets
from services.strategy.discussions import repository as discussions
from services.strategy.discussions.attendees import invited_to
from services.strategy.discussions.policy import choose_start
from services.strategy.discussions.repository import ONE, PLANNED, Discussion, first_discussion

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
    uow: UnitOfWork, received: Received[StrategyInvite], meets: Meets, now: datetime
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
    received: Received[StrategyInvite], episode: UUID, meets: Meets, *, number: int, starts_at: datetime
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
