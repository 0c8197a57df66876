"""A text that comes before any authority is entered: its sender hears once that nobody was told, and it is read. The register of this module stays empty."""

from pathlib import Path

import pytest

from services.carers.conversation import worker
from services.platform.store.encryption import Keyring
from tests.support.engines.database import Database
from tests.support.in_process.carers import carers
from tests.support.in_process.register import fresh_number


async def test_a_text_to_an_empty_register_is_read_and_its_sender_told_once_that_nobody_was(
    database: Database, keyring: Keyring, tmp_path: Path
) -> None:
    number = fresh_number()
    async with carers(database, keyring, tmp_path) as service:
        assert await service.says(number, "MISSING") == []
        assert [("NOBODY HAS BEEN TOLD" in each, "999" in each) for each in await service.replies_to(number)] == [
            (True, True)
        ]
        assert not await service.worker._turn()
        assert len(await service.replies_to(number)) == 1


async def test_a_text_that_cannot_be_read_does_not_come_again_for_ever(
    database: Database, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "PAUSE", worker.PAUSE * 0)
    monkeypatch.setattr(worker, "understand", lambda *_, **__: 1 / 0)
    async with carers(database, keyring, tmp_path) as service:
        assert (await service.text(fresh_number(), "MISSING")).status_code == 200
        for _ in range(worker.TRIES):
            await service.worker._turn()
        assert await service.worker._read_next() is None
