"""Reads police forces: how notices reach them, the fields that they have agreed to, both directions' secrets."""

import json
from dataclasses import dataclass

from cachetools import TTLCache
from sqlalchemy import bindparam, select

from services.platform.register.cache import new_cache
from services.platform.register.keys import Decryptor
from services.platform.register.views import forces_for_police
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows, as_sql
from services.safeguarding.identifiers import ForceId


def owner_of(force: ForceId) -> str:
    """The owner of the key that encrypts the force's secrets."""
    return f"force-{force}"


@dataclass(frozen=True, slots=True)
class Force:
    """`secrets` sign our notices, each with all of them during a rotation. A reply is valid if one of `reply_secrets`
    signed it.

    A force without `notice_url` has no API: notices go to `notice_email`. `private_ca` (PEM) replaces the public
    authorities for it. `agreed` names the fields that it has agreed to be sent; if it is empty, the force takes the
    whole notice.
    """

    force: ForceId
    name: str
    notice_url: str | None
    secrets: tuple[str, ...]
    reply_secrets: tuple[str, ...]
    callback: str | None
    notice_email: str | None = None
    private_ca: str | None = None
    agreed: frozenset[str] = frozenset()
    sends_open_list: bool = False


BY_ID = as_sql(select(forces_for_police).where(forces_for_police.c.force == bindparam("force")))
SENDING_LISTS = as_sql(select(forces_for_police.c.force).where(forces_for_police.c.sends_open_list))


class Forces:
    """The forces of the register, each read at most once in two seconds (`cache.FRESH_SECONDS`): a burst of notices to
    one force reads it once. Both secrets of a rotation are valid for far longer than that.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._cache: TTLCache[tuple[ForceId], Force] = new_cache()

    def by_id(self, force: ForceId) -> Query[Force | None]:
        """None where the register knows no such force."""
        return Query(BY_ID, {"force": force}, self._decode, self._cache)

    def _decode(self, rows: Rows) -> Force | None:
        if not rows:
            return None
        [row] = rows
        decryptor = Decryptor(self._keyring, owner_of(row.force), row.wrapped)
        return Force(
            force=row.force,
            name=row.name,
            notice_url=row.notice_url,
            secrets=tuple(json.loads(decryptor.open(row.secrets, "forces.secrets") or "[]")),
            reply_secrets=tuple(json.loads(decryptor.open(row.reply_secrets, "forces.reply_secrets") or "[]")),
            callback=row.callback,
            notice_email=row.notice_email,
            private_ca=row.private_ca,
            agreed=frozenset(row.agreed),
            sends_open_list=row.sends_open_list,
        )


def forces_that_send_lists() -> Query[list[ForceId]]:
    return Query(SENDING_LISTS, {}, lambda rows: [row.force for row in rows])
