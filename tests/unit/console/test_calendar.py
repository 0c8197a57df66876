"""The rota as a calendar: what is written can be read, and what cannot be understood is named."""

from datetime import UTC, datetime, timedelta

import pytest

from services.console.policy.shift import board
from services.options.shift_exchange.calendars import (
    BY_MONTH_AT_MOST,
    SHIFTS_AT_MOST,
    Why,
    read_calendar,
    write_calendar,
)
from services.safeguarding.working_time import RotaLine, Turn

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROLE = "duty.emergency-team"
NAMES = {"person-1": "Night Example", "person-2": "Day Example", "person-3": "Boss Example"}


def calendar(*events: str) -> str:
    inside = "".join(f"BEGIN:VEVENT\nUID:{number}\n{event}\nEND:VEVENT\n" for number, event in enumerate(events))
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{inside}END:VCALENDAR\n".replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("event", "shifts"),
    [
        (
            "SUMMARY:On call: Night Example\nDTSTART:20261125T180000Z\nDTEND:20261126T080000Z",
            [("person-1", "2026-11-25T18:00", "2026-11-26T08:00")],
        ),
        (
            (
                "SUMMARY:Shift\nATTENDEE;CN=Night Example:mailto:n@kestrel.example\nDTSTART:20260701T090000\nDURATION:PT8H\n"
                "RRULE:FREQ=YEARLY"
            ),
            [],
        ),
        (
            "SUMMARY:night example\nDTSTART;VALUE=DATE:20261201",
            [("person-1", "2026-12-01T00:00", "2026-12-02T00:00")],
        ),
        ("SUMMARY:Night Example\nDTSTART:20261101T180000Z\nDTEND:20261102T080000Z", []),
        (
            "SUMMARY:Night Example\nDTSTART:20261124T110000\nDTEND:20261124T130000",
            [("person-1", "2026-11-24T11:00", "2026-11-24T13:00")],
        ),
        ("SUMMARY:Night Example\nSTATUS:CANCELLED\nDTSTART:20261125T180000Z\nDTEND:20261126T080000Z", []),
        (
            (
                "SUMMARY:Night Example\nDTSTART;TZID=Europe/London:20261023T200000\nDTEND;TZID=Europe/London:20261023T230000\n"
                "RRULE:FREQ=WEEKLY;UNTIL=20261212T000000Z\nEXDATE;TZID=Europe/London:20261204T200000"
            ),
            [
                ("person-1", "2026-11-27T20:00", "2026-11-27T23:00"),
                ("person-1", "2026-12-11T20:00", "2026-12-11T23:00"),
            ],
        ),
    ],
    ids=["dated", "attendee", "whole-day", "over", "goes-on", "cancelled", "weekly"],
)
def test_events_become_dated_shifts(event: str, shifts: list[tuple[str, str, str]]) -> None:
    found, unread = read_calendar(calendar(event), ROLE, NAMES, NOW)
    assert unread == ()
    assert [(each.person, f"{each.from_at:%Y-%m-%dT%H:%M}", f"{each.to_at:%Y-%m-%dT%H:%M}") for each in found] == shifts
    assert {each.role for each in found} <= {ROLE}


def test_an_instance_that_was_moved_is_where_it_was_moved_to() -> None:
    weekly = "SUMMARY:Day Example\nDTSTART:20261125T090000Z\nDTEND:20261125T170000Z\nRRULE:FREQ=WEEKLY;COUNT=2"
    moved = weekly.partition("\nRRULE")[0].replace("20261125", "20261203") + "\nRECURRENCE-ID:20261202T090000Z"
    found, _ = read_calendar(calendar(weekly, moved).replace("UID:1", "UID:0"), ROLE, NAMES, NOW)
    assert [each.from_at.day for each in found] == [25, 3]


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ("SUMMARY:Somebody\nDTSTART:20261125T180000Z\nDTEND:20261126T080000Z", Why.NOBODY),
        ("SUMMARY:Night Example and Day Example\nDTSTART:20261125T180000Z\nDTEND:20261126T080000Z", Why.SEVERAL),
        ("SUMMARY:Night Example\nDTSTART:20261125T180000Z", Why.NO_TIME),
        ("SUMMARY:Night Example\nDTSTART:20261126T180000Z\nDTEND:20261125T180000Z", Why.NO_TIME),
        ("SUMMARY:Night Example", Why.NO_TIME),
        ("SUMMARY:Night Example\nDTSTART:20261125T180000Z\nDURATION:PT8H\nRRULE:FREQ=DAILY;INTERVAL=0", Why.NO_TIME),
        ("SUMMARY:Night Example\nDTSTART:20261125T180000Z\nDURATION:P9999999D", Why.NO_TIME),
        ("SUMMARY:Night Example\nDTSTART:00010101T000000Z\nDTEND:20261125T180000Z", Why.NO_TIME),
        ("SUMMARY:Night Example\nDTSTART:20261125T180000Z\nDURATION:PT1H\nRRULE:FREQ=OFTEN", Why.NO_TIME),
        ("SUMMARY:Night Example\nDTSTART:19700101T000000Z\nDURATION:PT1H\nRRULE:FREQ=SECONDLY", Why.NO_TIME),
        ("SUMMARY:Night Example\nDTSTART:20261125T180000Z\nDURATION:PT1H\nRRULE:FREQ=HOURLY", Why.NO_TIME),
        (
            "SUMMARY:Night Example\nDTSTART:20261125T180000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
            Why.NO_TIME,
        ),
        ("SUMMARY:Night Example\nDTSTART:16010101T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY", Why.NO_TIME),
        ("SUMMARY:Night Example\nDTSTART:19700101T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;BYSECOND=1,2", Why.NO_TIME),
        ("SUMMARY:Night Example\nDTSTART:20261125T180000Z\nDURATION:PT1H\nRRULE:FREQ=YEARLY;BYEASTER=400", Why.NO_TIME),
    ],
)
def test_an_event_that_is_not_understood_is_named_and_the_others_are_read(event: str, why: Why) -> None:
    good = "SUMMARY:Boss Example\nDTSTART:20261125T180000Z\nDURATION:PT1H"
    found, [unread] = read_calendar(calendar(event, good), ROLE, NAMES, NOW)
    assert ([each.person for each in found], unread.why) == (["person-3"], why)
    assert unread.line.startswith(event.partition("\n")[0].removeprefix("SUMMARY:"))


