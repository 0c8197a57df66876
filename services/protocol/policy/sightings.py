"""Says which of two tellings of when a child was last seen holds. Pure."""

from datetime import datetime


def newest_sighting(known: datetime | None, told: datetime | None, *, until: datetime) -> datetime | None:
    """The later one: a text that comes later and tells of an earlier hour takes no sighting back. What lies after `until`, when
    it was told, is no sighting.
    """
    return max((each for each in (known, told) if each is not None and each <= until), default=None)
