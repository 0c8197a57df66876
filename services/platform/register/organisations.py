"""Reads forces and agencies: how notices reach a force, what an authority agreed to send it, and what an agency may
send.

With them, their secrets: both, while one is being changed.
"""

import json
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from cachetools import TTLCache

from services.platform.register.keys import Decryptor, new_cache
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows, fields_in
from services.safeguarding.identifiers import AuthorityId, ForceId
from services.safeguarding.notice_fields import LEAST


def agency_owner(agency: str) -> str:
    """The owner of the key that the agency's secrets are encrypted under."""
    return f"agency-{agency}"


@dataclass(frozen=True, slots=True)
class Agency:
    """As one authority's agreement has it: the source that an event came from speaks for that authority alone.
    `verifies`: its word that a child is back, or was never missing, stands the missing escalations down.
    """

    id: str
    authority: AuthorityId
    secrets: tuple[str, ...]
    sources: tuple[str, ...]
    types: tuple[str, ...]
    verifies: bool
    live: bool
    """Whether real events about the authority's children are taken."""


AGENCY = """
    SELECT agency, authority, secrets, types, verifies, wrapped, sources, live FROM register.agencies_for_events
    WHERE %(source)s = ANY(sources)
"""


def agency_by_source(keyring: Keyring, source: str) -> Query[Agency | None]:
    """The one agency that may send events under this CloudEvents `source`."""

    def decode(rows: Rows) -> Agency | None:
        if not rows:
            return None
        [row] = rows
        secrets = Decryptor(keyring, agency_owner(row.agency), row.wrapped).open(row.secrets, "agencies.secrets")
        several = {"secrets": json.loads(secrets or "[]"), "sources": row.sources or (), "types": row.types}
        opened = {name: tuple(each) for name, each in several.items()} | {"id": row.agency}
        return Agency(**fields_in(row, Agency) | opened)

    return Query(AGENCY, {"source": source}, decode)


KEYS_OVERLAP = timedelta(hours=24)
"""For so long after a change the keys of the version before still count, so that either side may change over first."""


def force_owner(force: ForceId) -> str:
    """The owner of the key that encrypts the force's secrets."""
    return f"force-{force}"


@dataclass(frozen=True, slots=True)
class Force:
    """One version of a force. `secrets` sign our notices, each with all of them during a change. A reply is valid if
    one of `reply_secrets` signed it.

    A force without `notice_url` has no API that we reach: it `polls`, or notices go to `notice_email`. `private_ca`
    (PEM) replaces the public authorities for it; `client_certificate` (PEM, with its key) is how we show who we are.
    `effective_at` is wall time, None for a version that is only proposed; `proposed` are these.
    """

    force: ForceId
    version: UUID
    effective_at: datetime | None
    name: str
    notice_url: str | None
    notice_email: str | None
    polls: bool
    secrets: tuple[str, ...]
    reply_secrets: tuple[str, ...]
    client_certificate: str | None
    oauth: dict[str, str] | None
    """`token_url`, `client`, `secret`, `scope`: by which its server gives us tokens."""
    callback: str | None
    private_ca: str | None
    sends_open_list: bool
    proposed: tuple["Force", ...] = ()


BY_ID = "SELECT * FROM register.forces_for_police WHERE force = %(force)s ORDER BY effective_at NULLS LAST"
SENDING_LISTS = """
    SELECT force FROM (
        SELECT DISTINCT ON (force) force, sends_open_list FROM register.forces_for_police
        WHERE effective_at <= %(at)s ORDER BY force, effective_at DESC
    ) now WHERE sends_open_list
"""


