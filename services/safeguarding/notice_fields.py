"""Lists the optional fields of a police notice, from `notice_fields.yaml`, and the questions to a reporter."""

from enum import StrEnum
from pathlib import Path

import yaml


class ReportQuestion(StrEnum):
    """The questions of a control room to a reporter (College of Policing, APP). An answer is words of the
    register's, kept with its question.
    """

    LAST_SEEN_PLACE = "last_seen_place"
    LAST_SEEN_BY = "last_seen_by"
    NOTICED_MISSING = "noticed_missing"
    """When and how it was noticed that the child is missing."""
    DIRECTION = "direction"
    TRANSPORT = "transport"
    COMPANIONS = "companions"
    CLOTHING = "clothing"
    ITEMS_TAKEN = "items_taken"
    """A bag, a telephone, money, papers, medicine."""
    WHY_WORRIED = "why_worried"
    OUT_OF_CHARACTER = "out_of_character"
    DONE_SO_FAR = "done_so_far"
    """To find the child."""
    RISKS_NOW = "risks_now"
    """Why the child may come to harm, be exploited, harm itself or others, or be taken abroad."""
    REPORTER = "reporter"
    """Name and role of the reporter, if it is not the person of the register."""
    REPORTER_TELEPHONE = "reporter_telephone"
    SHARED_BECAUSE = "shared_because"
    """The child agreed that this is passed on, or who judged that there is good reason (S35)."""


WRITTEN = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())
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
