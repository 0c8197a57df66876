"""Sources, rules and the law's numbers have their days: what holds depends on the day for which it is asked."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from services.protocol.checks.check import check, warnings
from services.protocol.law.law import (
    CHECKED_WITHIN,
    FIRST_DAY,
    NoValue,
    Source,
    Sources,
    Value,
    Values,
    day_of,
    holds,
    overlap,
    shipped,
    turning_days,
)
from services.protocol.loader import Library, files, read_rules
from services.protocol.policy.rule_language.grammar import Rule
from services.protocol.simulate import read_story, tell

DAY = timedelta(days=1)
MARCH = date(2027, 3, 1)
TODAY = date(2026, 11, 26)
STORY = Path(__file__).parents[2] / "scenarios" / "appeal-time-runs-from-sending.yaml"
OWN = """\
protocol: northshire
version: 2026.2
authority: northshire
rules:
  - id: tell-somebody
    on: child.luring-suspected
    tell: duty.worker
    by: text
    message: needs-human
    otherwise:
      - { after: 15m, tell: duty.senior-manager, by: text, message: not-acknowledged }
      - { after: 30m, tell: duty.head-of-service, by: text, message: not-acknowledged, repeat: 30m }
    because: { cite: [S57], kind: local, note: "for a test" }
"""
OURS = "{ id: NSHIRE-RMFHC-2026, title: Missing from care, edition: 'Northshire, 2026', kind: local, checked-on: 2026-09-01 }"


def library(tmp_path: Path, written: str) -> Library:
    (tmp_path / "own.yaml").write_text(written)
    return Library([*files(), read_rules(tmp_path / "own.yaml")])


def findings(tmp_path: Path, written: str) -> list[str]:
    (tmp_path / "own.yaml").write_text(written)
    return [str(each) for each in check(tmp_path)]


def values(*rows: dict[str, object]) -> Values:
    return Values(tuple(Value.model_validate({"cite": ["S74"]} | row) for row in rows))


# Days.


@pytest.mark.parametrize(
    ("period", "on", "so"),
    [
        ((None, None), MARCH, True),
        ((MARCH, None), MARCH - DAY, False),
        ((MARCH, None), MARCH, True),
        ((None, MARCH), MARCH, True),
        ((None, MARCH), MARCH + DAY, False),
    ],
)
def test_the_first_and_the_last_day_are_included(period: tuple[date | None, date | None], on: date, so: bool) -> None:
    assert holds(period, on) is so


def test_two_periods_that_share_a_day_overlap() -> None:
    assert overlap((None, MARCH), (MARCH, None))
    assert not overlap((None, MARCH), (MARCH + DAY, None))
    assert overlap((None, None), (MARCH, MARCH))


def test_something_turns_on_the_first_day_and_on_the_day_after_the_last() -> None:
    assert turning_days([(MARCH, None), (None, MARCH), (MARCH, None)]) == (FIRST_DAY, MARCH, MARCH + DAY)


@pytest.mark.parametrize("written", ["soon", "2027-02-30", 5])
def test_what_is_no_day_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="is no day"):
        day_of(written)


# The law's numbers.


def test_a_number_is_the_one_of_the_day() -> None:
    law = values({"id": "x", "is": "14d", "to": MARCH - DAY}, {"id": "x", "is": "28d", "from": MARCH})
    rule = {"period": {"value": "x", "less": "7d"}, "otherwise": [{"after": {"value": "x"}}]}
    assert law.resolved(rule, MARCH - DAY) == {"period": "7d", "otherwise": [{"after": "14d"}]}
    assert law.resolved(rule, MARCH) == {"period": "21d", "otherwise": [{"after": "28d"}]}
    assert rule["period"] == {"value": "x", "less": "7d"}, "what was written stays"


@pytest.mark.parametrize(
    ("amount", "less", "reckoned"),
    [("15wd", None, 15), ("15wd", "5wd", 10), ("5y", None, "60mo"), ("30mo", "1mo", "29mo"), ("14d", "14d", "0d")],
)
def test_a_number_is_written_as_the_grammar_reads_it(amount: str, less: str | None, reckoned: object) -> None:
    reference = {"value": "x"} | ({} if less is None else {"less": less})
    assert values({"id": "x", "is": amount}).resolved(reference, MARCH) == reckoned


@pytest.mark.parametrize("less", ["15d", "1h", "soon"])
def test_what_cannot_be_taken_from_a_number_is_refused(less: str) -> None:
    with pytest.raises(ValueError, match=r"taken from|no amount"):
        values({"id": "x", "is": "14d"}).resolved({"value": "x", "less": less}, MARCH)


def test_a_number_that_is_to_be_confirmed_holds_on_no_day() -> None:
    law = values({"id": "x", "is": "14d", "state": "to-be-confirmed"})
    assert law.is_off("x")
    assert not law.is_off("y"), "what nobody knows is no number that waits"
    with pytest.raises(NoValue):
        law.resolved({"value": "x"}, MARCH)


def test_a_rule_has_the_number_of_the_day_on_which_it_is_set_off(tmp_path: Path) -> None:
    rules = library(
        tmp_path,
        "protocol: law\nversion: 1\nrules: []\nvalues:\n"
        "  - { id: appeal-time, is: 14d, cite: [RTR], to: 2026-11-30 }\n"
        "  - { id: appeal-time, is: 28d, cite: [RTR], from: 2026-12-01 }\n",
    )
    days = (date(2026, 11, 30), date(2026, 12, 1))
    counted = [rules.current("x", on).by_id["appeal-time-at-7-days"].before for on in days]
    assert [each and each.after and each.after.written for each in counted] == ["14d", "28d"]
    assert rules.current("x", date(2026, 11, 1)) is rules.current("x", date(2026, 11, 30)), "merged once an era"


def test_a_child_whose_decision_came_under_the_old_time_keeps_it_when_the_law_changes(tmp_path: Path) -> None:
    changed = library(
        tmp_path,
        "protocol: law\nversion: 1\nrules: []\nvalues:\n"
        "  - { id: appeal-time, is: 14d, cite: [RTR], to: 2026-11-24 }\n"
        "  - { id: appeal-time, is: 28d, cite: [RTR], from: 2026-11-25 }\n",
    )
    story = read_story(STORY)
    reminders = [str(each) for each in tell(story, changed).told if each.duty.wording == "appeal-time-running"]
    assert reminders == [line for line in story.told if "appeal-time" in line]
    later = story.model_copy(update={"begins": story.begins + DAY})
    assert [str(each) for each in tell(later, changed).told if each.duty.wording == "appeal-time-running"] == []


# Rules.

DATED = OWN.replace("    on: child.l", "    from: 2027-03-01\n    to: 2027-03-31\n    on: child.l")


def test_a_rule_holds_from_its_first_to_its_last_day(tmp_path: Path) -> None:
    rules = library(tmp_path, DATED)
    days = (MARCH - DAY, MARCH, date(2027, 3, 31), date(2027, 4, 1))
    assert ["tell-somebody" in rules.current("northshire", on).by_id for on in days] == [False, True, True, False]
    assert "tell-somebody" not in rules.current("elsewhere", MARCH).by_id


def test_an_authority_s_rule_takes_the_place_of_the_default_only_on_its_days(tmp_path: Path) -> None:
    rules = library(tmp_path, DATED.replace("id: tell-somebody", "id: luring-suspected"))
    notes = [rules.current("northshire", on).by_id["luring-suspected"].because.note for on in (MARCH - DAY, MARCH)]
    assert notes == ["A person speaks with the carer at once.", "for a test"]


def test_a_whole_file_holds_from_the_day_on_which_it_is_adopted(tmp_path: Path) -> None:
    rules = library(
        tmp_path,
        OWN.replace("rules:", "closing: [police-closed]\nadopted: { by: The director, from: 2027-03-01 }\nrules:", 1),
    )
    before, after = (rules.current("northshire", on) for on in (MARCH - DAY, MARCH))
    assert ("tell-somebody" in before.by_id, "tell-somebody" in after.by_id) == (False, True)
    assert (len(before.closing), len(after.closing)) == (3, 1)
    assert after.by_id["tell-somebody"].since == MARCH


def test_a_rule_that_is_to_be_confirmed_is_off(tmp_path: Path) -> None:
    rules = library(tmp_path, OWN.replace("    on: child.l", "    state: to-be-confirmed\n    on: child.l"))
    assert "tell-somebody" not in rules.current("northshire", MARCH).by_id
    assert findings(tmp_path, (tmp_path / "own.yaml").read_text()) == []


def test_the_authority_s_own_rule_has_the_last_word_whatever_the_files_are_called(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(OWN.replace("for a test", "its own"))
    (tmp_path / "b.yaml").write_text(OWN.replace("authority: northshire\n", ""))
    rules = Library(files(tmp_path))
    assert rules.current("northshire", MARCH).by_id["tell-somebody"].because.note == "its own"
    assert rules.origins("northshire")["tell-somebody"].file == "a.yaml"


def test_two_versions_of_a_rule_follow_each_other_and_may_not_meet(tmp_path: Path) -> None:
    rule = OWN[OWN.index("  - id:") :]
    later = rule.replace("    on: child.l", "    from: 2027-04-01\n    on: child.l")
    assert findings(tmp_path, DATED + later) == []
    assert any("two rules have this id" in each for each in findings(tmp_path, DATED + later.replace("04-01", "03-31")))


def test_a_rule_ends_no_sooner_than_it_begins() -> None:
    with pytest.raises(ValueError, match="no earlier than `from`"):
        Rule.model_validate(
            {"id": "x", "on": "child.presented", "tell": "duty.worker", "by": "text", "message": "needs-human"}
            | {"because": {"cite": ["S57"], "kind": "local", "note": "x"}, "protocol": "p"}
            | {"from": "2027-03-02", "to": "2027-03-01"}
        )


@pytest.mark.parametrize(
    ("written", "instead", "says"),
    [
        ("    on: child.l", "    from: soon\n    on: child.l", "from: Input should be a valid date"),
        ("    on: child.l", "    form: 2027-03-01\n    on: child.l", "form: is no word of a rule; write from"),
        ("    tell: duty.w", "    period: { value: apeal-time }\n    tell: duty.w", "no value apeal-time; write appeal-time"),
        ("    tell: duty.w", "    period: { value: appeal-time, less: 15d }\n    tell: duty.w", "cannot be taken from 14d"),
        ("    tell: duty.w", "    workdays: { value: appeal-time }\n    tell: duty.w", "workdays: "),
        (
            "    tell: duty.w", "    workdays: { value: transfer-workdays }\n    tell: duty.w",
            "no value transfer-workdays holds on 1900-01-01",
        ),
        ("rules:", "adopted: the director\nrules:", "adopted: { by: ..., from: 2026-12-01 }"),
        ("rules:", "adopted: { by: The director, from: soon }\nrules:", "adopted: { by: ..., from: 2026-12-01 }"),
        ("rules:", "sources: [NSHIRE]\nrules:", "sources is a list, each beginning with `id`"),
        ("rules:", f"sources: [{OURS.replace('title: Missing from care, ', '')}]\nrules:", "title: Field required"),
        ("rules:", f"sources: [{OURS.replace('kind: local', 'kind: guidance')}]\nrules:", "is an authority's own"),
        ("rules:", f"sources: [{OURS.replace('NSHIRE-RMFHC-2026', 'WT')}]\nrules:", "source WT is one of everybody's"),
        ("rules:", "values: [{ id: appeal-time, is: 99d, cite: [S74] }]\nrules:", "the same for every authority"),
        ("rules:", "values: [{ id: appeal-time, is: long, cite: [S74] }]\nrules:", "value appeal-time: is: "),
        ("authority: northshire", "authority: North Shire", "North Shire is no authority's id"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_days_sources_and_numbers_is_said(
    tmp_path: Path, written: str, instead: str, says: str
) -> None:
    assert written in OWN
    found = findings(tmp_path, OWN.replace(written, instead, 1))
    assert any(says in each for each in found), found


def test_two_numbers_of_everybody_on_one_day_are_refused(tmp_path: Path) -> None:
    two = "[{ id: x, is: 1d, cite: [S74], to: 2027-03-01 }, { id: x, is: 2d, cite: [S74], from: 2027-03-01 }]"
    found = findings(tmp_path, f"protocol: law\nversion: 1\nvalues: {two}\nrules: []\n")
    assert any("value x is both 1d and 2d on some days" in each for each in found)


def test_a_rule_that_waits_for_a_number_to_be_confirmed_is_no_fault(tmp_path: Path) -> None:
    unread = "protocol: law\nversion: 1\nrules: []\nvalues: [{ id: not-read, is: 30d, cite: [S57], state: to-be-confirmed }]\n"
    (tmp_path / "law.yaml").write_text(unread)
    waits = OWN.replace(
        "    tell: duty.w", "    before: { date: event.day, by: [{ value: not-read }] }\n    tell: duty.w"
    )
    assert findings(tmp_path, waits) == []
    assert "tell-somebody" not in library(tmp_path, waits).current("northshire", MARCH).by_id


# Sources.


def test_an_authority_cites_its_own_source_and_no_other_authority_s(tmp_path: Path) -> None:
    own = OWN.replace("cite: [S57]", "cite: [NSHIRE-RMFHC-2026]")
    assert any("neither a paragraph" in each for each in findings(tmp_path, own))
    with_source = own.replace("rules:", f"sources: [{OURS}]\nrules:", 1)
    assert findings(tmp_path, with_source) == []
    (tmp_path / "other.yaml").write_text(own.replace("northshire", "westmere"))
    assert any(each.startswith("other.yaml:5") for each in findings(tmp_path, with_source))


def test_an_authority_s_paragraphs_are_cited_by_their_pattern(tmp_path: Path) -> None:
    with_pattern = OURS.replace("kind: local", "kind: local, pattern: 'N-[0-9]+'")
    own = OWN.replace("rules:", f"sources: [{with_pattern}]\nrules:", 1)
    assert findings(tmp_path, own.replace("cite: [S57]", "cite: [N-12]")) == []
    assert any("neither a paragraph" in each for each in findings(tmp_path, own.replace("cite: [S57]", "cite: [N-x]")))


def test_an_authority_s_own_source_is_no_guidance(tmp_path: Path) -> None:
    own = OWN.replace("rules:", f"sources: [{OURS}]\nrules:", 1)
    claims = own.replace("cite: [S57], kind: local", "cite: [NSHIRE-RMFHC-2026], kind: guidance")
    assert any("claims guidance and cites no paragraph" in each for each in findings(tmp_path, claims))


def source(**about: object) -> Sources:
    return Sources((Source.model_validate({"id": "X", "title": "x", "edition": "2026"} | about),))


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({"checked-on": TODAY}, []),
        ({"checked-on": TODAY - CHECKED_WITHIN}, []),
        ({"checked-on": TODAY - CHECKED_WITHIN - DAY}, ["last checked 181 days ago"]),
        ({}, ["was never checked"]),
        ({"checked-on": TODAY, "replaced-by": "Y"}, ["is replaced by Y; compare"]),
        ({"checked-on": TODAY, "to": TODAY - DAY}, [f"is not in force on {TODAY}"]),
        ({"checked-on": TODAY, "from": TODAY}, []),
        ({"checked-on": TODAY, "state": "to-be-confirmed"}, ["still to be confirmed"]),
    ],
)
def test_a_source_that_may_be_out_of_date_is_doubted(about: dict[str, object], says: list[str]) -> None:
    found = list(source(**about).doubts(["X"], TODAY))
    assert len(found) == len(says)
    assert all(part in each for part, each in zip(says, found, strict=True))
    assert list(source(**about).doubts(["Z"], TODAY)) == [], "a text that nobody cites is no matter"


def test_check_warns_of_what_is_out_of_date_and_passes_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN)
    assert check(tmp_path) == []
    now, later = (warnings(tmp_path, on) for on in (TODAY, TODAY + CHECKED_WITHIN))
    assert [each for each in now if "checked" in each] == []
    assert any(each.startswith("DfE-2017-03 (DfE, March 2017) is replaced by DfE-2017-11") for each in now)
    assert any("own.yaml does not say who adopted it" in each for each in now)
    assert any(each.startswith("WT (DfE, 2023) was last checked") for each in later)


def test_no_shipped_rule_goes_by_a_text_that_nobody_has_read() -> None:
    law, rules = shipped(), Library(files()).current("x", TODAY).rules
    cited = [law.sources.of(cite) for rule in rules for cite in rule.because.cite]
    assert {each.state for each in cited if each is not None} == {"found"}
    used = {value.id: law.sources.of(cite) for value in law.values.all for cite in value.cite if value.state == "found"}
    assert {each.state for each in used.values() if each is not None} == {"found"}
    assert None not in used.values()


def test_our_text_is_the_one_of_march_2017() -> None:
    guidance = shipped().sources.of("S36")
    assert guidance is not None
    assert (guidance.edition, guidance.kind) == ("DfE, March 2017", "guidance")
    assert [shipped().sources.of(cite) for cite in ("S0", "S80", "S036", "XS36")] == [None] * 4
