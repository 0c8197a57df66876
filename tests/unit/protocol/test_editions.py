"""One authority's rules are its own: a faulty file keeps that authority's last good rules, and stops nobody."""

import os
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from services.protocol.editions.choice import GONE, OUTGROWN, Choice, Kept, RulesInForce, choose
from services.protocol.editions.edition import (
    UNKNOWN,
    Adoption,
    Edition,
    adoption_of,
    edition_of,
    find_editions,
    signature,
)
from services.protocol.loader import DEFAULT, RulesFile, files

TODAY = date(2026, 11, 26)
DAY = timedelta(days=1)
OWN = """\
protocol: {whose}
version: 2026.2
authority: {whose}
rules:
  - id: {rule}
    on: child.luring-suspected
    tell: duty.worker
    by: text
    message: needs-human
    otherwise:
      - {{ after: 15m, tell: duty.senior-manager, by: text, message: not-acknowledged }}
      - {{ after: 30m, tell: duty.head-of-service, by: text, message: not-acknowledged, repeat: 30m }}
    because: {{ cite: [S57], kind: local, note: "for a test" }}
"""
GOOD, BETTER = (OWN.format(whose="kestrel", rule=rule) for rule in ("a-rule", "a-better-rule"))
BAD = BETTER.replace("tell: duty.worker", "tell: duty.wroker")
BROKEN = "authority: kestrel\nrules: ["
NEIGHBOUR = OWN.format(whose="lapwing", rule="a-neighbour-s-rule")
EVERYBODYS = (
    OWN.format(whose="all", rule="a-rule-of-all")
    .replace("authority: all\n", "")
    .replace("child.luring-suspected", "police.closed")
)


@pytest.fixture(scope="module")
def shipped() -> Sequence[RulesFile]:
    return files()


class Folder:
    """The folder of the authorities' files, and what was taken up from it so far."""

    def __init__(self, path: Path, shipped: Sequence[RulesFile]) -> None:
        self.path, self.shipped = path, shipped
        self.kept: dict[str, list[Kept]] = {}

    def choose(self, today: date = TODAY, **written: str | None) -> Choice:
        """After these files were written, or removed; what is new is kept, as the service does."""
        for name, text in written.items():
            path = self.path / f"{name}.yaml"
            path.unlink(missing_ok=True) if text is None else path.write_text(text)
        known = [each.edition for editions in self.kept.values() for each in editions]
        choice = choose(self.shipped, find_editions(self.path, known), self.kept, today)
        for whose, edition in choice.new.items():
            kept = self.kept.setdefault(whose, [])
            adoption = adoption_of(edition.read(), today)
            kept.append(Kept(len(kept) + 1, edition.hash, edition, adoption.effective_from))
        return choice


@pytest.fixture
def folder(tmp_path: Path, shipped: Sequence[RulesFile]) -> Folder:
    return Folder(tmp_path, shipped)


def own_rules(choice: Choice, authority: str, on: date = TODAY) -> set[str]:
    """Rules that the default does not have."""
    rules = RulesInForce()
    rules.put(choice)
    default = {name for each in files() for name in each.lines}
    return {rule.id for rule in rules.library(authority, on).current(authority, on).rules} - default


# What is new and sound.


def test_new_rules_are_taken_up_and_are_no_other_authority_s(folder: Folder) -> None:
    choice = folder.choose(kestrel=GOOD, lapwing=NEIGHBOUR)
    assert own_rules(choice, "kestrel") == {"a-rule"}
    assert own_rules(choice, "lapwing") == {"a-neighbour-s-rule"}
    assert own_rules(choice, "elsewhere") == set()
    assert (sorted(choice.new), choice.faults) == (["kestrel", "lapwing"], {})


def test_what_has_not_changed_is_not_taken_up_again(folder: Folder) -> None:
    folder.choose(kestrel=GOOD)
    choice = folder.choose(lapwing=NEIGHBOUR)
    assert list(choice.new) == ["lapwing"]
    assert own_rules(choice, "kestrel") == {"a-rule"}


def test_rules_of_everybody_hold_for_each_authority(folder: Folder) -> None:
    choice = folder.choose(kestrel=GOOD, everybody=EVERYBODYS)
    assert own_rules(choice, "kestrel") == {"a-rule", "a-rule-of-all"}
    assert own_rules(choice, "elsewhere") == {"a-rule-of-all"}
    assert sorted(choice.new) == [DEFAULT, "kestrel"]


# What is at fault.


@pytest.mark.parametrize("fault", [BAD, BROKEN, "authority: kestrel\nrules: 5\n", "\x01", ""], ids=range(5))
def test_a_faulty_file_keeps_its_authority_s_last_good_rules_and_stops_nobody(folder: Folder, fault: str) -> None:
    folder.choose(kestrel=GOOD)
    choice = folder.choose(kestrel=fault, lapwing=NEIGHBOUR)
    assert own_rules(choice, "kestrel") == {"a-rule"}
    assert own_rules(choice, "lapwing") == {"a-neighbour-s-rule"}
    assert list(choice.faults) == ["kestrel"]
    assert list(choice.new) == ["lapwing"]
    assert own_rules(folder.choose(kestrel=BETTER), "kestrel") == {"a-better-rule"}


