"""Defines a delivery, one message for one destination, and the message that a service prepares for it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Literal, TypeAlias
from uuid import UUID

import yaml
from pydantic import BaseModel, ConfigDict

from services.platform.messages.envelope import Received
from services.safeguarding import identifiers
from services.safeguarding.duty.duties import Duty, FailureReason
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId
from services.safeguarding.roles import Channel

MediumName: TypeAlias = Literal["webhook", "text", "email", "voice", "poll"]
WayName: TypeAlias = str
"""By which a text goes: one of `TEXT_WAYS`."""


class TextWaySpec(BaseModel):
    """`sender`: how the console asks for what the provider knows a number by, where that is not the number itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sender: str | None = None


TEXT_WAYS = {
    way: TextWaySpec.model_validate(each)
    for way, each in yaml.load(Path(__file__).with_name("text_ways.yaml").read_text(), yaml.CSafeLoader).items()
}
MEDIA: dict[Channel, MediumName] = {
    Channel.WEBHOOK: "webhook",
    Channel.TEXT: "text",
    Channel.EMAIL: "email",
    Channel.INVITATION: "email",
}


class State(StrEnum):
    WAITING = "waiting"
    SENDING = "sending"
    """An attempt has begun. After a crash: it may have arrived."""
    UNKNOWN = "unknown"
    """The result was lost: it may have arrived."""
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Delivery:
    """`id` is what the other end sees at every attempt. `created_at` is wall time.

    Either a telling of a `duty`, prepared when first sent; or a conversation's reply, whose number (E.164) and body are
    known at once. `key_owner` is whose data key encrypts recipient and body: the child's, unless said otherwise.
    """

    id: UUID
    lane: str
    child: ChildId
    created_at: datetime
    authority: AuthorityId | None = None
    duty: Duty | None = None
    person: PersonId | None = None
    urgent: bool = True
    exercise: bool = False
    trace: str | None = None
    to_number: str | None = None
    body: str | None = None
    key_owner: str | None = None
    texted: str | None = None
    """Our number that the text came to which this answers: it goes out by that one."""
    held_for: timedelta = timedelta(0)
    """Sent that long after it was put at the earliest, so that others for the same reader may go with it."""
    code: str = ""
    """The code that its recipient texts back after OK, by which it is found again. Made from `id` if not given."""

    def __post_init__(self) -> None:
        if not self.code:
            object.__setattr__(self, "code", identifiers.code_of(self.id))

    @classmethod
    def of(
        cls,
        received: Received[Duty],
        *,
        lane: str,
        now: datetime,
        person: PersonId | None = None,
        id: UUID | None = None,  # noqa: A002 the field's name
        code: str = "",
    ) -> "Delivery":
        """A telling. If it goes to several people, each has an `id` derived from the telling and the person."""
        duty = received.content
        return cls(
            id=id or duty.telling,
            lane=lane,
            child=received.subject,
            created_at=now,
            authority=duty.authority,
            duty=duty,
            person=person or duty.person,
            urgent=duty.urgent,
            exercise=received.exercise,
            trace=received.trace,
            code=code,
        )

    @property
    def to_stranger(self) -> bool:
        """A reply to a number that we do not know."""
        return self.duty is None and self.person is None

    @property
    def medium(self) -> MediumName:
        return "text" if self.duty is None else MEDIA[self.duty.channel]

    @property
    def owner(self) -> str:
        return self.key_owner or self.child


@dataclass(frozen=True, slots=True)
class PreparedMessage:
    """Recipient (a URL, a number, an address) and body, the same for every attempt.

    `read` names the fields of the register that were read for it and are not on the record yet. `number` is the
    recipient's, if it is a phone: a code texted to it may come back from it. `secrets` sign a webhook, and are asked
    for anew at each attempt.
    """

    recipient: str
    body: str
    person: PersonId | None = None
    read: tuple[str, ...] = ()
    number: str | None = None
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """It cannot be sent, and trying again would not help: the protocol goes on to the next person."""

    reason: FailureReason
    person: PersonId | None = None
    read: tuple[str, ...] = ()
    """Names the fields of the register that were read before this was found."""

    def having_read(self, *fields: str) -> "Undeliverable":
        """Adds the fields that were read: none if nobody held the role."""
        return replace(self, read=fields) if self.reason == "no-address" else self


@dataclass(frozen=True, slots=True)
class Postponed:
    """It is not sent yet: it is prepared again after `pause`. Until then nobody has been told."""

    pause: timedelta


Prepared: TypeAlias = PreparedMessage | Undeliverable | Postponed
