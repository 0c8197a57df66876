"""Says what a credential may write: some tables of one authority's register, until it expires."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.casework.policy.rows import TABLES
from services.safeguarding.identifiers import AuthorityId

PHOTOGRAPHS = "photographs"
WRITABLE = ("authority", *TABLES, PHOTOGRAPHS)
SCOPE = "register"
"""A JWT must have it, so that a client's tokens for other purposes write nothing here."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A token of ours, or a client of the authority's identity provider: then it has the last four fields."""

    id: str
    authority: AuthorityId
    tables: frozenset[str]
    expires_at: datetime
    withdrawn_at: datetime | None = None
    issuer: str | None = None
    client: str | None = None
    audience: str | None = None
    jwks_url: str | None = None

    def holds(self, now: datetime) -> bool:
        """`now` is wall time."""
        return self.withdrawn_at is None and now < self.expires_at

    def grants(self, claims: Mapping[str, Any]) -> bool:
        """Whether a verified JWT of this client is meant for the register of this authority."""
        scopes = claims.get("scope", "")
        in_scope = isinstance(scopes, str) and SCOPE in scopes.split()
        return in_scope and claims.get("authority") == self.authority
