"""Tells the people on duty without any case, rule or escalation, where even a dead letter could not be decided upon."""

from datetime import datetime

from services.protocol.policy.case import Case
from services.protocol.policy.draft import Decision
from services.safeguarding import identifiers
from services.safeguarding.duty.duties import Because, ProfessionalNotify
from services.safeguarding.identifiers import AuthorityId, ChildId
from services.safeguarding.roles import Channel, Role, Wording

TOLD = (Role.DUTY_WORKER, Role.DUTY_SENIOR_MANAGER, Role.DUTY_HEAD_OF_SERVICE)


def decide_without_case(child: ChildId, letter: str, authority: AuthorityId, now: datetime) -> Decision:
    """`letter` is the dead letter's id, from which the duties' ids follow: they are told once. `now` is story time."""
    duties = [
        ProfessionalNotify(
            duty=identifiers.derived("last resort", letter, role),
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
        for role in TOLD
    ]
    return Decision(case=Case(child=child), duties=list(duties))
