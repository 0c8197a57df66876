"""What is wrong with the list of requirements is found, and named."""

import pytest

from services.handbook.documents import pages
from services.handbook.documents.pages import Requirement, requirement_faults, stories_of
from services.protocol.loader import DEFAULT, Library, files

PROTOCOL = Library(files()).current(DEFAULT)
TOLD_BY = {"enquiry.yaml": frozenset({"location-enquiry"}), "both.yaml": frozenset({"location-enquiry", "read-text"})}
GOOD = {"id": "G1", "basis": ["S37"], "asks": "Nothing is confirmed.", "rules": ["location-enquiry"]}


def found(monkeypatch: pytest.MonkeyPatch, **changes: object) -> list[str]:
    written = Requirement.model_validate({**GOOD, **changes})
    monkeypatch.setattr(pages, "requirements", lambda: (written,))
    return [*requirement_faults(PROTOCOL, TOLD_BY)]


def test_a_requirement_with_a_rule_that_cites_it_and_a_story_is_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rules": ["no-such-rule"]}, "there is no rule no-such-rule"),
        ({"basis": ["S6"]}, "none of its rules cites one of S6"),
        ({"rules": ["late-report"], "basis": ["S45"]}, "no story in which its rules tell anybody"),
        ({"rules": []}, "no story in which its rules tell anybody"),
        ({"not-yet": "for a test"}, "take `not-yet` away"),
        ({"also": ["services/nowhere.py"]}, "services/nowhere.py does not exist"),
        ({"stories": ["back.yaml"]}, "in the story back.yaml none of its rules tells anybody"),
    ],
)
def test_what_is_not_so_is_named(monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], says: str) -> None:
    assert any(says in each for each in found(monkeypatch, **changes)), found(monkeypatch, **changes)


def test_a_requirement_that_cites_nothing_that_exists_is_not_read() -> None:
    with pytest.raises(ValueError, match="basis"):
        Requirement.model_validate({**GOOD, "basis": ["S99"]})


def test_the_story_that_shows_it_most_plainly_comes_first_unless_another_is_chosen() -> None:
    assert stories_of(Requirement.model_validate(GOOD), TOLD_BY) == ["enquiry.yaml", "both.yaml"]
    chosen = Requirement.model_validate({**GOOD, "stories": ["both.yaml"]})
    assert stories_of(chosen, TOLD_BY) == ["both.yaml", "enquiry.yaml"]
