"""Reads invitations out of a mail, as an attendee's calendar would."""

from datetime import UTC, date, datetime
from typing import Any

from icalendar import Calendar

from infra.sandbox.mailboxes import Mail


def read_invitations(mail: Mail) -> list[dict[str, Any]]:
    """Read each event of a mail's calendar part. A part that no calendar could read is one entry with a `problem`."""
    if not mail.calendar:
        return []
    try:
        calendar = Calendar.from_ical(mail.calendar)
        return [_read_event(calendar, event) for event in calendar.walk("VEVENT")]
    except ValueError as unreadable:
        return [{"problem": str(unreadable)}]


def _read_event(calendar: Any, event: Any) -> dict[str, Any]:
    attendees = event.get("ATTENDEE", [])
    listed = attendees if isinstance(attendees, list) else [attendees]
    return {
        "uid": str(event.get("UID", "")),
        "sequence": int(event.get("SEQUENCE", 0)),
        "method": str(calendar.get("METHOD", "")),
        "attendees": [str(attendee).removeprefix("mailto:").removeprefix("MAILTO:") for attendee in listed],
        "start": _written(event.decoded("DTSTART", None)),
        "summary": str(event.get("SUMMARY", "")),
    }


def _written(start: date | datetime | None) -> str | None:
    if isinstance(start, datetime):
        return start.astimezone(UTC).isoformat() if start.tzinfo else start.isoformat()
    return start.isoformat() if start else None
