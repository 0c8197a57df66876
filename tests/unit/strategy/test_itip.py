"""The invitation as a calendar reads it: one UID, UTC, confidential, the organizer who sends, and nothing of a child."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from icalendar import Calendar

from services.strategy.discussions.repository import Discussion
from services.strategy.invitations import LANGUAGES, Invitation, Joining
from tests.support.histories.discussions import DISCUSSION, discussion

SUMMER = datetime(2026, 7, 1, 15, 30, tzinfo=timezone(timedelta(hours=1)))
NOW = datetime(2026, 7, 1, 13, tzinfo=UTC)
AT_NIGHT = SUMMER.replace(hour=23)
URGENT, FULL = discussion(SUMMER), discussion(SUMMER, 90, form="full")
CHANGES: dict[str, dict[str, Any]] = {
    "": {},
    "moved-": {"sequence": 1},
    "cancelled-": {"sequence": 2, "state": "cancelled"},
}


def event(sequence: int = 0, *, cancelled: bool = False) -> tuple[Any, Any]:
    spoken = LANGUAGES["en"]
    written = Invitation(
        discussion(SUMMER, sequence=sequence, state="cancelled" if cancelled else "planned"),
        "safe-return@kestrel.example",
        "nurse@kestrel.example",
        spoken.summary(URGENT, "4K7PX"),
        spoken.join("4K7PX", Joining("+441632960100")),
    ).to_ical(NOW)
    read = Calendar.from_ical(written)
    (found,) = read.walk("VEVENT")
    return read, found


def test_the_time_is_utc_whatever_zone_it_was_given_in() -> None:
    _, found = event()
    assert found.decoded("DTSTART") == SUMMER
    assert found["DTSTART"].to_ical() == b"20260701T143000Z"
    assert "TZID" not in found["DTSTART"].params


def test_a_change_keeps_the_uid_and_raises_the_sequence() -> None:
    (_, first), (_, moved), (calendar, cancelled) = event(0), event(1), event(2, cancelled=True)
    assert first["UID"] == moved["UID"] == cancelled["UID"] == f"{DISCUSSION}@kestrel.example"
    assert [int(each["SEQUENCE"]) for each in (first, moved, cancelled)] == [0, 1, 2]
    assert (str(calendar["METHOD"]), str(cancelled["STATUS"])) == ("CANCEL", "CANCELLED")


def test_the_organizer_is_the_bare_address_that_sends_and_the_attendee_is_asked_to_reply() -> None:
    calendar, found = event()
    assert str(calendar["METHOD"]) == "REQUEST"
    assert str(found["ORGANIZER"]) == "mailto:safe-return@kestrel.example"
    assert str(found["ATTENDEE"]) == "mailto:nurse@kestrel.example"
    asked = {name: str(found["ATTENDEE"].params[name]) for name in ("RSVP", "ROLE", "PARTSTAT")}
    assert asked == {"RSVP": "TRUE", "ROLE": "REQ-PARTICIPANT", "PARTSTAT": "NEEDS-ACTION"}
    assert str(found["TRANSP"]) == "OPAQUE"
    assert str(found["CLASS"]) == "CONFIDENTIAL"


def test_no_place_and_no_number_stand_where_a_calendar_shows_them_to_everybody() -> None:
    _, found = event()
    assert "LOCATION" not in found
    assert str(found["SUMMARY"]) == "Strategy discussion (4K7PX)"


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("line", ["+441632960100", None])
def test_a_bridge_is_how_one_joins_and_stands_nowhere_but_in_the_text(language: str, line: str | None) -> None:
    spoken, bridge = LANGUAGES[language], "+44 1632 960155, PIN 4821#"
    letter = spoken.email(URGENT, code="4K7PX", link="https://x.example/a", joining=Joining(line, bridge))
    assert bridge in letter.paragraphs[2]
    assert "4821" not in letter.subject + letter.headline + spoken.summary(URGENT, "4K7PX")


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("meeting", [URGENT, FULL], ids=lambda each: each.form)
def test_the_mail_says_when_in_england_and_what_changed(language: str, change: str, meeting: Discussion) -> None:
    letter = LANGUAGES[language].email(
        replace(meeting, exercise=True, **CHANGES[change]),
        code="4K7PX",
        link="https://x.example/invitations/AbC",
        joining=Joining("+441632960100"),
    )
    assert "15:30" in letter.subject
    assert letter.subject.startswith(LANGUAGES[language].content["exercise"])
    assert "+4416" not in letter.subject
    assert "15:30" in letter.headline
    assert (letter.link == "") == (change == "cancelled-")


def test_what_was_moved_or_called_off_says_so_first() -> None:
    letters = [
        LANGUAGES["en"].email(replace(URGENT, **change), code="4K7PX", link="x", joining=Joining(None))
        for change in CHANGES.values()
    ]
    assert [each.headline.partition(" ")[0] for each in letters] == ["Wednesday", "Moved", "Called"]
    assert not any("accept" in each.lower() for each in letters[2].small)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_the_mail_says_which_discussion_it_is_by_day_by_night_and_in_full(language: str) -> None:
    spoken = LANGUAGES[language]
    kinds = [URGENT, discussion(AT_NIGHT), FULL, discussion(AT_NIGHT, 90, form="full")]
    said = [spoken.how(each) for each in kinds]
    assert len(set(said)) == len(kinds)
    assert ["90" in each for each in said] == [False, False, True, True]
    for each, how in zip(kinds, said, strict=True):
        letter = spoken.email(each, code="4K7PX", link="https://x.example/a", joining=Joining(None))
        assert letter.paragraphs[1] == how
    assert spoken.summary(URGENT, "4K7PX") != spoken.summary(FULL, "4K7PX")
