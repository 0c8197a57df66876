"""A control that no longer holds is named, and the page is not rendered."""

from typing import Any

import pytest

from services.handbook.documents import pages
from services.handbook.documents.pages import Hazard, hazard_faults, safety_case_page
from services.protocol.loader import DEFAULT, Library, files

PROTOCOL = Library(files()).current(DEFAULT)
HERE = "tests/unit/handbook/test_safety_case.py::test_hazards_have_each_their_own_number"
HELD: dict[str, Any] = {"does": "It is held.", "rules": ["location-enquiry"], "tests": [HERE], "alerts": ["DeadLetter"]}


def _hazard(monkeypatch: pytest.MonkeyPatch, *, residual: tuple[int, int] = (5, 1), **changes: object) -> None:
    about = {"hazard": "A report is lost", "cause": "A crash.", "effect": "Nobody searches.", "left": "Nothing."}
    written = {"id": "H1", **about, "initial": (5, 3), "residual": residual, "controls": [{**HELD, **changes}]}
    monkeypatch.setattr(pages, "hazards", lambda: (Hazard.model_validate(written),))


def test_a_hazard_whose_controls_hold_is_rendered_with_its_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    _hazard(monkeypatch)
    assert "rules `location-enquiry`; tests [hazards have each their own number]" in safety_case_page(PROTOCOL)
    assert "| H1 | A report is lost | 5 x 3 = 15 | 5 x 1 = 5 |" in safety_case_page(PROTOCOL)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rules": ["no-such-rule"]}, "H1: there is no rule no-such-rule"),
        ({"stories": ["none.yaml"]}, "H1: there is no story none.yaml"),
        ({"tests": [HERE + "_no_more"]}, f"H1: there is no test {HERE}_no_more"),
        ({"tests": ["tests/nowhere.py::test_a"]}, "H1: there is no test tests/nowhere.py::test_a"),
        ({"alerts": ["Quiet"]}, "H1: there is no alert Quiet"),
        ({"tests": []}, "H1: no test or story holds this control: It is held."),
        ({"residual": (5, 4)}, "H1: the risk with its controls is higher than without"),
    ],
)
def test_what_is_gone_is_named_and_no_page_is_rendered(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], says: str
) -> None:
    _hazard(monkeypatch, **changes)
    assert [*hazard_faults(PROTOCOL)] == [says]
    with pytest.raises(ValueError, match="H1"):
        safety_case_page(PROTOCOL)


def test_hazards_have_each_their_own_number() -> None:
    assert [each.id for each in pages.hazards()] == [f"H{n}" for n in range(1, len(pages.hazards()) + 1)]
