"""One record of the ladders: any rule file may name one, and a name that nobody wrote is refused where it stands."""

from pathlib import Path

import pytest

from services.protocol import loader
from services.protocol.checks.check import check, faults_in
from services.protocol.loader import DEFAULT_RULES, LADDERS, LADDERS_FOR, Library, files, readable
from services.protocol.policy.rule_language.grammar import Step

OWN = """
protocol: north
version: 2026.1
authority: north
rules:
  - id: tell-duty-worker-missing
    on: child.reported-missing
    tell: duty.worker
    by: text
    message: missing-notice
    within: 1m
    otherwise: LADDER
    until: [child.returned, missing.retracted]
    because: { cite: [S13], kind: local, note: "Our managers are asked sooner." }
"""


def test_every_ladder_is_written_once_used_and_well_formed() -> None:
    read, _ = readable()
    used = {ladder for file in read for ladder in file.ladder_of.values()}

    assert sum(map(len, LADDERS_FOR.values())) == len(LADDERS), "a ladder stands under two headings"
    assert used == set(LADDERS)
    steps = [[Step.model_validate(step) for step in each] for each in LADDERS.values()]
    assert all(each[-1].repeat for each in steps)
    assert len({tuple(each) for each in steps}) == len(steps), "two ladders say the same"


@pytest.mark.parametrize("path", sorted(DEFAULT_RULES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_rule_can_be_copied_out_of_its_file(path: Path) -> None:
    """Every rule names a ladder, and no rule needs another to be read with it."""
    written = path.read_text().splitlines()

    assert not [line for line in written if line.strip().startswith("otherwise:") and line.strip().endswith(":")]
    assert not [line for line in written for word in line.partition(" #")[0].split() if word[0] in "&*"]


def test_an_authoritys_own_rule_takes_a_new_ladder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soon = [
        {"after": "5m", "tell": "duty.senior-manager", "by": "text", "message": "not-acknowledged", "repeat": "15m"}
    ]
    monkeypatch.setitem(loader.LADDERS, "manager-at-once", soon)
    (tmp_path / "north.yaml").write_text(OWN.replace("LADDER", "manager-at-once"))

    read = files(tmp_path)

    assert not [each for each in faults_in(read, "north") if "ladder" in str(each)]
    assert Library(read).current("north").by_id["tell-duty-worker-missing"].otherwise == (Step.model_validate(soon[0]),)


def test_a_ladder_that_nobody_wrote_is_refused_by_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "north.yaml").write_text(OWN.replace("LADDER", "duty-worker-twise"))

    (fault,) = check(tmp_path)

    assert str(fault) == (
        "north.yaml:12: tell-duty-worker-missing: there is no ladder duty-worker-twise; write duty-worker-twice"
    )
