"""Anchors published outside: who rewrites record and anchors together is found by them, and they by their signatures."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from services.audit import store as kept
from services.audit.metrics import ANCHOR_PUBLISHED_AT
from services.audit.verification import AnchorPublisher
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.places import Place, public_key, signer
from services.platform.store.unit_of_work import Store
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.identifiers import new_id
from tests.integration.audit.test_commands import audit
from tests.support.engines.database import Database
from tests.support.in_process.audit import heard, opened, record, tamper

KEY = signer("c2FmZSByZXR1cm4gc2lnbnMgd2hhdCBpdCB3cml0ZXM=")
OTHER = signer("YW5vdGhlciBpbnN0YWxsYXRpb24gc2lnbmVkIHRoaXM=")


class Later(Clocks):
    by = timedelta(0)

    def wall(self) -> datetime:
        return datetime.now(UTC) + self.by


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    async with opened(database) as store:
        yield store
    await tamper(database, "TRUNCATE audit.entries, audit.tips, audit.heads, audit.anchors, audit.duties")


async def grown(store: Store) -> None:
    await record(store, heard(ChildReportedMissing(authority="kestrel"), new_id("child")))
    async with store.transaction() as uow:
        await kept.anchor(uow, datetime.now(UTC))


def publisher(store: Store, clocks: Clocks, *folders: Path) -> AnchorPublisher:
    places = [TypeAdapter(Place).validate_python(each.as_uri()) for each in folders]
    return AnchorPublisher(store, clocks, places, KEY)


async def verified(database: Database, folder: Path) -> tuple[int, str]:
    order = ["verify", "--anchors", folder.as_uri(), "--signer", public_key(OTHER), "--signer", public_key(KEY)]
    said = await asyncio.to_thread(audit, database, *order)
    return said.returncode, said.stdout + said.stderr


async def test_the_newest_anchor_is_published_each_hour_wherever_it_is_taken(store: Store, tmp_path: Path) -> None:
    clocks, away = Later(), tmp_path / "away"
    away.write_text("no folder")
    publishing = publisher(store, clocks, away, tmp_path / "kept")
    await publishing.turn()
    await grown(store)
    for minutes, published in ((0, 1), (59, 1), (60, 2)):
        clocks.by = timedelta(minutes=minutes)
        await publishing.turn()
        await grown(store)
        assert len(list((tmp_path / "kept").rglob("anchor-*.json"))) == published
    first, second = (ANCHOR_PUBLISHED_AT.labels(number)._value.get() for number in (1, 2))
    assert second - first == pytest.approx(3600, abs=60)


async def test_a_record_that_was_rewritten_with_its_anchors_does_not_hold_what_was_published(
    store: Store, database: Database, tmp_path: Path
) -> None:
    await grown(store)
    await publisher(store, Clocks(), tmp_path).turn()
    await grown(store)
    assert await verified(database, tmp_path) == (0, "the record holds: 2 chains, 2 entries, 2 anchors\n")
    await tamper(database, "TRUNCATE audit.entries, audit.tips, audit.heads, audit.anchors")
    await grown(store)
    await grown(store)
    code, said = await verified(database, tmp_path)
    assert code == 1
    assert said.startswith("anchor 1 of ")
    assert "was published and is not in the record" in said


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda file: file.write_bytes(file.read_bytes().replace(b'"anchor": 1', b'"anchor": 2')), "was changed since"),
        (lambda file: file.write_bytes(file.read_bytes().partition(b"\n")[0]), "was not signed by this installation"),
        (lambda file: file.unlink(), "no anchor was published there"),
    ],
)
async def test_a_published_file_that_was_changed_or_taken_away_is_a_fault(
    store: Store, database: Database, tmp_path: Path, change: Callable[[Path], object], says: str
) -> None:
    await grown(store)
    await publisher(store, Clocks(), tmp_path).turn()
    _change(tmp_path, change)
    code, said = await verified(database, tmp_path)
    assert (code, says in said) == (1, True), said


def _change(folder: Path, change: Callable[[Path], object]) -> None:
    (file,) = folder.rglob("anchor-*.json")
    change(file)


def test_a_place_that_cannot_be_listed_is_refused(database: Database) -> None:
    said = audit(database, "verify", "--anchors", "https://a.example/", "--signer", public_key(KEY))
    assert said.returncode == 2
    assert "address cannot be" in " ".join(said.stderr.replace("│", "").split())
