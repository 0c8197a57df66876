"""Describes what the law says of a grant of leave, which its letter is set against."""

from pydantic import BaseModel, ConfigDict, Field

from services.protocol.policy.rule_language.periods import CalendarLength
from services.safeguarding.child_events.plan_events import LeaveKind


class Letter(BaseModel):
    """The last day of leave as the law reckons it, by its kind: so long from the grant, or until an age if that is
    sooner.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lasts: dict[LeaveKind, CalendarLength]
    until_age: dict[LeaveKind, CalendarLength] = Field({}, alias="until-age")
