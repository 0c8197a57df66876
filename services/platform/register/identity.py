"""Who a child is: for somebody on duty at the console who has said why they must know."""

import json
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.register.keys import Decryptor
from services.platform.register.views import identity_for_console
from services.platform.store.encryption import Keyring
from services.safeguarding.identifiers import ChildId


@dataclass(frozen=True, slots=True)
class Identity:
    """None is a gap: not recorded, or erased."""

    code: str
    name: str | None
    known_as: tuple[str, ...]


async def of(connection: AsyncConnection, keyring: Keyring, child: ChildId) -> Identity | None:
    """None where the register knows no such child."""
    view = identity_for_console
    row = (await connection.execute(select(view).where(view.c.child == child))).mappings().first()
    if row is None:
        return None
    opener = Decryptor(keyring, child, row["wrapped"])
    known_as = json.loads(opener.open(row["known_as"], "children.known_as") or "[]")
    return Identity(row["code"], opener.open(row["name"], "children.name"), tuple(known_as))
