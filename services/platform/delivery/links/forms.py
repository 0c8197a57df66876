"""Describes the fields of a page behind a link, and reads the form that its reader posts."""

from dataclasses import dataclass, field
from typing import Literal

from starlette.requests import Request

from services.platform.runtime.http.browser_form import read_form

BROWSER = "safe-return-browser"
"""A cookie."""


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """`wrong` says what would be right, where the value is not; the value stays."""

    name: str
    label: str
    kind: Literal["words", "line", "day", "moment", "one-of", "any-of", "list"]
    value: str = ""
    hint: str = ""
    choices: tuple[Choice, ...] = ()
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Fields under a heading of their own, such as one step of a plan. Without a heading they stand alone. `folded`: opened by a tap."""

    fields: tuple[Field, ...]
    heading: str = ""
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A posted form. `answer` is the button's value."""

    answer: str
    filled: dict[str, tuple[str, ...]] = field(default_factory=dict)
    browser: str = ""
    """What a page of ours left in this browser (`Sheet.browser`)."""

    def one(self, name: str) -> str:
        """Empty where the field was left out."""
        return self.filled.get(name, ("",))[0].strip()

    def all(self, name: str) -> tuple[str, ...]:
        return self.filled.get(name, ())


async def read(request: Request) -> Form:
    """Raises Problem as `read_form` does."""
    fields = await read_form(request)
    filled = {name: tuple(fields.getlist(name)) for name in fields}
    return Form(filled.get("answer", ("",))[0], filled, request.cookies.get(BROWSER, ""))
