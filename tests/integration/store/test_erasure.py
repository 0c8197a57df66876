"""After any history: who is erased can be found nowhere, and whoever is not has lost nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from services.console.read_model.projections import Handlers
from services.options.register_upkeep.history import begin_import
from services.options.register_upkeep.photographs import keep_photograph
from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import repository as deliveries
from services.platform.register import words
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import AT_LOGIN
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.child_events.events import ChildReportedMissing
from tests.support.engines.database import Database
from tests.support.histories.searching import found_in
from tests.support.in_process import audit
from tests.support.in_process.carers import Carers, Kestrel, carers, import_kestrel
from tests.support.in_process.console import duty_changed, hear, heard
from tests.support.in_process.disposal import sweep
from tests.support.in_process.register import fresh_number

CLOCKS = Clocks()
KINDS = ("text", "claim", "stranger", "officer", "notice", "mail", "photograph", "import")
HISTORY = st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(["C1", "C2"])), min_size=4, max_size=14)
SWEPT = {"carers.texts_in", "carers.claims", "carers.questions", "delivery.deliveries"}
HOLD = """
    INSERT INTO disposal.holds (id, authority, child, reason, made_by, made_at)
    VALUES (gen_random_uuid(), %s, %s, 'words-1', 'account-1', now())
"""


class History:
    """What happens to two children of one placement, whose carers text of both. Each bears a word that nothing else has."""

    def __init__(self, database: Database, keyring: Keyring, kestrel: Kestrel, running: Carers) -> None:
        self.database, self.keyring, self.kestrel, self.carers = database, keyring, kestrel, running
        self.authority = str(kestrel.document["authority"]["id"])
        self.words: dict[tuple[str, str], str] = {}
        self.mails = set[str]()
        self.console = Store(database.engine("console"), origin=Origin("console", CLOCKS))
        self.professionals = Store(database.engine("professionals"), origin=Origin("professionals", CLOCKS))
        self.casework = Store(database.engine("casework"), origin=Origin("casework", CLOCKS))

    def of(self, code: str) -> list[str]:
        return [word for (whose, _), word in self.words.items() if whose == code]

    async def happens(self, kind: str, code: str) -> None:
        word = f"zq{uuid4().hex[:12]}"
        self.words[code, kind if kind == "photograph" else word] = word
        await getattr(self, f"_{kind}")(code, word)

    def administered(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.admin_url, options=AT_LOGIN, autocommit=True) as admin:
            cursor = admin.execute(sql.encode(), values)
            return cursor.fetchall() if cursor.description else []

    async def _text(self, code: str, word: str) -> None:
        await self.carers.says(self.kestrel.phone("ash"), f"MISSING {code} she wears a {word} coat")

    async def _claim(self, code: str, word: str) -> None:
        await self.carers.says(self.kestrel.phone("bea"), f"BACK {code} {word}")

    async def _stranger(self, code: str, word: str) -> None:
        """Who the child is, somebody says at the console."""
        number = fresh_number()
        for said in (f"a girl is missing, she wears a {word} coat", "thanks"):
            await self.carers.says(number, said)
        hashed = self.keyring.number_hash(number)
        self.words[code, hashed.hex()] = hashed.hex()
        [(unknown,)] = self.administered(
            "SELECT DISTINCT unnest(about) FROM carers.texts_in WHERE number_hash = %s", hashed
        )
        who = ChildIdentified(authority=self.authority, channel="console", child=self.kestrel.ids[code])
        await hear(self.console, Handlers(CLOCKS), heard(who, unknown))

    async def _officer(self, code: str, word: str) -> None:
        async with self.casework.transaction() as uow:
            await words.keep(
                uow,
                self.keyring,
                about=self.kestrel.ids[code],
                words=word,
                said_by=None,
                at=datetime.now(UTC),
                reference=True,
            )

    async def _notice(self, code: str, word: str, service: str = "carers") -> Delivery:
        about, now = self.kestrel.ids[code], datetime.now(UTC)
        sent = Delivery(uuid4(), "texts", about, now, self.authority, to_number=fresh_number(), body=word)
        async with (self.professionals if service == "professionals" else self.carers.store).transaction() as uow:
            await deliveries.put(uow, service, sent, self.keyring, None)
        self.administered("UPDATE delivery.deliveries SET state = 'delivered' WHERE id = %s", sent.id)
        return sent

    async def _mail(self, code: str, word: str) -> None:
        """C1's line stands in the mail about C2, with which it went."""
        own = await self._notice(code, "x" if code == "C1" else word, "professionals")
        if code == "C1":
            self.mails.add(word)
            other = await self._notice("C2", word, "professionals")
            self.administered("INSERT INTO professionals.grouped VALUES (%s, %s, now())", own.id, other.id)

    async def _photograph(self, code: str, word: str) -> None:
        async with self.casework.transaction() as uow:
            child, now = self.kestrel.ids[code], datetime.now(UTC)
            await keep_photograph(uow, self.keyring, child, word.encode(), "image/png", None, now)

    async def _import(self, code: str, word: str) -> None:
        """Its row from before the import keeps the word."""
        async with self.casework.transaction() as uow:
            await begin_import(uow)
            for each in (word, code):
                row = {"child": self.kestrel.ids[code], "code": each}
                uow.write("UPDATE register.children SET code = %(code)s WHERE id = %(child)s", row)


