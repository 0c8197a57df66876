"""Lists who may be told, by which channel, and in which words: closed vocabularies of the protocol."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent


class Role(StrEnum):
    """A recipient. Who holds a role is asked of the directory when sending, never before."""

    POLICE_CONTROL_ROOM = "police.control-room"
    POLICE_MISSING_COORDINATOR = "police.missing-coordinator"
    """Whom the force sends to strategy discussions. A child placed in another force's area has its coordinator."""
    POLICE_NIGHT_SEAT = "police.night-seat"
    """Who takes police's seat at a discussion out of hours: the duty inspector or the control room."""
    DUTY_WORKER = "duty.worker"
    """The duty social worker in hours, the emergency duty team out of hours: the rota decides (S36 inference,
    practice).
    """
    DUTY_EMERGENCY_TEAM = "duty.emergency-team"
    DUTY_SENIOR_MANAGER = "duty.senior-manager"
    DUTY_HEAD_OF_SERVICE = "duty.head-of-service"
    DUTY_ASSISTANT_DIRECTOR = "duty.assistant-director"
    """Where an authority has one on call: the next person is asked at once where it has not. So with the next."""
    LEAVING_CARE_DESK = "leaving-care.desk"
    CHILD_SOCIAL_WORKER = "child.social-worker"
    CHILD_TEAM_MANAGER = "child.team-manager"
    CHILD_INDEPENDENT_REVIEWING_OFFICER = "child.independent-reviewing-officer"
    CHILD_GUARDIAN = "child.guardian"
    CHILD_LEGAL_ADVISER = "child.legal-adviser"
    CHILD_RETURN_INTERVIEWER = "child.return-interviewer"
    """Who holds return interviews: independent of the child's care, a provider most often."""
    CHILD_PERSONAL_ADVISER = "child.personal-adviser"
    CHILD_HEALTH_PRACTITIONER = "child.health-practitioner"
    CHILD_VIRTUAL_SCHOOL_HEAD = "child.virtual-school-head"
    AREA_GUARDIAN_SCHEME = "area.guardian-scheme"
    """Where an independent guardian is asked for, in areas that have such a scheme (S64)."""
    HOST_DUTY_DESK = "host.duty-desk"
    HOME_OFFICE_MISSING_DESK = "home-office.missing-desk"
    HOME_OFFICE_CASEWORKER = "home-office.caseworker"
    CARER_REPORTING = "carer.reporting"
    """The carer who sent the report: the duty names the person."""
    CARERS_ALL = "carers.all"
    """Each carer of the child's placement now."""
    DIRECTORY_CONTACT = "directory.contact"
    """One person of the directory, whom the duty names, for any of their lines."""
    PLAN_OWNER = "plan.owner"
    """Who is to carry out a step of a discussion's plan: the event names the role, and the duty is told to that."""
    EVERYONE_TOLD = "everyone-told"
    """Each recipient told of this episode so far, by the channel by which they were told."""


ON_DUTY = frozenset(role for role in Role if role.startswith("duty."))
"""Whom the rota names, and who answers at any hour."""
PLAN_OWNERS = frozenset(Role) - {
    Role.POLICE_CONTROL_ROOM,
    Role.CARER_REPORTING,
    Role.CARERS_ALL,
    Role.DIRECTORY_CONTACT,
    Role.PLAN_OWNER,
    Role.EVERYONE_TOLD,
}
"""Who may have a step of a plan: somebody whom a mail reaches."""


DEEDS: Mapping[str, Mapping[str, Any]] = yaml.load((HERE / "deeds.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
"""As they are written; `services.safeguarding.deeds` reads them."""
Deed = StrEnum("Deed", list(DEEDS))  # type: ignore[misc]
Deed.__doc__ = (
    "Something that has to be done. A duty that stands for it ends when it is recorded, and on no word before."
)
CareStep = StrEnum("CareStep", [step for each in DEEDS.values() for step in each.get("steps", ())])  # type: ignore[misc]
CareStep.__doc__ = "A small thing that was done for a child, where a person is asked until it is."


class Channel(StrEnum):
    WEBHOOK = "webhook"
    TEXT = "text"
    EMAIL = "email"
    INVITATION = "invitation"


Wording = StrEnum("Wording", yaml.load((HERE / "wordings.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader))  # type: ignore[misc]
Wording.__doc__ = "The message sent: a template of the service that carries the duty out, or the police notice's type."
