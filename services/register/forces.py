"""A police force's endpoint: where notices go, and the secrets that sign them and check its replies."""

import json
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.register.keys import Opener
from services.register.views import forces_for_police
from services.safeguarding.identifiers import ForceId
from services.store.encryption import Keyring


def owner_of(force: ForceId) -> str:
    """The owner of the key under which the force's secrets lie."""
    return f"force-{force}"


@dataclass(frozen=True, slots=True)
class Force:
    """`secrets` sign what we send, all of them during a rotation; a reply is good if any of `reply_secrets` checks it."""

    force: ForceId
    name: str
    notice_url: str
    secrets: tuple[str, ...]
    reply_secrets: tuple[str, ...]
    callback: str | None


async def of(connection: AsyncConnection, keyring: Keyring, force: ForceId) -> Force | None:
    """None where the register knows no such force."""
    view = forces_for_police.c
    found = await connection.execute(select(forces_for_police).where(view.force == force))
    row = found.mappings().first()
    if row is None:
        return None
    opener = Opener(keyring, owner_of(force), row["wrapped"])
    secrets = tuple(json.loads(opener.open(row["secrets"], "forces.secrets") or "[]"))
    reply_secrets = tuple(json.loads(opener.open(row["reply_secrets"], "forces.reply_secrets") or "[]"))
    return Force(force, row["name"], row["notice_url"], secrets, reply_secrets, row["callback"])
