"""Defines moments and days as people and their systems report them, within plausible years.

Many systems write an empty date as the year 1, and "for ever" as the year 9999. Neither is a date: no calendar can
count from there, and readers are misled. So it is refused where it is told, with the correct form.
"""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, AwareDatetime, ValidationInfo, WithJsonSchema

AS_IT_WAS_SAID: Final = "as it was said"
"""The validation context for reading accepted data again: no date in it is refused now."""
D = TypeVar("D", bound=date)


def _of_years(first: int, last: int, wanted: str) -> Callable[[D, ValidationInfo], D]:
    """Checks the year as it is written, so that the schema's pattern says the same."""

    def checked(value: D, info: ValidationInfo) -> D:
        if first <= value.year <= last or info.context == AS_IT_WAS_SAID:
            return value
        raise ValueError(f"{wanted} from {first} to {last} is needed; what is not known is left out")

    return checked


def _schema(of: str, pattern: str) -> dict[str, Any]:
    return {"type": "string", "format": of, "pattern": pattern}


Moment = Annotated[
    AwareDatetime,
    AfterValidator(_of_years(2000, 2099, "a time with its zone,")),
    WithJsonSchema(_schema("date-time", "^20[0-9]{2}-")),
]
"""A time in the life of a child now in care or leaving it: none of them was born before 2000."""
Day = Annotated[
    date,
    AfterValidator(_of_years(1900, 2199, "a day, YYYY-MM-DD,")),
    WithJsonSchema(_schema("date", "^(19|20|21)[0-9]{2}-")),
]
"""A birth date that somebody disputes may be long ago, and a day on which something ends long to come."""
ADULT = 18


def birthday(born: date, years: int) -> date:
    """The day on which an age is attained. A person born on 29 February attains it on 1 March of a common year."""
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return date(born.year + years, 3, 1)
