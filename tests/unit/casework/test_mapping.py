"""A council's own files, mapped: the Standard Safeguarding Dataset, and what a mapping can say."""

import csv
import io
from typing import Any
from unittest.mock import Mock

import pytest

from services.options.register_upkeep.policy import register_import, sheets
from services.options.register_upkeep.policy.register_import import MOST_FAULTS
from services.options.register_upkeep.policy.sheets import FileMapping, MappingFault, read_mapping

COLUMNS = {
    "ssd_person": "pers_person_id pers_forename pers_surname pers_sex pers_ethnicity pers_dob pers_expected_dob pers_death_date",
    "ssd_cla_episodes": "clae_person_id clae_cla_episode_start_date clae_cla_episode_ceased_date clae_entered_care_date",
    "ssd_cla_placement": "clap_cla_placement_id clap_person_id clap_cla_placement_start_date clap_cla_placement_end_date "
    "clap_cla_placement_type clap_cla_placement_urn clap_cla_placement_postcode",
    "ssd_immigration_status": "immi_person_id immi_immigration_status immi_immigration_status_start_date immi_immigration_status_end_date",
    "ssd_legal_status": "lega_person_id lega_legal_status lega_legal_status_start_date lega_legal_status_end_date",
    "ssd_involvements": "invo_person_id invo_professional_id invo_professional_role_id invo_involvement_end_date",
    "ssd_professionals": "prof_professional_id prof_staff_id prof_professional_name",
    "rota": "Role Worker",
    "staff": "Staff No Email",
}
ROWS = {
    "ssd_person": [
        ["1", "Amara", "Diallo", "F", "BAFR", "2011-03-04 00:00:00.000", "NULL", "NULL"],
        ["2", "Bilal", "Noor", "M", "NULL", "NULL", "2010-01-01", ""],
        ["3", "Left", "Care", "M", "NULL", "2009-05-06", "", ""],
        ["4", "Has", "Died", "M", "NULL", "2009-05-06", "", "2025-01-01"],
    ],
    "ssd_cla_episodes": [
        ["1", "2026-01-10", "2026-03-01", "2026-01-10"],
        ["1", "2026-03-01", "NULL", "2026-01-10"],
        ["2", "2026-07-01", "", "2026-07-01"],
        ["3", "2025-01-01", "2026-01-01", "2025-01-01"],
        ["4", "2025-01-01", "", "2025-01-01"],
    ],
    "ssd_cla_placement": [
        ["p0", "1", "2026-01-10", "2026-03-01", "U1", "", "KE1 1AA"],
        ["p1", "1", "2026-03-01", "", "U4", "NULL", "KE2 2BB"],
        ["p2", "2", "2026-07-01", "", "K2", "SC123", "LW10 3CC"],
        ["p3", "9", "2026-07-02", "", "K2", "SC123", "LW10 3CC"],
    ],
    "ssd_immigration_status": [["2", "Unaccompanied Asylum Seeking Child", "2026-07-01", ""]],
    "ssd_legal_status": [["2", "V2", "2026-07-01", ""]],
    "ssd_involvements": [["1", "w1", "Social Worker", ""], ["2", "w1", "Social Worker", "2026-07-02"], ["2", "w2", "Nurse", ""]],
    "ssd_professionals": [["w1", "s1", "Wen Example"]],
    "rota": [["EDT", "s1"]],
    "staff": [["s1", "wen@kestrel.example"]],
}  # fmt: skip
OWN = """
extends: ssd
lists:
  forces: { KE: kestrel-police, LW: lapwing-police, LW1: other-police }
  roles: { Nurse: null }
tables:
  people:
    - file: ssd_professionals
      join: { staff: { file: staff, by: { Staff No: prof_staff_id }, needed: true } }
      fields: { reference: prof_staff_id, name: prof_professional_name, email: staff.Email }
  directory:
    - file: ssd_involvements
      where: { invo_involvement_end_date: "", invo_professional_role_id: [Social Worker, Team Manager] }
      join: { worker: { file: ssd_professionals, by: { prof_professional_id: invo_professional_id }, needed: true } }
      fields:
        role: { column: invo_professional_role_id, values: roles }
        person: worker.prof_staff_id
        child: { column: invo_person_id, prefix: ssd- }
    - file: rota
      fields: { role: { column: Role, values: { EDT: duty.emergency-team } }, person: Worker }
"""


