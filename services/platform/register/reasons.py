"""Reads the reasons that operators gave for their acts. The view holds nobody else's words."""

from collections.abc import Collection

from services.platform.register.keys import Decryptor
from services.platform.register.words import PLACE
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows
from services.safeguarding.identifiers import WordsId

REASONS = "SELECT id, about, words, wrapped FROM register.words_of_operators WHERE id = ANY(%(ids)s::text[])"


def reasons_by_id(keyring: Keyring, ids: Collection[WordsId]) -> Query[dict[WordsId, str]]:
    """Reasons whose key was erased are left out."""

    def decode(rows: Rows) -> dict[WordsId, str]:
        found = {row.id: Decryptor(keyring, row.about, row.wrapped).open(row.words, PLACE) for row in rows}
        return {id_: text for id_, text in found.items() if text is not None}

    return Query(REASONS, {"ids": list(ids)}, decode)