@pytest.mark.timeout(200)
def test_repetitions_by_month_that_never_come_are_counted_for_a_few_events_alone() -> None:
    never = "SUMMARY:Night Example\nDTSTART:20261125T180000Z\nDURATION:PT1H\nRRULE:FREQ=MONTHLY;BYMONTHDAY=31;BYDAY=1MO"
    first = "SUMMARY:Boss Example\nDTSTART:20261125T180000Z\nDURATION:PT1H\nRRULE:FREQ=MONTHLY;BYDAY=1TU"
    found, unread = read_calendar(calendar(first, *[never] * 320), ROLE, NAMES, NOW)
    assert [each.from_at.day for each in found] == [1, 5]
    assert [each.why for each in unread] == [Why.NO_TIME] * (321 - BY_MONTH_AT_MOST)


def test_a_zone_is_what_its_name_says_however_the_calendar_defines_it() -> None:
    """Where it changes each second, nobody would see a page until all of them since 1601 were counted."""
    parts = "BEGIN:{0}\nDTSTART:16010101T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0100\nRRULE:FREQ=SECONDLY\nEND:{0}\n"
    zone = (
        f"BEGIN:VTIMEZONE\nTZID:GMT Standard Time\n{parts.format('STANDARD')}{parts.format('DAYLIGHT')}END:VTIMEZONE\n"
    )
    text = calendar("SUMMARY:Night Example\nDTSTART;TZID=GMT Standard Time:20261125T180000\nDURATION:PT1H")
    [shift], _ = read_calendar(text.replace("BEGIN:VEVENT", zone + "BEGIN:VEVENT"), ROLE, NAMES, NOW)
    assert shift.from_at == datetime(2026, 11, 25, 18, tzinfo=UTC)


def test_what_is_no_calendar_and_what_repeats_too_often_is_refused_whole() -> None:
    hours = ",".join(map(str, range(24)))
    hourly = f"SUMMARY:Boss Example\nDTSTART:20261125T180000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;BYHOUR={hours}"
    for text, why in (("Night Example on Tuesday", Why.NO_CALENDAR), (calendar(hourly), Why.TOO_MANY)):
        found, [unread] = read_calendar(text, ROLE, NAMES, NOW)
        assert (found, unread.why) == ((), why)
    assert SHIFTS_AT_MOST < 24 * 60


def test_a_calendar_that_was_written_says_who_is_on_call_and_can_be_read() -> None:
    nights = Turn("person-1", 1, from_at=NOW, to_at=NOW + timedelta(hours=8))
    lines = [
        RotaLine("kestrel", ROLE, "person-1", "Night Example", None, nights, has_mobile=True, has_email=True),
        RotaLine(
            "kestrel", ROLE, "person-2", "Day Example", None, Turn("person-2", 2), has_mobile=True, has_email=True
        ),
        RotaLine("kestrel", "child.guardian", "person-3", "Boss Example", "C1", Turn("person-3", 1), True, True),
    ]
    shown = board(lines, NOW, timedelta(days=1))
    of_role = write_calendar(shown, NOW, lambda value, _: str(value), ROLE).decode()
    assert "SUMMARY:duty.emergency-team: Night Example\\, then Day Example" in of_role
    assert ("C1" in of_role, "guardian" in of_role, of_role.count("BEGIN:VEVENT")) == (False, False, 2)
    found, unread = read_calendar(of_role, ROLE, {"person-1": NAMES["person-1"]}, NOW)
    assert [(each.from_at, each.to_at) for each in found] == [(NOW, NOW + timedelta(hours=8))]
    assert len(unread) == 1
    of_deputy = write_calendar(shown, NOW, lambda value, _: str(value), "person-2").decode()
    assert ("SUMMARY:Deputy 1: duty" in of_deputy, "SUMMARY:On call: duty" in of_deputy) == (True, True)
