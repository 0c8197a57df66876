"""Rules are taken up while the service runs, on a real PostgreSQL: recorded, said on the bus, and still there after a restart."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from typer.testing import CliRunner

from services.command_line import app
from services.platform.messages.envelope import Received, read
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Origin, Store
from services.protocol.editions.choice import RulesInForce
from services.protocol.editions.store import history
from services.protocol.editions.watch import RulesWatch
from services.protocol.handlers import Handlers
from services.protocol.loader import files
from services.safeguarding.child_events.events import ChildLuringSuspected
from services.safeguarding.duty.decisions import RulesTakenUp
from services.safeguarding.working_time import day_in_england
from tests.support.engines.database import Database
from tests.support.histories.reading import unsent_of

OWN = """\
protocol: own
version: 2026.2
authority: {whose}
adopted: {{ by: Director of Children's Services }}
rules:
  - id: {rule}
    on: child.luring-suspected
    tell: duty.worker
    by: text
    message: needs-human
    otherwise:
      - {{ after: 15m, tell: duty.senior-manager, by: text, message: not-acknowledged }}
      - {{ after: 30m, tell: duty.head-of-service, by: text, message: not-acknowledged, repeat: 30m }}
    because: {{ cite: [S57], kind: local, note: "for a test" }}
"""


class Process:
    """The part of the service that holds the rules, as after a start."""

    def __init__(self, database: Database, folder: Path, whose: str) -> None:
        self.clocks, self.folder, self.whose = Clocks(), folder, whose
        self.store = Store(database.engine("protocol"), origin=Origin("protocol", self.clocks))
        self.rules = RulesInForce()
        self.watch = RulesWatch(self.rules, files(), folder, self.store, self.clocks)

    async def writes(self, rule: str, tail: str = "") -> None:
        (self.folder / f"{self.whose}.yaml").write_text(OWN.format(whose=self.whose, rule=rule) + tail)
        await self.looks()

    async def looks(self, times: int = 2) -> None:
        for _ in range(times):
            assert await self.watch.turn() is False

    def own_rules(self) -> set[str]:
        today = day_in_england(self.clocks.story())
        ours, default = (
            self.rules.library(each, today).current(each, today).by_id.keys() for each in (self.whose, "nobody-s")
        )
        return set(ours - default)

    async def record(self) -> list[tuple[int, str | None]]:
        async with self.store.read() as reader:
            return [(each.number, each.adopted_by) for each in await reader.fetch(history(self.whose))]

    async def said(self) -> list[RulesTakenUp]:
        async with self.store.engine.connect() as connection:
            found = [read(each.envelope).content for each in await unsent_of(connection, f"rules-{self.whose}")]
        return [each for each in found if isinstance(each, RulesTakenUp)]

    def faulty(self) -> float | None:
        return REGISTRY.get_sample_value("protocol_rules_faulty", {"authority": self.whose})


@pytest.fixture
async def process(database: Database, tmp_path: Path) -> AsyncIterator[Process]:
    started = Process(database, tmp_path, f"shire-{uuid4().hex[:8]}")
    yield started
    await started.store.close()


async def test_rules_are_taken_up_without_a_restart_and_put_on_record(process: Process) -> None:
    await process.looks(1)
    assert process.own_rules() == set()
    await process.writes("a-rule")
    assert process.own_rules() == {"a-rule"}
    await process.writes("a-better-rule")
    assert process.own_rules() == {"a-better-rule"}
    assert await process.record() == [(1, "Director of Children's Services"), (2, "Director of Children's Services")]
    first, second = await process.said()
    assert (first.edition, second.edition, first.adopted) == (1, 2, True)
    assert first.hash != second.hash
    assert first.effective_from == day_in_england(process.clocks.story())


async def test_the_name_of_who_adopted_them_is_kept_and_does_not_travel(process: Process) -> None:
    await process.looks(1)
    await process.writes("a-rule")
    async with process.store.engine.connect() as connection:
        (message,) = await unsent_of(connection, f"rules-{process.whose}")
    assert b"Director" not in bytes(message.envelope)


async def test_a_file_that_is_being_written_is_left_alone_until_it_lies_still(process: Process) -> None:
    await process.looks(1)
    path = process.folder / f"{process.whose}.yaml"
    path.write_text("protocol: own\nversion: 1\nrules: []\n")
    await process.looks(1)
    path.write_text(OWN.format(whose=process.whose, rule="a-rule"))
    await process.looks(1)
    assert process.own_rules() == set()
    await process.looks(1)
    assert process.own_rules() == {"a-rule"}
    assert [number for number, _ in await process.record()] == [1]


async def test_before_any_authority_has_rules_of_its_own_it_shows_that_none_is_at_fault(process: Process) -> None:
    await process.looks(1)
    assert REGISTRY.get_sample_value("protocol_rules_faulty", {"authority": "default"}) == 0


async def test_a_faulty_file_is_shown_and_after_a_restart_the_last_good_rules_hold(
    process: Process, database: Database
) -> None:
    await process.looks(1)
    await process.writes("a-rule")
    assert process.faulty() == 0
    await process.writes("a-worse-rule", tail="    tell: twice\n")
    assert (process.own_rules(), process.faulty()) == ({"a-rule"}, 1)
    again = Process(database, process.folder, process.whose)
    await again.looks(1)
    assert (again.own_rules(), again.faulty()) == ({"a-rule"}, 1)
    await again.writes("a-better-rule")
    assert (again.own_rules(), again.faulty()) == ({"a-better-rule"}, 0)
    await again.store.close()


async def test_two_processes_take_one_edition_up_and_record_it_once(process: Process, database: Database) -> None:
    other = Process(database, process.folder, process.whose)
    await process.looks(1)
    await other.looks(1)
    await process.writes("a-rule")
    await other.looks()
    assert other.own_rules() == {"a-rule"}
    assert len(await process.record()) == len(await process.said()) == 1
    await other.store.close()


async def test_rules_that_were_adopted_for_a_later_day_are_remembered_over_a_restart(
    process: Process, database: Database
) -> None:
    await process.looks(1)
    await process.writes("a-rule")
    later = day_in_england(process.clocks.story()) + timedelta(days=3)
    path = process.folder / f"{process.whose}.yaml"
    path.write_text(
        OWN.format(whose=process.whose, rule="a-better-rule").replace("Services }", f"Services, from: {later} }}")
    )
    await process.looks()
    again = Process(database, process.folder, process.whose)
    await again.looks(1)
    assert again.own_rules() == {"a-rule"}
    again.clocks.move_to(timedelta(days=4))
    assert again.own_rules() == {"a-better-rule"}
    assert [each.effective_from for each in await process.said()][1] == later
    await again.store.close()


async def test_a_child_is_decided_upon_by_the_rules_that_were_just_taken_up(process: Process) -> None:
    handlers = Handlers(process.rules, process.clocks)
    await process.looks(1)
    await process.writes("a-rule")
    child = f"child-{uuid4()}"
    lured = ChildLuringSuspected(authority=process.whose, channel="agency")
    received = Received("/test", str(uuid4()), child, process.clocks.story(), lured)
    async with process.store.transaction() as uow:
        await handlers.on_message(received, uow)
    async with process.store.engine.connect() as connection:
        said = [read(each.envelope).content for each in await unsent_of(connection, child)]
    assert "a-rule" in {getattr(each, "rule", None) for each in said}


async def test_no_record_can_be_changed_by_the_service(process: Process) -> None:
    async with process.store.engine.connect() as connection:
        for change in ("UPDATE protocol.editions SET adopted_by = 'x'", "DELETE FROM protocol.editions"):
            with pytest.raises(Exception, match="permission denied"):
                await connection.execute(text(change))
            await connection.rollback()


async def test_the_record_is_listed_for_whoever_asks(
    process: Process, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await process.looks(1)
    await process.writes("a-rule")
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "database_password").write_text(f"{database.password}-protocol")
    monkeypatch.setenv("SAFE_RETURN_SECRETS_DIR", str(secrets))
    monkeypatch.setenv("SAFE_RETURN_DATABASE", f"postgresql://127.0.0.1:{database.port}/safe_return")
    monkeypatch.setenv("SAFE_RETURN_HTTP_PORT", "1")
    said = await asyncio.to_thread(CliRunner().invoke, app, ["editions", "--authority", process.whose])
    assert said.exit_code == 0, said.output
    assert said.output.startswith(f"{process.whose} 1: taken up ")
    assert "adopted by Director of Children's Services" in said.output
