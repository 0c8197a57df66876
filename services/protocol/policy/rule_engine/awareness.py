"""Tells whether those who care for a child know its risks, and what to do when it is missing or lured (S23, S62)."""

from datetime import datetime

from services.protocol.policy.case import Record
from services.protocol.policy.facts import Facts
from services.safeguarding.identifiers import PersonId

NOBODY_BY_NAME = ""
"""Stands for the carers where the register names none."""


def with_aware(record: Record, facts: Facts, carer: PersonId | None, at: datetime) -> dict[str, datetime]:
    """The record's `carers_aware`, with this carer aware since `at`. None: each carer of the child."""
    carers = _carers(facts) if carer is None else (carer,)
    newest = {each: max(at, record.carers_aware.get(each, at)) for each in carers}
    return record.carers_aware | newest


def aware_since(record: Record, facts: Facts) -> datetime | None:
    """Of the child's present carers, when the one recorded longest ago was recorded. None: one of them never was."""
    known = [record.carers_aware.get(each) for each in _carers(facts)]
    return None if None in known else min(each for each in known if each is not None)


def _carers(facts: Facts) -> tuple[str, ...]:
    return facts.carers or (NOBODY_BY_NAME,)
