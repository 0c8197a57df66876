"""What was said with a record counts until the record is undone or corrected, and by no row about another child."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from services.platform.store.query import AT_LOGIN
from tests.support.engines.database import Database

SAID = "SELECT told FROM register.profiles_told WHERE child = %s"
HOLD = """
    INSERT INTO deadlines.due (deadline, version, child, due_at, envelope) VALUES (%s, 1, %s, now(), convert_to(%s, 'UTF8'))
"""
UNDO = "UPDATE deadlines.due SET cancelled_at = now() WHERE deadline = %s"


class Records:
    """Of the console, as an administrator sees them."""

    def __init__(
        self, console: "psycopg.Connection[tuple[Any, ...]]", admin: "psycopg.Connection[tuple[Any, ...]]"
    ) -> None:
        self._console, self._admin, self.child = console, admin, f"child-{uuid4()}"

    def say(self, answers: str, corrects: UUID | None = None) -> UUID:
        word, data = f"words-{uuid4()}", {"corrects_event": None if corrects is None else str(corrects)}
        row = [word, self.child, answers]
        self._console.execute("INSERT INTO register.words VALUES (%s, %s, '', NULL, now(), %s)", row)
        return self.hold(self.child, data | {"words": [word]})

    def hold(self, child: str, data: dict[str, object]) -> UUID:
        name, envelope = uuid4(), {"type": "profile.recorded.v1", "data": data}
        self._console.execute(HOLD, [name, child, json.dumps(envelope, separators=(",", ":"))])
        return name

    def undo(self, record: UUID) -> None:
        self._console.execute(UNDO, [record])

    def words(self) -> list[str]:
        return [word for (word,) in self._admin.execute("SELECT id FROM register.words WHERE about = %s", [self.child])]

    def told(self) -> set[str]:
        found = self._admin.execute(SAID, [self.child]).fetchone()
        return set() if found is None else {each.removeprefix("profile.") for each in found[0]}


@pytest.fixture
def records(database: Database) -> Iterator[Records]:
    as_console = database.settings("console")
    password = as_console.database_password.get_secret_value()
    with (
        psycopg.connect(as_console.database, user="console", password=password, autocommit=True) as console,
        psycopg.connect(database.admin_url, autocommit=True, options=AT_LOGIN) as admin,
    ):
        yield Records(console, admin)


def test_of_two_corrections_the_other_stands_when_one_is_undone(records: Records) -> None:
    first = records.say("profile.feared")
    corrections = [records.say(f"profile.{each}", corrects=first) for each in ("friends", "clothes")]
    assert records.told() == {"friends", "clothes"}
    for _ in ("once", "and again, which changes nothing"):
        records.undo(corrections[1])
        assert records.told() == {"friends"}
    records.undo(corrections[0])
    assert records.told() == {"feared"}


@pytest.mark.parametrize("of", ["its words", "its record"])
def test_a_row_about_another_child_changes_nothing_of_this_one(records: Records, of: str) -> None:
    record = records.say("profile.feared")
    data: dict[str, object] = {"words": records.words()} if of == "its words" else {"corrects_event": str(record)}
    records.undo(records.hold(f"child-{uuid4()}", data))
    records.hold(f"child-{uuid4()}", data)
    assert records.told() == {"feared"}
    records.undo(records.hold(records.child, {"words": records.words()}))
    assert records.told() == set(), "so it would be by a row about the child itself"


def test_no_row_unsays_the_answer_to_another_question(records: Records) -> None:
    record = records.say("reference")
    records.undo(record)
    [[answers]] = records._admin.execute("SELECT answers FROM register.words WHERE about = %s", [records.child])
    assert answers == "reference"
