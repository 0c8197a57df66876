"""Reads calendars (iCalendar) that anybody may have written, and keeps nothing of them."""

from typing import Any

from icalendar import Calendar, ComponentFactory
from icalendar.parser.ical.calendar import CalendarIcalParser


class _Parser(CalendarIcalParser):
    """Knows zones by their names alone. The library would take a calendar's own definition of one for every later
    calendar too, and count its changes from its beginning: each second since 1601, if it says so.
    """

    def handle_end_component(self, _name: str) -> None:
        super().handle_end_component("")  # only for a zone does it look at the name


def parse_calendar(text: str) -> Any:
    """An `icalendar.Calendar`. Raises ValueError, IndexError, AttributeError or OSError for what is none."""
    # The library's own factory would remember each made-up component for ever.
    [found] = _Parser(text, ComponentFactory(), Calendar.types_factory).parse()
    return found
