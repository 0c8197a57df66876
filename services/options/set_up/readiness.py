"""Works out what an authority lacks before it goes live."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.console.policy.directory import directory
from services.safeguarding.identifiers import ForceId
from services.safeguarding.roles import Channel
from services.safeguarding.working_time import RotaLine

NEEDED = ("placements", "people", "carers", "children", "directory")
FRESH_FOR = timedelta(hours=51)
"""As the alert for a stale register has it: a nightly import, and half a day to mend one that failed."""
LOOKED_AHEAD = timedelta(days=7)
PEOPLE_WHO_SIGN_IN = 2
"""Duty managers. One alone is on leave some day."""


@dataclass(frozen=True, slots=True)
class ForceFacts:
    """A force in whose area the authority has placements."""

    force: ForceId
    is_reached: bool
    """An approved version says how."""
    has_api: bool
    is_agreed: bool
    """A sharing agreement that names its fields is in force today."""


@dataclass(frozen=True, slots=True)
class Facts:
    """`imported`: when each table was, story time. `exercised`: channels by which a message of an exercise arrived."""

    has_duty_line: bool
    credentials: int
    imported: Mapping[str, datetime]
    rota: Sequence[RotaLine]
    managers: int
    """Duty managers with a second factor, or whom an organisation signs in."""
    is_signed_in_by_provider: bool
    forces: Sequence[ForceFacts]
    exercised: Collection[str]


@dataclass(frozen=True, slots=True)
class Check:
    """`name` has its words in the messages. `lacking`: what is missing, in ids and times; empty where nothing is."""

    name: str
    lacking: tuple[str, ...] = ()
    unheld: tuple[datetime, tuple[str, ...]] | None = None
    """The first hour in which nobody holds one of these roles."""

    @property
    def is_met(self) -> bool:
        return not self.lacking and self.unheld is None


def checks(facts: Facts, now: datetime) -> list[Check]:
    """`now` is story time."""
    old = [each for each in NEEDED if each not in facts.imported or now - facts.imported[each] > FRESH_FOR]
    unreached = tuple(each.force for each in facts.forces if not each.is_reached)
    enough = facts.is_signed_in_by_provider or facts.managers >= PEOPLE_WHO_SIGN_IN
    by = {Channel.TEXT, Channel.EMAIL} | ({Channel.WEBHOOK} if any(each.has_api for each in facts.forces) else set())
    return [
        Check("duty-line", () if facts.has_duty_line else ("duty_line",)),
        Check("credential", () if facts.credentials else ("credential",)),
        Check("register", tuple(old)),
        Check("rota", () if facts.rota else ("directory",), _first_unheld(facts.rota, now)),
        Check("sign-in", () if enough else (f"{facts.managers} of {PEOPLE_WHO_SIGN_IN}",)),
        Check("forces", unreached if facts.forces else ("placements",)),
        Check("agreements", tuple(each.force for each in facts.forces if not each.is_agreed)),
        Check("channels", tuple(sorted(each for each in by if each not in facts.exercised))),
    ]


def _first_unheld(rota: Sequence[RotaLine], now: datetime) -> tuple[datetime, tuple[str, ...]] | None:
    """The first hour of the coming week in which nobody holds a role that has to be held, and the roles."""
    for hour in range(int(LOOKED_AHEAD / timedelta(hours=1))):
        at = (now + timedelta(hours=hour)).replace(minute=0, second=0, microsecond=0)
        for _, roles in directory(rota, {}, max(at, now)).unheld:
            return at, roles
    return None
