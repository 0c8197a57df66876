"""Reckons the dates that the law counts by, in England's calendar."""

from datetime import UTC, date, datetime, time, timedelta

from services.protocol.policy.draft import Draft
from services.protocol.policy.rule_language.grammar import Letter
from services.protocol.policy.rule_language.vocabulary import DateOf
from services.safeguarding.child_events.care_events import LeaveGranted
from services.safeguarding.dates import ADULT, birthday
from services.safeguarding.working_time import ENGLAND

IN_THE_MORNING = time(9)
DAY = timedelta(days=1)


def date_of(which: DateOf, draft: Draft) -> date | None:
    """None while nobody knows it."""
    if which == DateOf.LEAVE_EXPIRES:
        return draft.leave_expires_on
    day = draft.facts.adult_on
    return None if day == draft.record.wrong_adult_on else day


def letter_differs(letter: Letter, draft: Draft) -> bool:
    """Whether the letter of this grant names another last day than the law gives. False where nobody can tell."""
    grant, adult_on = draft.happened.content, date_of(DateOf.CHILD_TURNS_18, draft)
    if not isinstance(grant, LeaveGranted) or grant.granted_on is None or grant.leave not in letter.lasts:
        return False
    lawful = {letter.lasts[grant.leave].after(grant.granted_on)}
    if grant.leave in letter.until_age:
        if adult_on is None:
            return False
        born = birthday(adult_on, -ADULT)
        ages = (letter.until_age[grant.leave].after(day) for day in (born, born - DAY))  # perhaps 29 February
        lawful = {min(*lawful, age) for age in ages}
    return grant.expires_on not in {*lawful, max(lawful) - DAY}


def morning_of(day: date) -> datetime:
    """Nine o'clock in England, summer and winter, in UTC."""
    return datetime.combine(day, IN_THE_MORNING, ENGLAND).astimezone(UTC)
