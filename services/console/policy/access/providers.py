"""Decides what somebody may do here from what their organisation's provider says of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError, model_validator

from services.console.policy.permits import ALL
from services.safeguarding.identifiers import AuthorityId
from services.safeguarding.operators import OperatorRole

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


def read_claims(provider: Provider, claims: Mapping[str, Any]) -> Claimed:
    """Of a token whose signature, issuer, audience, time and nonce hold. Without `auth_time` nobody has proved anything
    of late.
    """
    groups = claims.get(provider.groups_claim)
    known = [str(each) for each in groups] if isinstance(groups, list) else []
    proved_at = claims.get("auth_time", 0)
    return Claimed(
        subject=str(claims["sub"]),
        name=str(claims.get("name") or claims.get("preferred_username") or "No name given")[:120],
        session=str(claims["sid"]) if "sid" in claims else None,
        proved_at=float(proved_at) if isinstance(proved_at, int | float) and 0 <= proved_at < LATEST else 0.0,
        grant=provider.grant_of(known),
        has_second_factor=provider.second_factor.is_shown_by(claims),
    )
