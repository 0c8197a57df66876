"""A police force: how notices reach it, what it has agreed to be sent, and the secrets that sign them and check its replies."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cachetools import TTLCache
from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.register.cache import new_cache
from services.platform.register.keys import Decryptor
from services.platform.register.views import forces_for_police
from services.platform.store.encryption import Keyring
from services.platform.store.query import Statement, as_sql, execute_pipelined
from services.safeguarding.identifiers import ForceId


def owner_of(force: ForceId) -> str:
    """The owner of the key under which the force's secrets lie."""
    return f"force-{force}"


@dataclass(frozen=True, slots=True)
class Force:
    """`secrets` sign what we send, all of them during a rotation; a reply is good if any of `reply_secrets` checks it.

    Without `notice_url` it has no API: notices go to `notice_email`. `private_ca` (PEM) is trusted for it instead of the
    public authorities. `agreed` empty: it takes the whole notice.
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


OF_FORCE = select(forces_for_police).where(forces_for_police.c.force == bindparam("force"))
OF = as_sql(OF_FORCE)
COLUMNS = tuple(each.name for each in OF_FORCE.selected_columns)


def asked(force: ForceId) -> Statement:
    """For whoever asks other things in the same round trip."""
    return OF, {"force": force}


async def of(connection: AsyncConnection, keyring: Keyring, force: ForceId) -> Force | None:
    """None where the register knows no such force."""
    [found] = await execute_pipelined(connection, asked(force))
    return opened(keyring, force, found)


def opened(keyring: Keyring, force: ForceId, found: Sequence[tuple[Any, ...]]) -> Force | None:
    """As `of`, of what `asked` gave."""
    if not found:
        return None
    row = dict(zip(COLUMNS, found[0], strict=True))
    opener = Decryptor(keyring, owner_of(force), row["wrapped"])
    return Force(
        force=force,
        name=row["name"],
        notice_url=row["notice_url"],
        secrets=tuple(json.loads(opener.open(row["secrets"], "forces.secrets") or "[]")),
        reply_secrets=tuple(json.loads(opener.open(row["reply_secrets"], "forces.reply_secrets") or "[]")),
        callback=row["callback"],
        notice_email=row["notice_email"],
        private_ca=row["private_ca"],
        agreed=frozenset(row["agreed"]),
        sends_open_list=row["sends_open_list"],
    )


async def that_send_lists(connection: AsyncConnection) -> list[ForceId]:
    view = forces_for_police.c
    return list(await connection.scalars(select(view.force).where(view.sends_open_list)))


class Forces:
    """Forces as this process read them a moment ago: a burst of notices to one force asks for it once. An overlap of secrets lasts
    far longer than such a moment.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._read: TTLCache[ForceId, Force] = new_cache()

    async def of(self, connection: AsyncConnection, force: ForceId) -> Force | None:
        """A force that is not known is asked for each time."""
        fresh = self.fresh(force)
        if fresh is not None:
            return fresh
        [found] = await execute_pipelined(connection, asked(force))
        return self.opened(force, found)

    def fresh(self, force: ForceId) -> Force | None:
        """None where it has to be `asked` for."""
        return self._read.get(force)

    def opened(self, force: ForceId, found: Sequence[tuple[Any, ...]]) -> Force | None:
        """Of what `asked` gave this moment."""
        known = opened(self._keyring, force, found)
        if known is not None:
            self._read[force] = known
        return known
