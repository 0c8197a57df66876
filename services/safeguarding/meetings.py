"""Describes when a strategy discussion meets, in rules and invitations."""

from datetime import time, timedelta
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from services.safeguarding.message import Contract

Form: TypeAlias = Literal["urgent", "full"]
HALF_AN_HOUR = timedelta(minutes=30)


class _Meets(Contract):
    lasts: timedelta
    warn: timedelta
    """How long before it begins the convener is told which seats of the quorum nobody has taken."""
    answer: timedelta
    """How long people have after a new date to accept again, before the convener hears who has not."""
    unless: tuple[Literal["returned", "closed", "retracted"], ...] = ()
    """An episode in one of these states calls it off. Left out: only the convener does."""


class AtOnce(_Meets):
    """By telephone, as soon as possible (S36): at most so long after its cause, on a quarter of an hour."""

    form: Literal["urgent"]
    day: timedelta = Field(ge=HALF_AN_HOUR)
    """Within working hours: Monday to Friday, nine to five, no bank holiday."""
    night: timedelta = Field(ge=HALF_AN_HOUR)
    """At any other hour, with the people on call."""


class InFull(_Meets):
    """The full meeting after an urgent discussion (practice), at an hour of England on a working day after it."""

    form: Literal["full"]
    workday: int = Field(ge=1)
    """On which working day after the urgent discussion, where that leaves enough notice."""
    latest: int = Field(ge=1)
    """The last of the working days on which it may be."""
    at: time
    notice: timedelta


Meets: TypeAlias = Annotated[AtOnce | InFull, Field(discriminator="form")]