def council_sheets(**changed: list[list[str]]) -> dict[str, str]:
    found = {}
    for name, columns in COLUMNS.items():
        sheet = io.StringIO()
        heading = ["Staff No", "Email"] if name == "staff" else columns.split()
        csv.writer(sheet).writerows([heading, *(changed.get(name) or ROWS[name])])
        found[f"{name}.csv"] = sheet.getvalue()
    return found


def test_the_standard_dataset_and_a_councils_own_lists_give_a_whole_register() -> None:
    mapped = read_mapping(OWN).apply(council_sheets())
    assert mapped.faults == []
    document: dict[str, Any] = mapped.document
    assert document["children"] == [
        {
            "reference": "ssd-1", "name": "Amara Diallo", "sex": "female", "ethnicity": "BAFR", "date_of_birth": "2011-03-04",
            "entered_care_at": "2026-01-10T00:00:00+00:00", "placement": "ssd-p1",
        },
        {
            "reference": "ssd-2", "name": "Bilal Noor", "sex": "male", "claimed_date_of_birth": "2010-01-01",
            "entered_care_at": "2026-07-01T00:00:00+01:00", "placement": "ssd-SC123", "unaccompanied": True,
            "subject_to_immigration_control": True, "legal_status": "V2",
        },
    ]  # fmt: skip
    homes = {each["reference"]: (each["kind"], each["force"]) for each in document["placements"]}
    assert homes == {"ssd-p1": ("foster", "kestrel-police"), "ssd-SC123": ("residential", "other-police")}
    assert len(document["placements"]) == 2, "one home is one placement, however many children live there"
    assert document["directory"] == [
        {"role": "child.social-worker", "person": "s1", "child": "ssd-1"},
        {"role": "duty.emergency-team", "person": "s1"},
    ]
    assert register_import.read(document, "kestrel")[1] == []


