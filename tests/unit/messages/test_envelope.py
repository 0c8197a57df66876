"""An envelope is written and read; each fault is named by its field and never by its value."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from services.platform.messages.envelope import Unreadable, compose, kind_of, read
from services.safeguarding.child_events.events import ChildReportedMissing

AT = datetime(2026, 3, 2, 23, 15, tzinfo=UTC)
REPORT = ChildReportedMissing(authority="seaford", channel="text")


def envelope(**changed: Any) -> bytes:
    """A good one, with these attributes changed; None takes one away."""
    raw = compose(REPORT, said_by="carers", subject="child-1", at=AT, message_id="m-1", exercise=True, trace="00-ab")
    attributes = json.loads(raw) | changed
    return json.dumps({name: value for name, value in attributes.items() if value is not None}).encode()


def test_what_is_written_is_read() -> None:
    received = read(envelope())
    assert (received.source, received.id, received.subject) == ("/safe-return/carers", "m-1", "child-1")
    assert (received.time, received.content) == (AT, REPORT)
    assert (received.exercise, received.trace) == (True, "00-ab")


def test_the_same_content_in_another_spelling_has_the_same_hash() -> None:
    compact = json.dumps(json.loads(envelope()), separators=(",", ":"), sort_keys=True).encode()
    assert compact != envelope()
    assert read(compact).content_hash == read(envelope()).content_hash
    other = read(envelope(data={"authority": "seaford", "channel": "mail"}))
    assert other.content_hash != read(envelope()).content_hash


def test_a_time_without_a_zone_is_not_written() -> None:
    with pytest.raises(ValueError, match="time"):
        compose(REPORT, said_by="carers", subject="child-1", at=AT.replace(tzinfo=None))


def test_a_time_keeps_its_zone() -> None:
    at = AT.astimezone(timezone(timedelta(hours=1)))
    assert read(compose(REPORT, said_by="carers", subject="child-1", at=at)).time.utcoffset() == timedelta(hours=1)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"specversion": "0.3"}, "specversion: missing, or not as CloudEvents 1.0 wants it"),
        ({"id": ""}, "id: missing, or not as CloudEvents 1.0 wants it"),
        ({"id": 7}, "id: missing, or not as CloudEvents 1.0 wants it"),
        ({"source": None}, "source: missing, or not as CloudEvents 1.0 wants it"),
        ({"subject": None}, "subject: the child's id is needed"),
        ({"subject": ""}, "subject: the child's id is needed"),
        ({"time": None}, "time: an RFC 3339 time with its zone is needed"),
        ({"time": 1_700_000_000}, "time: an RFC 3339 time with its zone is needed"),
        ({"time": "1700000000"}, "time: an RFC 3339 time with its zone is needed"),
        ({"time": "2026-03-02T23:15:00"}, "time: an RFC 3339 time with its zone is needed"),
        ({"type": 3}, "type: a string is needed"),
        ({"type": "child.unheard-of.v1"}, "type: no event of this kind is known here"),
        ({"data": None}, "data.authority: Field required"),
        ({"data": {"authority": "seaford", "channel": "smoke"}}, "data.channel: Input should be "),
    ],
)
def test_a_fault_is_named_by_its_field(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unreadable) as unreadable:
        read(envelope(**changed))
    assert unreadable.value.reason.startswith(reason)
    assert "smoke" not in unreadable.value.reason


def test_what_a_later_version_adds_is_passed_over_and_nobody_says_it() -> None:
    added = {"authority": "seaford", "channel": "text", "said_later": {"more": 1}}
    content = read(envelope(data=added)).content
    assert content == read(envelope(data={"authority": "seaford", "channel": "text"})).content
    with pytest.raises(ValidationError, match="said_later"):
        type(content).model_validate(added)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\xff", "the message is not UTF-8"),
        (b"{", "the message is not JSON"),
        (b"[]", "the message is not a JSON object"),
        (b'{"a": ' + b"[" * 500 + b"]" * 500 + b', "type": "x.y.v1"}', "the message is nested too deeply"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "the message is nested too deeply"),
    ],
)
def test_bytes_that_hold_no_message_say_why(raw: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        kind_of(raw)
    with pytest.raises(Unreadable, match=reason):
        read(raw)