def test_what_is_wrong_is_said_with_its_line(folder: Folder) -> None:
    assert "kestrel.yaml:7: a-better-rule: tell: duty.wroker is not known; write duty.worker" in str(
        folder.choose(kestrel=BAD).faults["kestrel"]
    )


def test_one_faulty_file_of_two_keeps_both_as_they_were(folder: Folder) -> None:
    second = OWN.format(whose="kestrel", rule="a-second-rule").replace("child.luring-suspected", "police.closed")
    folder.choose(kestrel=GOOD, more=second)
    choice = folder.choose(kestrel=BETTER, more=second.replace("by: text", "by: txet"))
    assert own_rules(choice, "kestrel") == {"a-rule", "a-second-rule"}


def test_without_good_rules_of_its_own_an_authority_goes_by_the_default(folder: Folder) -> None:
    choice = folder.choose(kestrel=BAD)
    assert (own_rules(choice, "kestrel"), list(choice.faults)) == (set(), ["kestrel"])


def test_a_file_that_nobody_can_place_is_a_fault_and_changes_nobody_s_rules(folder: Folder) -> None:
    folder.choose(kestrel=GOOD)
    choice = folder.choose(riddle="rules: [")
    assert (own_rules(choice, "kestrel"), list(choice.faults)) == ({"a-rule"}, [UNKNOWN])


@pytest.mark.parametrize("line", ["authority: kestrel", 'authority: "kestrel"  # ours', "authority:   'kestrel'"])
def test_a_file_that_cannot_be_read_is_its_whose_line_it_has(folder: Folder, line: str) -> None:
    assert list(folder.choose(new=f"{line}\nrules: [").faults) == ["kestrel"]


def test_a_file_that_is_no_text_at_all_is_its_whose_it_was(folder: Folder) -> None:
    folder.choose(kestrel=GOOD)
    (folder.path / "kestrel.yaml").write_bytes(b"\xff\xfe\xfa")
    choice = folder.choose()
    assert "holds what is no text" in choice.faults["kestrel"][0]
    (folder.path / "kestrel.yaml").unlink()
    (folder.path / "kestrel.yaml").symlink_to(folder.path / "gone")
    assert "No such file" in folder.choose().faults["kestrel"][0]


def test_faulty_rules_of_everybody_leave_everybody_s_last_good_ones_and_each_authority_s_own(folder: Folder) -> None:
    folder.choose(everybody=EVERYBODYS)
    choice = folder.choose(everybody=EVERYBODYS.replace("S57", "S99"), kestrel=GOOD)
    assert own_rules(choice, "kestrel") == {"a-rule", "a-rule-of-all"}
    assert list(choice.faults) == [DEFAULT]