@pytest.mark.parametrize(
    ("name", "row", "place", "wanted"),
    [
        ("odd-dates", ["4"], ("odd-dates.csv", 2, "Born"), "%Y%Y"),
        ("ssd_person", ["1", "A", "B", "F", "", "4.3.2011", "", ""], ("ssd_person.csv", 2, "pers_dob"), "%d/%m/%Y"),
        ("ssd_cla_placement", ["p", "1", "2026-01-01", "", "U1", "", "ZZ1 1ZZ"], ("ssd_cla_placement.csv", 2, "clap_cla_placement_postcode"), "KE, LW, LW1"),
        ("rota", ["Boss", "s1"], ("rota.csv", 2, "Role"), "EDT"),
    ],
)  # fmt: skip
def test_a_value_that_the_mapping_does_not_know_is_named_by_file_line_and_column(
    name: str, row: list[str], place: tuple[str, int, str], wanted: str
) -> None:
    odd = (
        "  children:\n    - file: odd-dates\n      fields: { date_of_birth: { column: Born, dates: ['%Y%Y', '%Q'] } }\n"
    )
    own = OWN + (odd if name == "odd-dates" else "")
    [fault] = read_mapping(own).apply(council_sheets(**{name: [row]}) | {"odd-dates.csv": "Born\n4\n"}).faults
    assert (fault.file, fault.line, fault.column) == place
    assert wanted in fault.wanted


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ("- a", "the mapping"),
        ("extends: ../secrets", "a name of ssd"),
        ("tables: {castles: [{file: a, fields: {name: b}}]}", "castles has no name"),
        ("tables: {people: [{file: a, fields: {name: {column: b, values: colours}}}]}", "people has no colours"),
        ("tables: {people: [{file: a, fields: {name: b}, code: 'import os'}]}", "code"),
        ("lists: &a {b: {c: d}}\ntables: *a", "no aliases"),
        ("!!python/object/apply:os.system ['true']", "or tags"),
        ("tables: !!bool x", "or tags"),
        ("{a: b", "must be YAML"),
        ("[" * 40_000, "20 levels at most"),
        ("? " * 20_000, "20 levels at most"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused_by_what_is_wrong(mapping: str, says: str) -> None:
    with pytest.raises(MappingFault, match=says):
        read_mapping(mapping)


MANY = "n\n" + "a\n" * 40_000
STARTS = "values: {" + ", ".join(f"v{number}: x" for number in range(600)) + "}, starts: true"


@pytest.mark.parametrize(
    "fields",
    [
        ["{name: n}"] * 700,
        [f"{{name: {{column: n, {STARTS}}}}}"],
        [f"{{name: {{column: [{', '.join(['n'] * 600)}]}}}}"],
        ["{name: {column: n, dates: [" + ", ".join(["'%Y'"] * 600) + "]}}"],
        ["{name: n}, where: {n: [" + ", ".join(f"v{number}" for number in range(600)) + "]}"],
    ],
    ids=["sources", "beginnings", "columns", "dates", "conditions"],
)
def test_a_mapping_that_would_work_for_minutes_is_refused_before_it_begins(
    fields: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileMapping, "_row", Mock(side_effect=AssertionError("it has begun")))
    sources = ", ".join(f"{{file: '{'*' * (number % 9)}a', fields: {each}}}" for number, each in enumerate(fields))
    with pytest.raises(MappingFault, match="too many fields and values"):
        read_mapping(f"tables: {{people: [{sources}]}}").apply({"a.csv": MANY})


def test_a_file_is_read_once_however_many_name_it_and_not_with_too_many_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading = Mock(wraps=sheets.read_file)
    monkeypatch.setattr(sheets, "read_file", reading)
    sources = ", ".join(f"{{file: '{'*' * number}a', fields: {{name: n}}}}" for number in range(20))
    assert read_mapping(f"tables: {{people: [{sources}]}}").apply({"a.csv": "n\na\n"}).faults == []
    assert reading.call_count == 1
    monkeypatch.setattr(sheets, "MOST_LINES", 5)
    mapping = read_mapping("tables: {people: [{file: a, fields: {name: n}}, {file: b, fields: {name: n}}]}")
    assert mapping.apply({"a.csv": "n\r\na\r\n", "b.csv": "n\rb\rc\r"}).document["people"][2:] == [{"name": "c"}]
    with pytest.raises(MappingFault, match="more than 5 lines"):
        mapping.apply({"a.csv": "n\na\nb\n", "b.csv": "n\na\nb\n"})


def test_of_two_columns_of_one_name_neither_is_taken_for_the_other() -> None:
    mapping = read_mapping("tables: {people: [{file: a, fields: {name: b}}]}")
    assert mapping.apply({"a.csv": "b,c,c\nx,1,2\n"}).document == {"people": [{"name": "x"}]}
    with pytest.raises(MappingFault, match="has more than one column b"):
        mapping.apply({"a.csv": "b,c,b\nx,1,y\n"})


def test_a_document_of_nothing_but_faults_is_read_no_further_than_it_takes_to_see_that() -> None:
    _, faults = register_import.read({"people": [{}] * 50_000, "children": [0] * 50_000}, "kestrel")
    assert MOST_FAULTS <= len(faults) < MOST_FAULTS + 5


def test_of_faults_without_end_the_first_are_named() -> None:
    mapping = read_mapping("tables: {people: [{file: a, fields: {name: {column: n, values: {x: y}}}}]}")
    assert len(mapping.apply({"a.csv": MANY}).faults) == MOST_FAULTS


def test_a_file_of_more_columns_than_any_council_has_is_refused() -> None:
    mapping = read_mapping("tables: {people: [{file: a, fields: {name: c0}}]}")
    headings = [",".join(f"c{number}" for number in range(columns)) for columns in (500, 501)]
    assert mapping.apply({"a.csv": headings[0]}).faults == []
    with pytest.raises(MappingFault, match="has more than 500 columns"):
        mapping.apply({"a.csv": headings[1]})
