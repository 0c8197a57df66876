"""What carers, officers and agencies said, word for word: append-only, encrypted under the key of whom it is about."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.register import views
from services.platform.register.keys import Decryptor, key_of
from services.platform.store.encryption import Keyring
from services.platform.store.query import Statement, as_sql, bulk_insert
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


def _read() -> Select[Any]:
    view = views.words_told_to_police.c
    asked = select(view.id, view.about, view.words, view.said_by, view.at, view.answers, view.wrapped)
    return asked.where(view.delivery == bindparam("delivery", type_=Uuid)).order_by(view.at, view.id)


READ = as_sql(_read())


def asked(delivery: UUID) -> Statement:
    """The words that one telling to police names, oldest first."""
    return READ, {"delivery": delivery}


def opened(keyring: Keyring, rows: Iterable[tuple[Any, ...]]) -> list[Words]:
    """Of the rows that `asked` gave, those whose key was not erased."""
    found = []
    for words_id, about, closed, said_by, at, answers, wrapped in rows:
        text = Decryptor(keyring, about, wrapped).open(closed, PLACE)
        if text is not None:
            found.append(Words(words_id, text, said_by, at, None if answers is None else ReportQuestion(answers)))
    return found
