"""A child's photograph, as a force's officer sees it behind a link."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.register.keys import Decryptor
from services.platform.register.views import photographs_for_police
from services.platform.store.encryption import Keyring
from services.safeguarding.identifiers import ChildId

PLACE = "photographs.picture"


@dataclass(frozen=True, slots=True)
class Photograph:
    picture: bytes
    media_type: str
    taken_on: date | None


async def of(connection: AsyncConnection, keyring: Keyring, child: ChildId) -> Photograph | None:
    """None where there is none, or its key was erased."""
    view = photographs_for_police.c
    found = await connection.execute(select(photographs_for_police).where(view.child == child))
    row = found.mappings().first()
    if row is None:
        return None
    picture = Decryptor(keyring, child, row["wrapped"]).open_bytes(row["picture"], PLACE)
    return None if picture is None else Photograph(picture, row["media_type"], row["taken_on"])
