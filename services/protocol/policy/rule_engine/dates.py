"""Reckons the dates that the law counts by, in England's calendar."""

from datetime import UTC, date, datetime, time

from services.protocol.policy.draft import Draft
from services.protocol.policy.rule_language.vocabulary import DateOf
from services.safeguarding.working_time import ENGLAND

IN_THE_MORNING = time(9)
ADULT = 18


def date_of(which: DateOf, draft: Draft) -> date | None:
    """None while nobody knows it."""
    if which == DateOf.LEAVE_EXPIRES:
        return draft.leave_expires_on
    return None if draft.facts.date_of_birth is None else birthday(draft.facts.date_of_birth, ADULT)


def birthday(born: date, years: int) -> date:
    """The day on which an age is attained. A person born on 29 February attains it on 1 March of a common year."""
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return date(born.year + years, 3, 1)


def morning_of(day: date) -> datetime:
    """Nine o'clock in England, summer and winter, in UTC."""
    return datetime.combine(day, IN_THE_MORNING, ENGLAND).astimezone(UTC)
