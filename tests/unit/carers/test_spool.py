"""The disk in the database's place: sealed, durable, in order, and no text twice."""

import json
import os
from base64 import b64encode
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from services.carers.inbound.intake import Spool
from services.carers.text import Text
from services.platform.store.encryption import Keyring

KEYRING = Keyring(b64encode(b"m" * 32).decode(), b64encode(b"p" * 32).decode())
TEXT = Text("SM1", "+447700900001", "MISSING orange anorak", ("https://media.example/1",), datetime(2026, 11, 24, 23, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC))  # fmt: skip


def test_a_text_comes_back_as_it_went_in_after_the_process_died(tmp_path: Path) -> None:
    Spool(tmp_path, KEYRING).put(TEXT)
    again = Spool(tmp_path, KEYRING)
    assert [text for _, text in again.oldest()] == [TEXT]
    assert again.count == 1


def test_nothing_on_the_disk_can_be_read(tmp_path: Path) -> None:
    Spool(tmp_path, KEYRING).put(TEXT)
    for path in tmp_path.iterdir():
        content = path.name.encode() + path.read_bytes()
        assert not any(secret in content for secret in (b"anorak", b"7700900001", b"SM1", b"media.example"))


def test_the_same_text_again_takes_its_own_place(tmp_path: Path) -> None:
    spool = Spool(tmp_path, KEYRING)
    for _ in range(3):
        spool.put(TEXT)
    assert spool.count == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_other_words_by_the_same_id_take_a_place_of_their_own(tmp_path: Path) -> None:
    spool = Spool(tmp_path, KEYRING)
    other = replace(TEXT, body="BACK", received_at=TEXT.received_at + timedelta(seconds=1))
    for text in (TEXT, other, TEXT, other):
        spool.put(text)
    assert [text for _, text in spool.oldest()] == [TEXT, other]


def test_what_was_wrong_with_a_text_comes_back_with_it(tmp_path: Path) -> None:
    text = replace(TEXT, flaw="not-utf-8", rest="and more")
    Spool(tmp_path, KEYRING).put(text)
    assert [each for _, each in Spool(tmp_path, KEYRING).oldest()] == [text]


def test_a_text_that_an_older_version_left_there_is_opened(tmp_path: Path) -> None:
    """It has no flaw, and its file is named after its id alone."""
    spool = Spool(tmp_path, KEYRING)
    name = f"{TEXT.received_at:%Y%m%dT%H%M%S%f}-{sha256(TEXT.sid.encode()).hexdigest()}.text"
    row = {key: value for key, value in asdict(TEXT).items() if key not in {"flaw", "rest"}}
    wrapped = KEYRING.wrapped_new_key(name)
    closed = KEYRING.unwrap(name, wrapped).close(json.dumps(row, default=str), "spool.text")
    sealed = {"key": b64encode(wrapped).decode(), "text": b64encode(closed).decode()}
    (tmp_path / name).write_text(json.dumps(sealed))
    spool = Spool(tmp_path, KEYRING)
    assert spool.oldest() == [(name, TEXT)]
    spool.forget(name)
    assert spool.count == 0


def test_texts_come_back_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    spool = Spool(tmp_path, KEYRING)
    texts = [replace(TEXT, sid=f"SM{n}", received_at=TEXT.received_at + timedelta(seconds=n)) for n in range(20)]
    for text in reversed(texts):
        spool.put(text)
    assert [text for _, text in spool.oldest()] == texts


def test_a_text_is_there_until_it_is_forgotten(tmp_path: Path) -> None:
    spool = Spool(tmp_path, KEYRING)
    spool.put(TEXT)
    [(name, _)] = spool.oldest()
    spool.forget(name)
    assert (spool.count, Spool(tmp_path, KEYRING).oldest()) == (0, [])


def test_a_file_that_was_half_written_when_the_power_went_is_no_text(tmp_path: Path) -> None:
    Spool(tmp_path, KEYRING).put(TEXT)
    [whole] = tmp_path.iterdir()
    (tmp_path / f"{whole.name}.0a0b0c0d").write_bytes(whole.read_bytes()[:20])
    assert Spool(tmp_path, KEYRING).count == 1


@pytest.mark.parametrize("damage", [b"", b"{}", b"not json", b'{"key": "AAAA", "text": "AAAA"}'])
def test_a_damaged_text_is_set_aside_and_holds_up_no_other(tmp_path: Path, damage: bytes) -> None:
    spool = Spool(tmp_path, KEYRING)
    spool.put(TEXT)
    [whole] = tmp_path.iterdir()
    whole.write_bytes(damage)
    other = replace(TEXT, sid="SM2")
    spool.put(other)
    assert [text for _, text in spool.oldest()] == [other]
    assert len(list(tmp_path.glob("*.unreadable"))) == 1


def test_a_full_disk_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path, KEYRING)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        spool.put(TEXT)
    assert spool.count == 0


def test_file_and_folder_are_both_on_the_disk_before_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    Spool(tmp_path, KEYRING).put(TEXT)
    assert len(synced) == 2
    assert Path(synced[0]).parent == tmp_path
    assert synced[1] == str(tmp_path)
