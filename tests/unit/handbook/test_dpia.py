"""The draft assessment is of what the system runs by: nothing of it is left out."""

from services.handbook.documents.pages import SECURITY, dpia_page, hazards, processors, threats
from services.platform.store.disposal import Action, schedule
from services.safeguarding.notice_fields import NoticeField

WRITTEN = """
## Agencies -> casework
| S | somebody speaks | a signature | `tests/a.py::test_a` |
| I | an answer tells | none does | `tests/a.py::test_b` |
## Mail
| I | a subject tells | no name | `tests/a.py::test_c` |
"""


def test_a_threat_of_disclosure_stands_under_its_boundary_and_no_other_threat_does() -> None:
    found = [(each.boundary, each.threat, each.held_by) for each in threats(WRITTEN)]
    assert found == [("Agencies -> casework", "an answer tells", "none does"), ("Mail", "a subject tells", "no name")]


def test_everything_that_is_held_given_or_risked_stands_in_it() -> None:
    text = dpia_page()
    held = [each.holds for each in schedule().records.values() if each.action is not Action.NOBODYS]
    risks = [each.left for each in hazards() if each.concerns_rights]
    told = [each.threat for each in threats(SECURITY.read_text())]
    assert min(len(held), len(risks), len(told)) > 2
    wanted = [*held, *risks, *told, *NoticeField, *(each["holds"] for each in processors())]
    assert [each for each in wanted if each not in text] == []


def test_each_blank_that_a_part_leaves_is_explained() -> None:
    listed = text_between(dpia_page(), "## What the authority fills in", "## What it is for")
    for blank in ("CONTRACT", "TRANSFER", "AGREEMENT"):
        assert f"`{blank}`" in listed
        assert dpia_page().count(f"`{blank}") > 1


def text_between(text: str, begins: str, ends: str) -> str:
    return text.partition(begins)[2].partition(ends)[0]
