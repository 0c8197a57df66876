"""Lists the fields of a police notice, from `notice_fields.yaml`, and the questions to carers and to reporters."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import Field, model_validator

from services.safeguarding.identifiers import Entry, read_entries

BY_NAME = frozenset({"child", "profile", "report"})


class Question(Entry):
    label: str = Field(min_length=1)
    hint: str = ""


class FieldWords(Entry):
    notice: str | None = None
    gap: str | None = None
    meaning: str | None = None
    question: dict[str, Question] = Field(default_factory=dict)


class FieldSpec(Entry):
    """All that is said of a field, as the head of `notice_fields.yaml` explains it."""

    of: Literal["child", "profile", "report", "placement", "sender", "whole"]
    kind: Literal["line", "text", "day"] | None = None
    long: bool = False
    asked: Literal["carers", "reporters"] | None = None
    chased: bool = False
    sensitive: bool | None = None
    says: FieldWords = FieldWords()

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.of == "profile") != (self.kind is not None):
            raise ValueError("a field of the profile, and no other, has a `kind`")
        if self.of in {"child", "profile"} and self.sensitive is None:
            raise ValueError("a field of a child says whether it is `sensitive`")
        if self.asked == "carers" and (self.of == "report" or not {"en", "cy"} <= self.says.question.keys()):
            raise ValueError("what carers are asked is of the child, and has its `question` in en and cy")
        if self.asked == "reporters" and self.of != "report":
            raise ValueError("what reporters are asked is of the report")
        return self


def read_fields(written: Mapping[str, Any]) -> Mapping[str, FieldSpec]:
    """Raises ValueError, naming the field, where one is not described as it must be."""
    found = read_entries("notice_fields.yaml", FieldSpec, written)
    names = [path.rpartition(".")[2] for path, each in found.items() if each.of in BY_NAME]
    if twice := sorted({each for each in names if names.count(each) > 1}):
        raise ValueError(f"notice_fields.yaml: child and report each have a field of this name: {', '.join(twice)}")
    return found


FIELDS = read_fields(yaml.load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"), yaml.CSafeLoader))
NAMED = {path.rpartition(".")[2]: each for path, each in FIELDS.items() if each.of in BY_NAME}
"""Those of the child and the report, by the last part of their names."""
PROFILE = {name: each for name, each in NAMED.items() if each.of == "profile"}
"""What is held about a child before it is ever missing, in the register's words."""
ASKED_OF_CARERS = tuple(name for name, each in NAMED.items() if each.asked == "carers")
LONG = tuple(name for name, each in NAMED.items() if each.long)
"""Of the child: those that may be too long for a notice."""
ReportQuestion = StrEnum("ReportQuestion", [name for name, each in NAMED.items() if each.asked == "reporters"])  # type: ignore[misc]
ReportQuestion.__doc__ = """The questions of a control room to a reporter (College of Policing, APP). An answer is words of the
register's, kept with its question."""
NoticeField = StrEnum("NoticeField", [path for path, each in FIELDS.items() if each.sensitive is not None])  # type: ignore[misc]
NoticeField.__doc__ = "As an authority's sharing agreement names them."
LEAST = frozenset(NoticeField(path) for path, each in FIELDS.items() if each.sensitive is False)
"""What a force is sent where no agreement is in force."""
CHASED = frozenset(path for path, each in FIELDS.items() if each.chased)
"""Gaps that a person is asked to fill."""
OF_PROFILE = "profile."
QUESTIONS = {each: f"{OF_PROFILE}{each}" for each in ASKED_OF_CARERS} | {
    each.value: each.value for each in ReportQuestion
}
"""What the words of a form's field answer, as the register keeps it."""