def test_what_cannot_even_be_checked_is_a_fault_of_its_own(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(read: Sequence[RulesFile], _only: str | None) -> list[str]:
        if any(each.authority == "kestrel" for each in read):
            raise RecursionError
        return []

    monkeypatch.setattr("services.protocol.editions.choice.faults_in", fails)
    choice = folder.choose(kestrel=GOOD, lapwing=NEIGHBOUR)
    assert choice.faults["kestrel"] == ("the files cannot be checked: RecursionError at fails",)
    assert own_rules(choice, "lapwing") == {"a-neighbour-s-rule"}


ODD = [
    "[]",
    "rules: [{}]",
    "rules: [{id: {a: b}}]",
    "rules: [{id: a, because: 5}]",
    "rules: [{id: a, otherwise: 5}]",
    "5: 6",
    "? [a]\n: b",
]


@pytest.mark.parametrize("odd", ODD)
def test_whatever_a_file_holds_the_others_go_on(folder: Folder, odd: str) -> None:
    folder.choose(kestrel=GOOD)
    choice = folder.choose(kestrel=f"authority: kestrel\nversion: 1\n{odd}\n", lapwing=NEIGHBOUR)
    assert own_rules(choice, "kestrel") == {"a-rule"}
    assert own_rules(choice, "lapwing") == {"a-neighbour-s-rule"}


def test_files_that_are_gone_are_a_fault_and_their_rules_stay(folder: Folder) -> None:
    folder.choose(kestrel=GOOD)
    choice = folder.choose(kestrel=None)
    assert (own_rules(choice, "kestrel"), choice.faults) == ({"a-rule"}, {"kestrel": (GONE,)})
    folder.path.rename(folder.path.with_name("moved"))
    assert own_rules(folder.choose(), "kestrel") == {"a-rule"}


def test_rules_are_withdrawn_by_a_file_that_says_so(folder: Folder) -> None:
    folder.choose(kestrel=GOOD)
    choice = folder.choose(kestrel="protocol: k\nversion: 3\nauthority: kestrel\nrules: []\n")
    assert (own_rules(choice, "kestrel"), choice.faults, list(choice.new)) == (set(), {}, ["kestrel"])
    assert folder.choose(kestrel=None).faults == {}, "what says nothing may go"


@pytest.mark.parametrize("name", ["kestrel.yml", "more/kestrel.yaml"])
def test_a_file_that_is_not_read_is_a_fault_and_keeps_no_other_from_being_read(folder: Folder, name: str) -> None:
    (folder.path / name).parent.mkdir(exist_ok=True)
    (folder.path / name).write_text(BETTER)
    choice = folder.choose(kestrel=GOOD)
    assert own_rules(choice, "kestrel") == {"a-rule"}
    assert f"{name} is not read" in choice.faults["kestrel"][0]


def test_good_rules_that_a_new_version_does_not_know_any_more_are_left_out_and_said(folder: Folder) -> None:
    old = Edition("kestrel", (("kestrel.yaml", BAD),))
    folder.kept["kestrel"] = [Kept(1, old.hash, old, TODAY)]
    choice = folder.choose(kestrel=BAD)
    assert OUTGROWN in choice.faults["kestrel"]
    assert own_rules(choice, "kestrel") == set()


# Since when.


def adopted(text: str, since: date) -> str:
    return text.replace("rules:", f"adopted: {{ by: The director, from: {since} }}\nrules:", 1)


def test_rules_that_are_adopted_for_a_later_day_leave_those_before_them_in_force_until_then(folder: Folder) -> None:
    folder.choose(kestrel=GOOD)
    later = TODAY + 5 * DAY
    for choice in (folder.choose(kestrel=adopted(BETTER, later)), folder.choose()):
        assert own_rules(choice, "kestrel", later - DAY) == {"a-rule"}
        assert own_rules(choice, "kestrel", later) == {"a-better-rule"}


def test_rules_that_are_adopted_at_once_take_the_place_of_those_that_were_to_come(folder: Folder) -> None:
    folder.choose(kestrel=adopted(BETTER, TODAY + 5 * DAY))
    choice = folder.choose(kestrel=GOOD)
    assert own_rules(choice, "kestrel", TODAY) == {"a-rule"}
    assert own_rules(choice, "kestrel", TODAY + 5 * DAY) == {"a-rule"}


def test_rules_of_everybody_have_their_day_too(folder: Folder) -> None:
    choice = folder.choose(kestrel=GOOD, everybody=adopted(EVERYBODYS, TODAY + DAY))
    assert own_rules(choice, "kestrel", TODAY) == {"a-rule"}
    assert own_rules(choice, "kestrel", TODAY + DAY) == {"a-rule", "a-rule-of-all"}


def test_an_edition_says_who_adopted_it_and_from_when() -> None:
    both = (("a", adopted(GOOD, TODAY + DAY)), ("b", adopted(BETTER, TODAY + 2 * DAY)))
    assert adoption_of(Edition("kestrel", both).read(), TODAY) == Adoption("The director", TODAY + DAY)
    assert adoption_of(Edition("kestrel", (("a", GOOD),)).read(), TODAY) == Adoption(None, TODAY)


def test_an_edition_is_the_same_after_it_was_kept_and_another_with_any_other_letter() -> None:
    edition = Edition("kestrel", (("b", BETTER), ("a", GOOD)))
    assert edition_of("kestrel", edition.written).hash == edition.hash
    assert Edition("kestrel", edition.files[::-1]).hash == edition.hash
    assert Edition("kestrel", (("b", BETTER), ("a", GOOD + "#"))).hash != edition.hash


async def test_nothing_is_decided_before_the_first_rules_are_in_force() -> None:
    rules = RulesInForce()
    with pytest.raises(RuntimeError, match="no rules are in force yet"):
        rules.library("kestrel", TODAY)
    rules.put(Choice(RulesInForce(files())._choice.everybody))  # type: ignore[union-attr]
    await rules.ready()
    assert rules.library("kestrel", TODAY).current("kestrel", TODAY).authority == "kestrel"


# The look.


def test_a_look_sees_each_change_and_reads_no_file(tmp_path: Path) -> None:
    assert signature(None) == signature(tmp_path) == signature(tmp_path / "none") == ()
    path = tmp_path / "kestrel.yaml"
    seen = {signature(tmp_path)}
    for change in (
        lambda: path.write_text("a"),
        lambda: path.write_text("ab"),
        lambda: os.utime(path, ns=(1, 1)),
        (tmp_path / "more.yml").touch,
        path.unlink,
        lambda: path.symlink_to(tmp_path / "gone"),
    ):
        change()
        assert signature(tmp_path) not in seen
        assert signature(tmp_path) == signature(tmp_path)
        seen.add(signature(tmp_path))
