"""What carers, officers and agencies said, word for word: append-only, encrypted under the key of whom it is about."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.register import views
from services.platform.register.keys import Decryptor, key_of
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows, as_sql, bulk_insert
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import WordsId, is_provisional, new_id
from services.safeguarding.notice_fields import ReportQuestion

PLACE = "words.words"


@dataclass(frozen=True, slots=True)
class Words:
    id: WordsId
    text: str
    said_by: str | None
    at: datetime
    answers: ReportQuestion | None = None
    """Which of a control room's questions; None: whatever was said."""


KEEP = bulk_insert(
    "register.words",
    {"id": "text", "about": "text", "words": "bytea", "said_by": "text", "at": "timestamptz", "answers": "text"},
)


async def keep(
    uow: UnitOfWork,
    keyring: Keyring,
    *,
    about: str,
    words: str,
    said_by: str | None,
    at: datetime,
    answers: ReportQuestion | None = None,
) -> WordsId:
    """Written with the commit: who reads words in this transaction does not find them.

    `about` is a child's id, provisional or not, or the owner of a number's key. `at` is when it was said, story time.
    """
    key = await key_of(uow, keyring, about, new=is_provisional(about))  # most words of such a child are its first
    words_id = new_id("words")
    row = {"id": words_id, "about": about, "words": key.close(words, PLACE), "said_by": said_by, "at": at}
    uow.bulk_write(KEEP, row | {"answers": None if answers is None else answers.value})
    return words_id


async def of_discussion(connection: AsyncConnection, keyring: Keyring, discussion: UUID) -> list[str | None]:
    """Of a recorded discussion, in the record's order: what was said, then a text a step. None is a gap: erased."""
    view = views.discussion_records.c
    rows = await connection.execute(
        select(view.about, view.words, view.wrapped).where(view.discussion == discussion).order_by(view.place)
    )
    return [Decryptor(keyring, row.about, row.wrapped).open(row.words, PLACE) for row in rows]


def _of_delivery() -> Select[Any]:
    view = views.words_told_to_police.c
    found = select(view.id, view.about, view.words, view.said_by, view.at, view.answers, view.wrapped)
    return found.where(view.delivery == bindparam("delivery", type_=Uuid)).order_by(view.at, view.id)


OF_DELIVERY = as_sql(_of_delivery())


def words_told_to_police(keyring: Keyring, delivery: UUID) -> Query[list[Words]]:
    """The words that one notice names, oldest first, without those whose key was erased."""
    return Query(OF_DELIVERY, {"delivery": delivery}, partial(decrypt_words, keyring))


def decrypt_words(keyring: Keyring, rows: Rows) -> list[Words]:
    """Without those whose key was erased."""
    found = []
    for row in rows:
        text = Decryptor(keyring, row.about, row.wrapped).open(row.words, PLACE)
        answers = None if row.answers is None else ReportQuestion(row.answers)
        if text is not None:
            found.append(Words(row.id, text, row.said_by, row.at, answers))
    return found
