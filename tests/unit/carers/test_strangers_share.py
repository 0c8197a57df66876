"""At the door a stranger's text is sent back once at most, and only while too many come."""

from datetime import UTC, datetime, timedelta

import pytest

from services.carers.policy import strangers_share
from services.carers.policy.strangers_share import DOOR_A_SECOND, REPEATED_WITHIN, DoorShare

NOW = datetime(2026, 12, 3, 5, tzinfo=UTC)


def full_share() -> DoorShare:
    share = DoorShare(2)
    assert [share.has_room(sid, NOW) for sid in ("SM1", "SM2", "SM3")] == [True, True, False]
    return share


def test_room_comes_back_with_time() -> None:
    share, later = full_share(), NOW + timedelta(seconds=1 / DOOR_A_SECOND)
    assert [share.has_room(sid, later) for sid in ("SM3", "SM4")] == [True, False]


def test_a_repeat_is_taken_however_many_come_and_takes_no_place() -> None:
    share = full_share()
    share.send_back("SM3", NOW)
    assert [share.has_room(sid, NOW) for sid in ("SM3", "SM3", "SM4")] == [True, True, False]
    later = NOW + timedelta(seconds=1 / DOOR_A_SECOND)
    assert [share.has_room(sid, later) for sid in ("SM3", "SM4", "SM5")] == [True, True, False]


def test_what_was_sent_back_is_forgotten_after_twilio_has_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers_share, "MOST_SENT_BACK", 2)
    share, later = full_share(), NOW + REPEATED_WITHIN + timedelta(seconds=1)
    for sid in ("SM3", "SM4"):
        share.send_back(sid, NOW)
    assert share.has_room("SM5", NOW), "no more are sent back than are remembered"
    assert [share.has_room(sid, later) for sid in ("SM6", "SM7", "SM8")] == [True, True, False]