@asynccontextmanager
async def lived(
    database: Database, keyring: Keyring, folder: Path, steps: list[tuple[str, str]]
) -> AsyncIterator[History]:
    """What was in the clear from the beginning belongs to the words, too."""
    kestrel = await import_kestrel(database, keyring)
    async with carers(
        database, keyring, folder / uuid4().hex, authority=kestrel.document["authority"]["id"]
    ) as running:
        history = History(database, keyring, kestrel, running)
        for code in ("C1", "C2"):
            history.words[code, "reference"] = word = f"zq{uuid4().hex[:12]}"
            history.administered("UPDATE register.children SET reference = %s WHERE id = %s", word, kestrel.ids[code])
        for kind, code in steps:
            await history.happens(kind, code)
        yield history
    await asyncio.gather(*(each.close() for each in (history.console, history.casework, history.professionals)))


@settings(
    max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(steps=HISTORY, is_swept=st.booleans())
async def test_who_was_erased_can_be_found_nowhere_and_the_other_has_lost_nothing(
    database: Database,
    keyring: Keyring,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    steps: list[tuple[str, str]],
    is_swept: bool,
) -> None:
    async with lived(database, keyring, tmp_path, steps) as history, audit.opened(database) as record:
        erased, stays = history.kestrel.ids["C1"], history.kestrel.ids["C2"]
        duty = duty_changed(None)
        await hear(history.console, Handlers(CLOCKS), heard(duty, stays))
        await audit.record(record, *(audit.heard(ChildReportedMissing(authority="kestrel"), erased) for _ in range(3)))
        before = found_in(database, keyring, [*history.of("C1"), *history.of("C2")])
        assert {word for word, _ in before} == {*history.of("C1"), *history.of("C2")}, "the search finds what there is"

        if is_swept:  # all but what is held
            history.administered("UPDATE delivery.deliveries SET state = 'delivered' WHERE state = 'waiting'")
            history.administered(HOLD, history.authority, stays)
            await sweep(history.carers.store, "carers", days=401)
            await sweep(history.professionals, "professionals", days=401)
            left = found_in(database, keyring, [*history.of("C1"), *history.of("C2")])
            went_alone = set(history.of("C1")) - history.mails  # the others stand in a mail that is held
            assert {table for word, table in left if word in went_alone} & SWEPT == set()
            assert {each for each in before if each[0] in history.of("C2")} <= left
        history.administered("SELECT disposal.erase(%s, now())", erased)

        left = found_in(database, keyring, [*history.of("C1"), *history.of("C2")])
        assert {table for word, table in left if word in history.of("C1")} <= {"register.sealed_keys"}, (
            "a number's name"
        )
        assert {each for each in before if each[0] in history.of("C2")} <= left
        [(waits,)] = history.administered("SELECT waits FROM console.duties WHERE duty = %s", duty.duty)
        assert waits
        assert await audit.faults(record, erased) == []
        out = "".join(capfd.readouterr())
        assert [word for word in history.of("C1") if word in out] == []
