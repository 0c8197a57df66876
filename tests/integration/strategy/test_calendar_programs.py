"""Invitations as two independent calendar programs read them: the same time in summer and in winter, one entry through every change."""

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from services.strategy.invitations import Invitation, Joining, words
from tests.support.histories.discussions import discussion

ROOT = Path(__file__).parents[3]
MODULES = ROOT / ".local" / "npm" / "node_modules"
PACKAGES = ("ical.js", "node-ical")
NODE = shutil.which("node")
SUMMER, WINTER = datetime(2026, 7, 1, 14, 30, tzinfo=UTC), datetime(2026, 11, 24, 13, tzinfo=UTC)
CLOCKS_GO_BACK = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)
"""A quarter past one, which England has twice that night."""
NOW = datetime(2026, 6, 30, tzinfo=UTC)
FAR_ZONES = ("Europe/London", "America/New_York", "Asia/Kolkata")

pytestmark = pytest.mark.skipif(
    NODE is None or not all((MODULES / each).exists() for each in PACKAGES),
    reason="needs Node, and: npm install --prefix .local/npm ical.js@2.2.1 node-ical@0.27.2",
)


def invitation(starts_at: datetime, sequence: int = 0, *, cancelled: bool = False, language: str = "en") -> str:
    spoken = words(language)
    about = discussion(starts_at, sequence=sequence, state="cancelled" if cancelled else "planned")
    return Invitation(
        about,
        organizer="safe-return@kestrel.example",
        attendee="nurse@kestrel.example",
        summary=spoken.summary(about, "4K7PX"),
        description=spoken.join("4K7PX", Joining("+441632960100", "https://meet.example/4821; PIN 4821, then #")),
    ).to_ical(NOW)


def read(*calendars: str, zone: str = "Europe/London") -> list[list[dict[str, Any]]]:
    """What each program finds in each, on a machine in that zone."""
    done = subprocess.run(
        [str(NODE), str(Path(__file__).with_name("calendars.mjs")), str(MODULES)],
        input=json.dumps(calendars),
        capture_output=True,
        text=True,
        check=True,
        timeout=180,
        env=os.environ | {"TZ": zone},
    )
    found: list[list[dict[str, Any]]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("zone", FAR_ZONES)
def test_both_read_the_moment_that_was_meant_in_summer_in_winter_and_between(zone: str) -> None:
    moments = (SUMMER, WINTER, CLOCKS_GO_BACK)
    for at, found in zip(moments, read(*map(invitation, moments), zone=zone), strict=True):
        for each in found:
            assert datetime.fromisoformat(each["starts"]) == at
            assert (datetime.fromisoformat(each["ends"]) - at).total_seconds() == 45 * 60


def test_a_moved_and_then_called_off_discussion_leaves_one_entry_and_that_is_cancelled() -> None:
    changes = (invitation(SUMMER), invitation(WINTER, 1), invitation(WINTER, 2, cancelled=True))
    for program in range(len(PACKAGES)):
        calendar: dict[str, dict[str, Any]] = {}
        for found in read(*changes):
            entry = found[program]
            kept = calendar.get(entry["uid"])
            assert kept is None or entry["sequence"] > kept["sequence"]
            calendar[entry["uid"]] = entry
        [entry] = calendar.values()
        assert (entry["method"], entry["status"], entry["sequence"]) == ("CANCEL", "CANCELLED", 2)
        assert datetime.fromisoformat(entry["starts"]) == WINTER


@pytest.mark.parametrize("language", ["en", "cy"])
def test_both_read_the_words_as_they_were_written_and_no_place(language: str) -> None:
    spoken = words(language)
    [found] = read(invitation(WINTER, language=language))
    for each in found:
        assert each["summary"] == spoken.summary(discussion(WINTER), "4K7PX")
        assert "https://meet.example/4821; PIN 4821, then #" in each["description"]
        assert each["location"] == ""
        assert each["class"] == "CONFIDENTIAL"
        assert each["organizer"] == "mailto:safe-return@kestrel.example"
        assert each["attendees"] == ["mailto:nurse@kestrel.example"]


def test_they_agree_with_the_library_that_wrote_it() -> None:
    event = Calendar.from_ical(invitation(CLOCKS_GO_BACK, 3)).walk("VEVENT")[0]
    [found] = read(invitation(CLOCKS_GO_BACK, 3))
    for each in found:
        assert each["uid"] == str(event["UID"])
        assert each["sequence"] == int(str(event["SEQUENCE"]))
        assert datetime.fromisoformat(each["starts"]) == event.decoded("DTSTART")
