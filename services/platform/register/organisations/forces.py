"""Reads police forces: how notices reach them now, and both directions' secrets while they are being changed."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cachetools import TTLCache

from services.platform.register.cache import new_cache
from services.platform.register.keys import Decryptor
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows, fields_in
from services.safeguarding.identifiers import ForceId

KEYS_OVERLAP = timedelta(hours=24)
"""For so long after a change the keys of the version before still count, so that either side may change over first."""


def owner_of(force: ForceId) -> str:
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
    decryptor = Decryptor(keyring, owner_of(row.force), row.wrapped)
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
