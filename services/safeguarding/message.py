"""Gives every message on the bus its kind, from which all other names derive, and a closed set of fields.

Need to know: a message carries ids, kinds, times and flags. No field of any message holds a name, a number, an
address, a status or free text; words about a child live in the register, and a message carries the words' id.
"""

import re
from enum import StrEnum
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

from services.safeguarding.working_time import AS_IT_WAS_SAID

KIND = re.compile(r"^(?P<name>[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+)\.v(?P<version>[1-9][0-9]*)$")


class Topic(StrEnum):
    CHILD_EVENTS = "child-events"
    DUTIES = "duties"
    OUTCOMES = "outcomes"
    EVIDENCE = "evidence"
    DECISIONS = "decisions"
    DEAD_LETTERS = "dead-letters"


class Contract(BaseModel):
    """A value inside a message: immutable; unknown fields are refused where it is made."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_timedelta="iso8601", use_attribute_docstrings=True)


class Message(Contract):
    """A message's content. Its envelope (`services.platform.messages.envelope`) says who, when, about which child."""

    kind: ClassVar[str]
    topic: ClassVar[Topic]

    def __init_subclass__(cls, kind: str | None = None, topic: Topic | None = None, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if topic is not None:
            cls.topic = topic
        if kind is None:
            return
        if class_name(kind) != cls.__name__:
            raise TypeError(f"{kind} must be the kind of a class named {class_name(kind)}, not {cls.__name__}")
        if kind in CONTRACTS:
            raise TypeError(f"{kind} is the kind of two classes")
        cls.kind = kind
        CONTRACTS[kind] = cls

    @classmethod
    def read_again(cls, content: object) -> Self:
        """For data accepted before, such as a database row: a date that would be refused today is kept. What a later
        version added is passed over.
        """
        return cls.model_validate(content, context=AS_IT_WAS_SAID, extra="ignore")


CONTRACTS: dict[str, type[Message]] = {}


def class_name(kind: str) -> str:
    """`child.reported-missing.v1` is the kind of `ChildReportedMissing`. Raises ValueError if it is no kind."""
    match = KIND.match(kind)
    if match is None:
        raise ValueError(f"{kind!r} is not a kind such as child.reported-missing.v1")
    return "".join(word.capitalize() for word in re.split(r"[.-]", match["name"]))
