"""Reckons the dates that the law counts by, in England's calendar."""

from datetime import UTC, date, datetime, time, timedelta

from services.protocol.policy.draft import Draft
from services.protocol.policy.rule_language.letter import Letter
from services.protocol.policy.rule_language.vocabulary import DateOf
from services.safeguarding.child_events.plan_events import LeaveGranted
from services.safeguarding.working_time import ENGLAND

IN_THE_MORNING = time(9)
ADULT = 18


def date_of(which: DateOf, draft: Draft) -> date | None:
    """None while nobody knows it."""
    if which == DateOf.LEAVE_EXPIRES:
        return draft.leave_expires_on
    born = draft.facts.date_of_birth
    return None if born is None or born == draft.record.wrong_birth_date else birthday(born, ADULT)


def letter_differs(letter: Letter, draft: Draft) -> bool:
    """Whether the letter of this grant names another last day than the law gives. False where nobody can tell."""
    grant, born = draft.happened.content, draft.facts.date_of_birth
    if not isinstance(grant, LeaveGranted) or grant.granted_on is None or grant.leave not in letter.lasts:
        return False
    days = [letter.lasts[grant.leave].after(grant.granted_on)]
    if grant.leave in letter.until_age:
        if born is None or born == draft.record.wrong_birth_date:
            return False
        days.append(letter.until_age[grant.leave].after(born))
    lawful = min(days)
    return grant.expires_on not in {lawful, lawful - timedelta(days=1)}


def birthday(born: date, years: int) -> date:
    """The day on which an age is attained. A person born on 29 February attains it on 1 March of a common year."""
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return date(born.year + years, 3, 1)


def morning_of(day: date) -> datetime:
    """Nine o'clock in England, summer and winter, in UTC."""
    return datetime.combine(day, IN_THE_MORNING, ENGLAND).astimezone(UTC)
