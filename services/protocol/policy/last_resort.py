"""Tells the people on duty without any case, rule or escalation, where even a dead letter could not be decided upon.

They are told once for each report that a child is missing, and otherwise once a day for each child: whatever else fails
there would tell them nothing new.
"""

from datetime import datetime
from uuid import UUID

from services.protocol.policy.case import Case
from services.protocol.policy.draft import Decision
from services.safeguarding import identifiers
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.duty.decisions import MessageDeadLettered
from services.safeguarding.duty.duties import Because, ProfessionalNotify
from services.safeguarding.identifiers import AuthorityId, ChildId
from services.safeguarding.roles import ALWAYS_HELD, Channel, Wording
from services.safeguarding.working_time import day_in_england


def list_tellings(
    letter: MessageDeadLettered,
    letter_id: str,
    child: ChildId,
    authority: AuthorityId,
    now: datetime,
    *,
    exercise: bool,
) -> tuple[UUID, ...]:
    """The ids under which this letter counts as told: the day's and, of a report, its own, which comes last. The day is
    England's; `now` is story time.
    """
    day = identifiers.derived("last resort", child, authority, str(day_in_england(now)), str(exercise))
    is_report = letter.original_kind == ChildReportedMissing.kind
    return (day, identifiers.derived("last resort", letter_id)) if is_report else (day,)


def decide_without_case(
    child: ChildId, authority: AuthorityId, about: UUID, now: datetime, *, exercise: bool
) -> Decision:
    """The duties' ids follow from `about`, the last of `list_tellings`, and the role. `now` is story time."""
    duties = [
        ProfessionalNotify(
            duty=identifiers.derived("last resort", str(about), role),
            step=0,
            revision=1,
            because=Because.FIRST,
            authority=authority,
            role=role,
            channel=Channel.TEXT,
            wording=Wording("dead-letter"),
            rule="last-resort",
            protocol="needs-human",
            cites=("S45",),
            created_at=now,
        )
        for role in ALWAYS_HELD
    ]
    exercises = {each.duty for each in duties if exercise}
    return Decision(case=Case(child=child), duties=list(duties), exercises=exercises)
