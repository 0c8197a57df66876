"""Lists who may be told, by which channel, and in which words: closed vocabularies of the protocol."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import yaml
from pydantic import ConfigDict, Field, model_validator

from services.safeguarding.identifiers import Entry, read_entries

HERE = Path(__file__).parent
DUTY = "duty."
"""How the roles of the rota begin: the register's views and the pages of the rota know them by it."""


class Role(StrEnum):
    """A recipient, as `roles.yaml` describes it. Who holds a role is looked up when sending, never before."""

    POLICE_CONTROL_ROOM = "police.control-room"
    POLICE_MISSING_COORDINATOR = "police.missing-coordinator"
    POLICE_NIGHT_SEAT = "police.night-seat"
    DUTY_WORKER = "duty.worker"
    DUTY_EMERGENCY_TEAM = "duty.emergency-team"
    DUTY_SENIOR_MANAGER = "duty.senior-manager"
    DUTY_HEAD_OF_SERVICE = "duty.head-of-service"
    DUTY_ASSISTANT_DIRECTOR = "duty.assistant-director"
    LEAVING_CARE_DESK = "leaving-care.desk"
    CHILD_SOCIAL_WORKER = "child.social-worker"
    CHILD_TEAM_MANAGER = "child.team-manager"
    CHILD_INDEPENDENT_REVIEWING_OFFICER = "child.independent-reviewing-officer"
    CHILD_GUARDIAN = "child.guardian"
    CHILD_LEGAL_ADVISER = "child.legal-adviser"
    CHILD_RETURN_INTERVIEWER = "child.return-interviewer"
    CHILD_PERSONAL_ADVISER = "child.personal-adviser"
    CHILD_HEALTH_PRACTITIONER = "child.health-practitioner"
    CHILD_VIRTUAL_SCHOOL_HEAD = "child.virtual-school-head"
    AREA_GUARDIAN_SCHEME = "area.guardian-scheme"
    HOST_DUTY_DESK = "host.duty-desk"
    HOME_OFFICE_MISSING_DESK = "home-office.missing-desk"
    HOME_OFFICE_CASEWORKER = "home-office.caseworker"
    CARER_REPORTING = "carer.reporting"
    CARERS_ALL = "carers.all"
    DIRECTORY_CONTACT = "directory.contact"
    PLAN_OWNER = "plan.owner"
    EVERYONE_TOLD = "everyone-told"


class Channel(StrEnum):
    WEBHOOK = "webhook"
    TEXT = "text"
    EMAIL = "email"
    INVITATION = "invitation"


Seat: TypeAlias = Literal["police", "health", "social-care"]


class _Written(Entry):
    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))


class RoleWords(_Written):
    """`name` begins with a small letter, as in a sentence."""

    name: str = Field(min_length=1)
    short: str = Field(min_length=1)
    whose: str = Field(min_length=1)


class RoleSpec(_Written):
    """All that is said of a role, as the head of `roles.yaml` explains it."""

    held_by: Literal["directory", "force", "placement", "named"]
    lines: tuple[str, ...] = ()
    hours: Literal["every", "listed"]
    of: Literal["police", "duty", "workers", "desks", "carers", "everyone"]
    owns_steps: bool = False
    seat: Seat | None = None
    channels: tuple[Channel, ...]
    says: dict[str, RoleWords]

    @model_validator(mode="after")
    def _has_its_words(self) -> Self:
        if not {"en", "cy"} <= self.says.keys():
            raise ValueError("`says` has words in en and cy")
        if self.owns_steps and Channel.EMAIL not in self.channels:
            raise ValueError("who owns a step of a plan is told by email")
        return self


def read_roles(written: Mapping[str, Any]) -> Mapping[Role, RoleSpec]:
    """Raises ValueError, naming the role, where one is not described, or not as it must be."""
    if differing := set(written) ^ set(Role):
        raise ValueError(f"roles.yaml and `Role` have the same roles: {', '.join(sorted(differing))} is in one alone")
    found = read_entries("roles.yaml", RoleSpec, written)
    for name, each in found.items():
        if name.startswith(DUTY) != (each.of == "duty"):
            raise ValueError(f"roles.yaml, {name}: whoever is `of: duty`, and nobody else, begins with `{DUTY}`")
    return {Role(name): each for name, each in found.items()}


ROLES = read_roles(yaml.load((HERE / "roles.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader))
ON_DUTY = frozenset(role for role, each in ROLES.items() if each.of == "duty")
"""Whom the rota names, and who answers at any hour."""
CARERS = frozenset(role for role, each in ROLES.items() if each.of == "carers")
PLAN_OWNERS = frozenset(role for role, each in ROLES.items() if each.owns_steps)
"""Who may have a step of a plan: somebody whom a mail reaches."""
_FILL_ANOTHER = {line for each in ROLES.values() for line in each.lines}
ALWAYS_HELD = tuple(role for role, each in ROLES.items() if each.hours == "every" and role not in _FILL_ANOTHER)
"""Somebody has to be on duty in each of these at any hour: the protocol turns to them when others do not answer."""


def lines_of(role: Role) -> tuple[str, ...]:
    """The lines of the directory that may fill it: the first that has somebody on duty counts."""
    return ROLES[role].lines or (str(role),)


DEEDS: Mapping[str, Mapping[str, Any]] = yaml.load((HERE / "deeds.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
"""As they are written; `services.safeguarding.deeds` reads them."""
Deed = StrEnum("Deed", list(DEEDS))  # type: ignore[misc]
Deed.__doc__ = (
    "Something that has to be done. A duty that stands for it ends when it is recorded, and on no word before."
)
CareStep = StrEnum("CareStep", [step for each in DEEDS.values() for step in each.get("steps", ())])  # type: ignore[misc]
CareStep.__doc__ = "A small thing that was done for a child, where a person is asked until it is."


Wording = StrEnum("Wording", yaml.load((HERE / "wordings.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader))  # type: ignore[misc]
Wording.__doc__ = "The message sent: a template of the service that carries the duty out, or the police notice's type."
