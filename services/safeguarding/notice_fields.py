"""Lists the optional fields of a police notice, from `notice_fields.yaml`, and the questions to a reporter."""

from enum import StrEnum
from pathlib import Path

import yaml

WRITTEN = yaml.load(Path(__file__).with_suffix(".yaml").read_text(), yaml.CSafeLoader)
ReportQuestion = StrEnum("ReportQuestion", WRITTEN["report_questions"])  # type: ignore[misc]
ReportQuestion.__doc__ = """The questions of a control room to a reporter (College of Policing, APP). An answer is words of the
register's, kept with its question."""
PROFILE: tuple[str, ...] = tuple(WRITTEN["profile"])
"""What is held about a child before it is ever missing, in the register's words."""
ASKED_OF_CARERS: tuple[str, ...] = tuple(WRITTEN["asked_of_carers"])
LONG: tuple[str, ...] = tuple(WRITTEN["long"])
"""Of the child: those that may be too long for a notice."""
NoticeField = StrEnum("NoticeField", list(WRITTEN["fields"]))  # type: ignore[misc]
NoticeField.__doc__ = "As an authority's sharing agreement names them."
LEAST = frozenset(map(NoticeField, WRITTEN["least"]))
"""What a force is sent where no agreement is in force."""
CHASED = frozenset({*WRITTEN["chased"], *(f"report.{each}" for each in ReportQuestion)})
"""Gaps that a person is asked to fill."""
OF_PROFILE = "profile."
QUESTIONS = {each: f"{OF_PROFILE}{each}" for each in ASKED_OF_CARERS} | {
    each.value: each.value for each in ReportQuestion
}
"""What the words of a form's field answer, as the register keeps it."""
