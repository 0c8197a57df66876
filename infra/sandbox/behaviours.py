"""Holds the switches that say how each part of the outside world behaves at the moment."""

import asyncio
import random
from enum import StrEnum
from typing import Literal

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field


class Mode(StrEnum):
    """What a caller meets. Not every part can do all of them."""

    NORMAL = "normal"
    SLOW = "slow"  # answers properly, after `delay_seconds`
    FAILING = "failing"  # answers an error at once, and has kept nothing
    SILENT = "silent"  # takes the connection and never answers; has kept nothing
    HANG = "hang"  # keeps what it is sent, begins to answer and never ends
    LOST_ANSWER = "lost-answer"  # keeps what it is sent and does it, and never answers
    THROTTLED = "throttled"  # says "too many requests" with Retry-After
    REFUSING = "refusing"  # says no for good
    UNKNOWN = "unknown"  # no such mailbox
    FULL = "full"  # has no room left
    GREYLISTING = "greylisting"  # says "later" at first
    BOUNCES = "bounces"  # takes it, and a bounce follows
    AWAY = "away"  # takes it, and an automatic note follows


class Trouble(BaseModel):
    """What every part has: how slow it is when slow, and how often its trouble strikes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    delay_seconds: float = Field(default=2.0, ge=0, le=600)
    probability: float = Field(default=1.0, ge=0, le=1)


class DeskBehaviour(Trouble):
    """A police desk. `acknowledges` false: its machine takes notices, no person answers them."""

    mode: Literal[Mode.NORMAL, Mode.SLOW, Mode.FAILING, Mode.SILENT, Mode.HANG] = Mode.NORMAL
    status: int = Field(default=500, ge=400, le=599)
    acknowledges: bool = True


class PhoneNetworkBehaviour(Trouble):
    """`mode` is that of Twilio's API. A slow network also takes `delay_seconds` to reach the handset.

    `delivery`: `undelivered` reports `error_code`, `none` says nothing after "sent". `calls`: the end of each call, in
    which its recipient presses `key`. Texts to Safe Return heed two switches alone. `patient`, the sandbox's own
    kindness: one that is not taken is offered again. `repeats`: each is offered once more under the same MessageSid
    although it was taken, as when the answer to Twilio is lost.
    """

    mode: Literal[Mode.NORMAL, Mode.SLOW, Mode.FAILING, Mode.SILENT, Mode.LOST_ANSWER, Mode.THROTTLED] = Mode.NORMAL
    status: int = Field(default=503, ge=500, le=599)
    retry_after_seconds: int = Field(default=1, ge=0)
    delivery: Literal["delivered", "undelivered", "none"] = "delivered"
    error_code: int = Field(default=30003, ge=30001, le=30999)
    calls: Literal["answered", "machine", "busy", "no-answer", "failed"] = "answered"
    key: str = Field(default="", pattern="^[0-9*#]?$")
    patient: bool = True
    repeats: bool = False


class NotifyBehaviour(Trouble):
    """`mode` is that of GOV.UK Notify's API: `throttled` is its rate limit, `full` its daily one. `delivery` is the
    status in which a text ends; `none`: no receipt follows.
    """

    mode: Literal[
        Mode.NORMAL, Mode.SLOW, Mode.FAILING, Mode.SILENT, Mode.LOST_ANSWER, Mode.THROTTLED, Mode.FULL, Mode.REFUSING
    ] = Mode.NORMAL
    delivery: Literal["delivered", "permanent-failure", "temporary-failure", "technical-failure", "none"] = "delivered"


class MailServerBehaviour(Trouble):
    """The mail server: `failing` says 451 (try later), `refusing` says 550 (never)."""

    mode: Literal[Mode.NORMAL, Mode.SLOW, Mode.FAILING, Mode.REFUSING, Mode.SILENT] = Mode.NORMAL


class MailboxBehaviour(BaseModel):
    """One mailbox: `unknown` answers its name with 550, `full` with 552, `greylisting` with 451 the first `times`.

    `bounces` and `away` take the mail. A delivery status notification or an automatic note follows after
    `delay_seconds`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal[Mode.NORMAL, Mode.UNKNOWN, Mode.FULL, Mode.GREYLISTING, Mode.BOUNCES, Mode.AWAY] = Mode.NORMAL
    times: int = Field(default=1, ge=1, le=100)
    delay_seconds: float = Field(default=1.0, ge=0, le=600)


class Behaviours(BaseModel):
    """The switches of the whole outside world, as they stand."""

    desks: dict[str, DeskBehaviour]
    phone_network: PhoneNetworkBehaviour = PhoneNetworkBehaviour()
    notify: NotifyBehaviour = NotifyBehaviour()
    mail_server: MailServerBehaviour = MailServerBehaviour()
    mailboxes: dict[str, MailboxBehaviour] = {}

    def mailbox(self, address: str) -> MailboxBehaviour:
        """Say how one mailbox behaves: as any other, unless its switch was thrown."""
        return self.mailboxes.get(address.lower(), MailboxBehaviour())


def current_mode(behaviour: DeskBehaviour | PhoneNetworkBehaviour | NotifyBehaviour | MailServerBehaviour) -> Mode:
    """Say what one caller meets: the mode that is set, or normal if the trouble does not strike this time."""
    if behaviour.probability < 1 and random.random() >= behaviour.probability:  # noqa: S311 - a die, not a secret
        return Mode.NORMAL
    return behaviour.mode


async def hold(request: Request, closing: asyncio.Event) -> None:
    """Say nothing until the caller gives up, or the sandbox itself stops."""
    gone = asyncio.create_task(_caller_gone(request))
    stopped = asyncio.create_task(closing.wait())
    await asyncio.wait((gone, stopped), return_when=asyncio.FIRST_COMPLETED)
    gone.cancel()
    stopped.cancel()


async def _caller_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
