"""Who reported, as far as police are told: in which role, and how to ring them."""

from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.register.keys import Opener
from services.register.views import reporters_for_police
from services.store.encryption import Keyring


@dataclass(frozen=True, slots=True)
class Reporter:
    """`role` is `carer`, `agency` or a line of the directory. An agency's name is its id: what its people are called, it says itself."""

    role: str | None
    name: str | None
    telephone: str | None = None


OF = select(reporters_for_police).where(reporters_for_police.c.reporter == bindparam("reporter"))


async def of(connection: AsyncConnection, keyring: Keyring, said_by: str) -> Reporter | None:
    """`said_by` as words have it. None where the register knows nobody of that id."""
    found = (await connection.execute(OF, {"reporter": said_by})).mappings().first()
    if found is None:
        return None
    if found["role"] == "agency":
        return Reporter("agency", said_by)
    opener = Opener(keyring, said_by, found["wrapped"])
    return Reporter(
        found["role"], opener.open(found["name"], "people.name"), opener.open(found["mobile"], "people.mobile")
    )
