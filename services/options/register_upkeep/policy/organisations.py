"""Declares what a force and an agency say of themselves, and when a change of a force may be approved. Pure."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints, model_validator

from services.options.register_upkeep.policy import rows
from services.safeguarding.identifiers import AuthorityId, ForceId
from services.safeguarding.operators import AccountId

HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$", max_length=500)]


class OAuthClient(rows.Closed):
    """What we are known by at a force's token server (OAuth 2.0 client credentials)."""

    token_url: HttpUrl
    client: rows.Line
    secret: rows.Line
    scope: str = ""


class ForceRow(rows.Row):
    """Reached at `notice_url`, or it `polls` for its notices, or by mail where it has no API. The URL is HTTPS, at a
    public address. `private_ca` (PEM) signs its certificate, where no public one does; `client_certificate` (PEM, with
    its key) is ours, for a force that asks for one, as `oauth` is for one that wants tokens. `sends_open_list`: it
    tells us daily which children it counts as missing.
    """

    id: ForceId
    name: rows.Line
    notice_url: HttpUrl | None = None
    notice_email: rows.Email | None = None
    polls: bool = False
    secrets: tuple[rows.SigningKey, ...] = ()
    reply_secrets: tuple[rows.VerifyingKey, ...] = ()
    client_certificate: rows.CertificateWithKey | None = None
    oauth: OAuthClient | None = None
    callback: rows.Number | None = None
    private_ca: rows.Certificates | None = None
    sends_open_list: bool = False

    @model_validator(mode="after")
    def _can_be_reached(self) -> "ForceRow":
        if self.notice_url is None and self.notice_email is None and not self.polls:
            raise ValueError("notice_url, polls, or for a force without an API notice_email, is needed")
        if self.notice_url is None and not self.polls and self.callback is None:
            raise ValueError("callback, the control room's number, is needed where there is no API: codes go to it")
        if (self.notice_url is not None or self.polls) and not (self.secrets and self.reply_secrets):
            raise ValueError("secrets and reply_secrets are needed where there is an API, one of each at least")
        return self


class AgencyRow(rows.Row):
    """`sources`: each of its sources, and the authority for which it speaks."""

    id: rows.AgencyId
    secrets: tuple[rows.VerifyingKey, ...]
    sources: dict[rows.Source, AuthorityId]


class Organisations(rows.Closed):
    forces: tuple[ForceRow, ...] = ()
    agencies: tuple[AgencyRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A version of a force, whose `effective_at` is None while it is only proposed; or a change of an agency, which
    `is_over` once it is decided. `kind`: force or agency.
    """

    id: UUID
    kind: str
    name: str
    proposed_by: AccountId
    effective_at: datetime | None
    was_tried: bool
    is_over: bool
    others_in_force: int
    """Approved versions that would be left without it."""
    asked_back_by: AccountId | None = None
    """Who wants it taken back, once it is approved: a second person does it."""
    newest_from: datetime | None = None
    """When the newest approved version of the force takes effect."""


NOT_BY_ONE = "a second person approves: not the one who proposed it"
SHOWN_OTHERWISE = "what it changes is not what you were shown, since another change was approved meanwhile: look again"
SECRET = frozenset({"secrets", "reply_secrets", "client_certificate", "private_ca", "oauth"})


def describe_change(before: object, after: object, fields: Iterable[str]) -> list[str]:
    """A line for each field that differs, for the approver. Keys and certificates are shown as fingerprints."""
    both = [(name, _shown(name, getattr(before, name)), _shown(name, getattr(after, name))) for name in fields]
    return [f"{name}: {was} -> {is_now}" for name, was, is_now in both if was != is_now]


def fingerprint_of(lines: Iterable[str]) -> str:
    """Identifies what somebody was shown: their approval must name it."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _shown(name: str, value: object) -> str:
    each = value if isinstance(value, tuple) else () if value is None else (value,)
    if name in SECRET:
        return ", ".join(hashlib.sha256(str(key).encode()).hexdigest()[:16] for key in each) or "none"
    return ", ".join(map(str, each)) or "none"


def waits_for_second(change: Change, by: AccountId) -> bool:
    """Whether `by` can only ask that it be taken back: an approved version takes two people, as its approval did."""
    return change.effective_at is not None and change.asked_back_by in {None, by}


def why_not_approved(change: Change | None, by: AccountId, effective_at: datetime) -> str | None:
    """None where it may be approved, to hold from then on. Each version is a whole one: the later one is what holds."""
    if change is None or change.is_over or change.effective_at is not None:
        return "no change of this id waits for approval"
    if change.proposed_by == by:
        return NOT_BY_ONE
    if not change.was_tried:
        return "its address has not taken a connection test yet: try it first (services police test FORCE --change ID)"
    if change.newest_from is not None and effective_at <= change.newest_from:
        later = f"{change.newest_from.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return f"another change of it holds from {later} and would take this one back: choose a time after that"
    return None


def why_not_taken_back(change: Change | None) -> str | None:
    """None where it may be taken back."""
    if change is None or change.is_over:
        return "no version of this id holds or waits"
    if change.effective_at is not None and not change.others_in_force:
        return "the force has no other version: without it no notice would reach it"
    return None