def in_force(versions: Iterable[Force], at: datetime) -> Force | None:
    """The version of the latest `effective_at` that has come. Beside its keys stand those of the versions that are
    approved and yet to come, and for a day those of the one before. Pure.
    """
    approved = [each for each in versions if each.effective_at is not None]
    begun = [each for each in approved if each.effective_at is not None and each.effective_at <= at]
    if not begun:
        return None
    now = begun[-1]
    changing = now.effective_at is not None and at - now.effective_at < KEYS_OVERLAP
    beside = [each for each in approved if each not in begun] + (begun[-2:-1] if changing else [])
    return replace(
        now,
        secrets=tuple(dict.fromkeys(key for each in (now, *beside) for key in each.secrets)),
        reply_secrets=tuple(dict.fromkeys(key for each in (now, *beside) for key in each.reply_secrets)),
        proposed=tuple(each for each in versions if each.effective_at is None),
    )


class Forces:
    """The forces of the register, each read at most once in two seconds (`cache.FRESH_SECONDS`): a burst of notices to
    one force reads it once. Both secrets of a change are valid for far longer than that.
    """

    def __init__(self, keyring: Keyring, clocks: Clocks) -> None:
        self._keyring, self._clocks = keyring, clocks
        self._cache: TTLCache[tuple[ForceId], Force] = new_cache()

    def by_id(self, force: ForceId) -> Query[Force | None]:
        """The version in force. None where the register knows no such force."""
        return Query(BY_ID, {"force": force}, self._decode, self._cache)

    def _decode(self, rows: Rows) -> Force | None:
        return in_force([decode_version(self._keyring, row) for row in rows], self._clocks.wall())


def versions_of(keyring: Keyring, force: ForceId) -> Query[list[Force]]:
    """All versions that are not taken back: first the approved ones, the earliest first."""
    return Query(BY_ID, {"force": force}, lambda rows: [decode_version(keyring, row) for row in rows])


def decode_version(keyring: Keyring, row: Any) -> Force:
    decryptor = Decryptor(keyring, force_owner(row.force), row.wrapped)
    opened = {
        "secrets": tuple(json.loads(decryptor.open(row.secrets, "force_versions.secrets") or "[]")),
        "reply_secrets": tuple(json.loads(decryptor.open(row.reply_secrets, "force_versions.reply_secrets") or "[]")),
        "client_certificate": decryptor.open(row.client_certificate, "force_versions.client_certificate"),
        "oauth": json.loads(decryptor.open(row.oauth, "force_versions.oauth") or "null"),
    }
    return Force(**fields_in(row, Force) | opened)


def forces_that_send_lists(at: datetime) -> Query[list[ForceId]]:
    """`at` is wall time."""
    return Query(SENDING_LISTS, {"at": at}, lambda rows: [row.force for row in rows])


@dataclass(frozen=True, slots=True)
class Sharing:
    """`fields` are the fields of a notice that the force may be sent. `basis`: the authority's words for why. Not
    `is_agreed`: no agreement names them, and somebody is asked for one.
    """

    fields: AbstractSet[str]
    basis: str | None = None
    reference: str | None = None
    since: date | None = None
    is_agreed: bool = True


NOT_AGREED = Sharing(LEAST, is_agreed=False)
"""Without an agreement police get what finds a child, and never silence. One that names no field allows as much."""
IN_FORCE = """
    SELECT fields, basis, reference, from_on FROM register.sharing_for_police
    WHERE authority = %(authority)s AND force = %(force)s AND from_on <= %(day)s
        AND (until_on IS NULL OR until_on >= %(day)s)
    ORDER BY from_on DESC LIMIT 1
"""


def sharing_on(day: date, authority: AuthorityId, force: ForceId) -> Query[Sharing]:
    """What the newest agreement in force on that day says; without one, `NOT_AGREED`."""

    def decode(rows: Rows) -> Sharing:
        if not rows:
            return NOT_AGREED
        [row] = rows
        named = frozenset(row.fields or LEAST)
        return Sharing(named, row.basis, row.reference, row.from_on, is_agreed=bool(row.fields))

    return Query(IN_FORCE, {"authority": authority, "force": force, "day": day}, decode)
