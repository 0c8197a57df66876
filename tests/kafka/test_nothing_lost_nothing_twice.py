"""The bus contract on a real Kafka and a real PostgreSQL, with a service that is killed and an outside that goes away."""

import asyncio
import json
import signal

import pytest

from services.platform.bus import dead_letters
from services.safeguarding.identifiers import new_id
from tests.support.engines.bus import Echo, Kafka, Line
from tests.support.engines.database import Database
from tests.support.engines.proxy import proxy_to
from tests.support.signatures import SIGNERS

REPORTS = 400


async def test_every_report_is_decided_once_though_the_service_is_killed_and_stopped_meanwhile(
    echo: Echo, kafka: Kafka
) -> None:
    async with Line(kafka) as line:
        await line.report()
        await line.all_decided()
        flow = asyncio.create_task(_flow(line, REPORTS))
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            await asyncio.sleep(1.5)
            code = await asyncio.to_thread(echo.end, number)
            assert code == (0 if number == signal.SIGTERM else -number)
            await asyncio.to_thread(echo.start)
        await flow
        await line.all_decided()
        assert set(line.decided.values()) == {1}
        assert not {letter.content.original_id for letter in line.dead} & set(line.sent)


async def test_one_childs_reports_keep_their_order_through_a_kill(echo: Echo, kafka: Kafka) -> None:
    child = new_id("child")
    async with Line(kafka) as line:
        for _ in range(40):
            await line.report(child)
        echo.end(signal.SIGKILL)
        echo.start()
        for _ in range(40):
            await line.report(child)
        await line.all_decided()
        own = set(line.sent)  # what an earlier test left is still being said
        assert [each for each in line.order if each in own] == line.sent


async def test_a_message_that_cannot_be_worked_on_is_dead_lettered_and_can_be_redriven(
    echo: Echo, kafka: Kafka
) -> None:
    async with Line(kafka) as line:
        refused = await line.report(authority="refused")
        await line.report()
        await line.until(lambda: bool(line.dead))
        await line.until(lambda: len(line.decided) == 1)
        letter = line.dead[0].content
        assert letter.original_id == refused
        assert letter.reason.startswith("ValueError at echo_service.py")
        assert "Amina" not in line.dead[0].content.model_dump_json()
        assert b"Amina" not in echo.log.read_bytes()
        echo.end(signal.SIGTERM)
        echo.start(mended=True)
        found = await asyncio.to_thread(dead_letters.list_dead_letters, kafka.connection)
        await asyncio.to_thread(dead_letters.redrive, kafka.connection, found[-1])
        await line.all_decided()
        assert line.decided[refused] == 1


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\xff\xfe", "the message is not UTF-8"),
        (b"not json", "the message is not JSON"),
        (b"[" * 100_000, "the message is nested too deeply"),
        (b"[]", "the message is not a JSON object"),
        (json.dumps({"type": "child.vanished.v1"}).encode(), "refused: unsigned"),
        (SIGNERS["casework"].sign(b'{"type": "child.vanished.v1"}'), "type: no event of this kind is known here"),
    ],
)
async def test_what_is_no_message_becomes_a_dead_letter_that_says_why(
    echo: Echo, kafka: Kafka, raw: bytes, reason: str
) -> None:
    async with Line(kafka) as line:
        await line.raw(raw, "nobody")
        await line.until(lambda: line.letters_about(raw) != [])
        assert {letter.reason for letter in line.letters_about(raw)} == {reason}


async def test_a_message_too_large_for_a_letter_is_named_by_its_place_and_can_be_redriven(
    echo: Echo, kafka: Kafka
) -> None:
    async with Line(kafka) as line:
        large = b"x" * 800_000
        await line.raw(large, "nobody")
        await line.until(lambda: any(letter.content.original is None for letter in line.dead))
        found = await asyncio.to_thread(dead_letters.list_dead_letters, kafka.connection)
        letter = next(each for each in found if each.letter.original is None)
        before = len(line.dead)
        await asyncio.to_thread(dead_letters.redrive, kafka.connection, letter)
        await line.until(lambda: len(line.dead) > before)
        assert line.dead[-1].content.origin != letter.letter.origin


async def test_a_report_that_waits_holds_its_own_partition_only(echo: Echo, kafka: Kafka) -> None:
    async with Line(kafka) as line:
        waiting = await line.report(authority="waiting")
        others = [await line.report() for _ in range(60)]
        await line.until(lambda: sum(report in line.decided for report in others) >= 40)
        assert waiting not in line.decided
        assert waiting not in {letter.content.original_id for letter in line.dead}
        echo.end(signal.SIGTERM)
        echo.start(mended=True)
        await line.all_decided()


async def test_a_stop_while_the_database_is_away_loses_nothing(
    kafka: Kafka, database: Database, *, keeps_a_record: bool
) -> None:
    async with proxy_to(database.port) as proxy, Line(kafka) as line:
        echo = Echo(kafka, proxy.port, keeps_a_record=keeps_a_record)
        echo.start()
        await line.report()
        await line.all_decided()
        await proxy.cut()
        for _ in range(30):
            await line.report()
        await asyncio.sleep(2)
        assert len(line.decided) == 1
        assert await asyncio.to_thread(echo.end, signal.SIGTERM) == 0
        await proxy.mend()
        echo.start()
        await line.all_decided()
        assert set(line.decided.values()) == {1}
        assert await asyncio.to_thread(echo.end, signal.SIGTERM) == 0


async def _flow(line: Line, reports: int) -> None:
    for _ in range(reports):
        await line.report()
        await asyncio.sleep(0.02)
