"""Lists what each role may do at the console, and decides it from what somebody's organisation's provider says of them.

Limits how long a session and a proof of who somebody is last. Wall time.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError, model_validator

from services.safeguarding.identifiers import AuthorityId, Scope
from services.safeguarding.operators import AccountId, OperatorRole

ALL = "all"
"""Stands for every authority. It has to be written: nothing that is left out ever means it."""


class May(StrEnum):
    LOOK = "look"
    """Every page, without a name of a child or a word about one."""
    ANSWER = "answer"
    """Acknowledge on somebody's behalf, or record that police were told by telephone."""
    RECORD = "record"
    """Record what happened to a child (back, not back, checked, interviewed, reviewed); move a strategy discussion."""
    UNDO_FOR_OTHERS = "undo-for-others"
    """Undo what a colleague recorded, before it goes out."""
    SEND_AGAIN = "send-again"
    """Send a delivery once more, redrive a dead letter."""
    EXERCISE = "exercise"
    COVER = "cover"
    """Ring those on duty, take over or swap a turn, hand the shift over and accept it."""
    CHANGE_ROTA = "change-rota"
    """Enter leave and shifts of others and end them, correct a number or an address, give a calendar to somebody."""
    REVEAL = "reveal"
    """Look up who a child is: with a reason once a shift, on the record."""
    READ_WORDS = "read-words"
    """Read what was said about a child, and the numbers of whom to ring: each view on the record."""
    DISCLOSE = "disclose"
    """Draw everything that is held about a child or a person, to give it to them: with a reason, on the record."""
    ADMINISTER = "administer"
    """Make, limit and end the accounts of their authorities, and take an authority of theirs from nothing to live."""
    DISPOSE = "dispose"
    """Have records held for an inquiry, and, two of them, have somebody's records erased."""
    READ_REASONS = "read-reasons"
    """Read the reasons that others gave for their acts."""


_DUTY = frozenset({May.LOOK, May.ANSWER, May.RECORD, May.REVEAL, May.READ_WORDS, May.READ_REASONS, May.COVER})
MAY: Mapping[OperatorRole, frozenset[May]] = {
    OperatorRole.DUTY_MANAGER: _DUTY
    | {May.SEND_AGAIN, May.EXERCISE, May.CHANGE_ROTA, May.UNDO_FOR_OTHERS, May.DISCLOSE, May.DISPOSE},
    OperatorRole.SOCIAL_WORKER: _DUTY,
    OperatorRole.OPERATOR: frozenset({May.LOOK, May.SEND_AGAIN, May.EXERCISE}),
    OperatorRole.AUDITOR: frozenset({May.LOOK, May.READ_REASONS}),
    OperatorRole.SCREEN: frozenset({May.LOOK}),
    OperatorRole.ADMINISTRATOR: frozenset({May.ADMINISTER}),
}


@dataclass(frozen=True, slots=True)
class Operator:
    """Who is signed in, and whose children they see: none without an authority, everybody's with the word `ALL`."""

    account: AccountId
    name: str
    role: OperatorRole
    authorities: frozenset[str]

    @property
    def scope(self) -> Scope:
        """For a question to the database."""
        return None if ALL in self.authorities else sorted(self.authorities)

    @property
    def only_authority(self) -> AuthorityId | None:
        """None where they see several, or none."""
        return next(iter(self.authorities)) if len(self.authorities) == 1 and ALL not in self.authorities else None

    def may(self, what: May) -> bool:
        return what in MAY[self.role]

    def sees(self, authority: AuthorityId | None) -> bool:
        """Whether they may see rows of `authority`. None belongs to no authority: operators of every authority may."""
        return ALL in self.authorities or authority in self.authorities


Url = Annotated[str, StringConstraints(pattern=r"^https://[^\s?#]+$|^http://127\.0\.0\.1(:\d+)?(/[^\s?#]*)?$")]
"""HTTPS. Plain HTTP is for a provider on this machine, as tests have it."""
LATEST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Grant(Closed):
    """What members of a group may do. Neither part can be left out."""

    role: OperatorRole
    authorities: tuple[AuthorityId, ...] | Literal["all"]

    @property
    def listed(self) -> frozenset[str]:
        return frozenset({ALL} if self.authorities == ALL else self.authorities)


