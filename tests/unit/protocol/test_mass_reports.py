"""Who reported a child goes with each telling of people, so that many children of one reporter can be told as one."""

from datetime import timedelta
from typing import Any

import pytest

from services.protocol.checks.check import check
from services.protocol.loader import Library, files
from services.protocol.policy.case import Case, Facts
from services.protocol.policy.decide import decide
from services.protocol.policy.draft import Happened, Protocols
from services.safeguarding.child_events import events
from services.safeguarding.duty.duties import Duty, PoliceNotify, ProfessionalNotify
from tests.support.histories.one_child import CHILD, START

PROTOCOL = Library(files()).current("northshire")
ANN = "person-00000000-0000-4000-8000-00000000000a"
HOME = "placement-00000000-0000-4000-8000-00000000000b"


def told(source: str = "/safe-return/carers", *, exercise: bool = False, **report: Any) -> list[Duty]:
    content = events.ChildReportedMissing(authority="northshire", **report)
    happened = Happened(content, "one", CHILD, START, exercise, source=source)
    decision = decide(Case(child=CHILD), happened, Facts(authority="northshire"), Protocols(PROTOCOL), START)
    return list(decision.duties)


def reporter(*of: Any, **report: Any) -> Any:
    [found] = {each.mass.reporter for each in told(*of, **report) if each.mass}
    return found


def test_people_are_told_who_reported_and_how_many_are_a_mass_and_police_get_each_child() -> None:
    duties = told(said_by=ANN, channel="text")
    masses = {type(each): each.mass for each in duties}
    assert masses[PoliceNotify] is None
    mass = masses[ProfessionalNotify]
    assert mass is not None
    assert (mass.children, mass.within) == (5, timedelta(minutes=30))


def test_an_agency_a_placement_and_a_person_are_each_one_reporter_and_practice_another() -> None:
    ann = {"said_by": ANN, "channel": "text"}
    assert reporter(**ann) == reporter(**ann)
    assert reporter("/agencies/a") == reporter("/agencies/a", placement=HOME)
    assert reporter(placement=HOME, **ann) == reporter(placement=HOME, channel="text")
    different = [
        reporter(**ann), reporter(placement=HOME, **ann), reporter("/agencies/a"), reporter("/agencies/b"), reporter(exercise=True, **ann),
    ]  # fmt: skip
    assert len(set(different)) == len(different)


@pytest.mark.parametrize("written", ["{ children: 1, within: 30m }", "{ children: 5 }", "5"])
def test_a_mass_report_that_cannot_be_read_is_refused(tmp_path: Any, written: str) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(f"protocol: own\nversion: 1\nauthority: own\nmass-report: {written}\nrules: []\n")
    [fault] = check(tmp_path)
    assert "own.yaml:4: a mass report is of how many children" in str(fault)


def test_an_authoritys_own_number_holds_for_it_alone(tmp_path: Any) -> None:
    (tmp_path / "own.yaml").write_text(
        "protocol: own\nversion: 1\nauthority: own\nmass-report: { children: 9, within: 1h }\nrules: []\n"
    )
    library = Library(files(tmp_path))
    found = [library.current(each).mass_report for each in ("own", "other")]
    assert [each and each.children for each in found] == [9, 5]
