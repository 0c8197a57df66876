"""Why operators acted, in their words. Nobody else's words are in this view."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.register.keys import Decryptor
from services.platform.register.views import words_of_operators
from services.platform.register.words import PLACE
from services.platform.store.encryption import Keyring
from services.safeguarding.identifiers import WordsId


async def read(connection: AsyncConnection, keyring: Keyring, ids: Collection[WordsId]) -> dict[WordsId, str]:
    """Words whose key was erased are left out."""
    view = words_of_operators.c
    rows = await connection.execute(select(view.id, view.about, view.words, view.wrapped).where(view.id.in_(list(ids))))
    found = {row.id: Decryptor(keyring, row.about, row.wrapped).open(row.words, PLACE) for row in rows}
    return {name: text for name, text in found.items() if text is not None}