class SecondFactor(Closed):
    """What the provider must say of a sign-in: one of these `acr`, or one of these `amr`. The former are asked for."""

    acr: tuple[str, ...] = ()
    amr: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.acr and not self.amr:
            raise ValueError("a second factor is an acr or an amr that the provider says")
        return self

    def is_shown_by(self, claims: Mapping[str, Any]) -> bool:
        said = claims.get("amr")
        return claims.get("acr") in self.acr or bool(set(self.amr) & set(said if isinstance(said, list) else ()))


class Provider(Closed):
    """An organisation that signs its own staff in. `groups` are asked in their order: the first that somebody is in
    gives their role, and further ones of the same role more authorities.
    """

    title: str
    """What the button says, such as Kestrel Council."""
    issuer: Url
    client: str
    secret: SecretStr
    private_ca: str | None = None
    """PEM; then no public certificate counts."""
    second_factor: SecondFactor
    groups_claim: str = "groups"
    groups: Mapping[str, Grant]

    def grant_of(self, groups: Collection[str]) -> Grant | None:
        """None: they are in no group that is mapped, so they are not let in."""
        found = [grant for name, grant in self.groups.items() if name in groups]
        same = [each.listed for each in found if each.role is found[0].role]
        if not found:
            return None
        authorities = frozenset[str]().union(*same)
        return Grant(role=found[0].role, authorities=ALL if ALL in authorities else tuple(sorted(authorities)))


class Providers(Closed):
    """The secret file `sign_in_providers`. `console`: its address for browsers, to which providers send back."""

    console: Url
    providers: Mapping[Name, Provider] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Claimed:
    """Who a provider says has signed in. `subject` is theirs for good; their name may change."""

    subject: str
    name: str
    session: str | None
    proved_at: float
    grant: Grant | None
    has_second_factor: bool


def read_providers(text: str) -> Providers:
    """Raises ValueError; it does not show what the file holds."""
    try:
        return Providers.model_validate(yaml.safe_load(text))
    except yaml.YAMLError:
        raise ValueError("it is not YAML") from None
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_input=False))
        raise ValueError("; ".join(faults)) from None


PROVED_FOR = timedelta(minutes=15)
"""To be told who a child is, or to stand a search down, somebody has signed in, or shown their second factor, within
this time. Whoever opened the form in time has as long again to send it.
"""
ASKED_FOR = timedelta(minutes=5)
"""A provider's word that somebody may come in holds for this long: then the next page asks it again."""
ASKED_AT_LATEST = timedelta(minutes=15)
"""After this, nothing is shown or taken before the provider was asked, on a page that only follows changes either."""


@dataclass(frozen=True, slots=True)
class Session:
    """`proved_at`: when they last showed who they are. `asked_at`: when their organisation was last asked whether they
    may come in; None for a local account. `unanswered_since`: when it was first asked in vain, None once it answers.
    """

    begun_at: datetime
    used_at: datetime
    proved_at: datetime
    asked_at: datetime | None
    unanswered_since: datetime | None = None

    def is_proved(self, now: datetime, *, sending: bool = False) -> bool:
        """`sending`: a form that was opened before."""
        return now - self.proved_at < PROVED_FOR * (2 if sending else 1)

    def asks_provider(self, now: datetime, *, is_page: bool) -> bool:
        """Whether the organisation has to be asked first whether they may still come in. `is_page`: a page that
        somebody opens, which comes back by itself.
        """
        return self.asked_at is not None and now - self.asked_at >= (ASKED_FOR if is_page else ASKED_AT_LATEST)


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lasts unused, and in total.

    A page that only follows changes does not count as use and needs none, so that a screen on the wall shows until the
    total is over.
    """

    unused: timedelta = timedelta(hours=1)
    total: timedelta = timedelta(hours=12)

    def allow(self, session: Session, now: datetime, *, following: bool) -> bool:
        return now - session.begun_at < self.total and (following or now - session.used_at < self.unused)
