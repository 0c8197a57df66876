"""Describes a page behind a link, its fields and buttons, and the form that its reader posts. Pure."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal


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
    """Fields under a heading of their own, such as one step of a plan, or without one. `folded`: opened by a tap."""

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


@dataclass(frozen=True, slots=True)
class Button:
    """Pressed, it posts `answer`."""

    answer: str
    label: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page: `paragraphs`, then `sections` under headings, then `asks`. Without buttons nothing is left to do."""

    title: str
    paragraphs: tuple[str, ...]
    buttons: tuple[Button, ...] = ()
    sections: tuple[tuple[str, tuple[str, ...]], ...] = ()
    asks: tuple[Group, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    """Text and URL of each."""
    picture: str = ""
    """A `data:` URL."""
    done: bool = False
    language: str = "en"
    status: HTTPStatus = HTTPStatus.OK
    browser: str = ""
    """Left in the reader's browser until it is closed, and given back with each form."""
