"""Which discussion an invitation is to: the one that is planned, or one that it plans."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from services.bus.envelope import Received
from services.safeguarding.duties import Duty, StrategyInvite
from services.safeguarding.identifiers import derived
from services.safeguarding.meetings import Form, Meets
from services.store.transaction import Transaction
from services.strategy.policy import begins
from services.strategy.store import PLANNED, Discussion, hold
from services.strategy.tables import attendees, discussions

OF_FIRST_TELLING = (
    select(attendees.c.discussion).where(attendees.c.duty == bindparam("duty")).order_by(attendees.c.step).limit(1)
)
OF_FORM = (
    select(discussions.c.discussion)
    .where(
        discussions.c.episode == bindparam("episode"),
        discussions.c.state == PLANNED,
        discussions.c.form == bindparam("form"),
    )
    .order_by(discussions.c.number.desc())
    .limit(1)
)


async def plan(
    transaction: Transaction, told: Received[StrategyInvite], meets: Meets, now: datetime
) -> tuple[Discussion, bool]:
    """The episode's discussion of this form, and whether it was planned just now. `now` is story time.

    Its id follows from episode and number: no crash makes two. After a cancelled or recorded one the next number is planned; a later
    telling of one duty is to the discussion of the first.
    """
    duty = told.content
    episode = duty.episode or duty.refers_to or duty.duty
    await transaction.connection.execute(select(func.pg_advisory_xact_lock(episode.int & 0x7FFF_FFFF_FFFF_FFFF)))
    name = await _of_first_telling(transaction, duty) or await _planned(transaction, episode, meets.form)
    if name is not None and (before := await hold(transaction, name)) is not None:
        return before, False
    planned = await _new(transaction, told, episode, meets, now)
    await transaction.connection.execute(
        insert(discussions).values({each: getattr(planned, each) for each in Discussion.__slots__})
    )
    return planned, True


async def _new(
    transaction: Transaction, told: Received[StrategyInvite], episode: UUID, meets: Meets, now: datetime
) -> Discussion:
    starts_at = begins(meets, now, urgent_at=await _urgent_at(transaction, episode, now))
    number = 1 + (
        await transaction.connection.scalar(
            select(func.max(discussions.c.number)).where(discussions.c.episode == episode)
        )
        or 0
    )
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


async def _of_first_telling(transaction: Transaction, duty: Duty) -> UUID | None:
    found: UUID | None = await transaction.connection.scalar(OF_FIRST_TELLING, {"duty": duty.duty})
    return found


async def _planned(transaction: Transaction, episode: UUID, form: Form) -> UUID | None:
    found: UUID | None = await transaction.connection.scalar(OF_FORM, {"episode": episode, "form": form})
    return found


async def _urgent_at(transaction: Transaction, episode: UUID, now: datetime) -> datetime | None:
    """When the episode's last urgent discussion was."""
    found: datetime | None = await transaction.connection.scalar(
        select(func.max(discussions.c.starts_at)).where(
            discussions.c.episode == episode, discussions.c.form == "urgent", discussions.c.starts_at <= now
        )
    )
    return found
