"""Finds what a person on duty was told and has not answered."""

from collections.abc import Collection
from datetime import datetime, timedelta

from services.carers.policy.context import Telling
from services.platform.store.query import Query
from services.safeguarding.identifiers import PersonId

OPEN_FOR = timedelta(hours=24)
"""Wall time. What was told earlier has been told again since, or has gone to the next person."""
UNANSWERED = """
    SELECT told.duty, told.step, child, told.authority, told.episode, told.person, told.exercise, told.code,
        coalesce(known.code, '') AS child_code, told.wording, told.deed
    FROM delivery.unanswered told LEFT JOIN register.codes_of_children known USING (child)
    WHERE told.person = ANY(%(people)s::text[]) AND told.created_at > %(since)s AND told.created_at <= %(said_at)s
    ORDER BY told.created_at DESC, told.duty, told.step
"""


def unanswered_by(people: Collection[PersonId], said_at: datetime) -> Query[tuple[Telling, ...]]:
    """When they said what they said: nobody answers what they had not been told yet. `said_at` is wall time."""
    asked = {"people": list(people), "since": said_at - OPEN_FOR, "said_at": said_at}
    return Query(UNANSWERED, asked, lambda rows: tuple(Telling(**row._asdict()) for row in rows))
