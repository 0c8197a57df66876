"""Before a change is put in force: what it changes, and for whom."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.command_line import app
from services.handbook.stories.golden_stories import difference, rules_in
from services.protocol.loader import DEFAULT_RULES

OWN = """\
protocol: northshire
version: 2026.2
authority: northshire
rules:
  - id: read-text
    on: text.needs-human
    tell: duty.worker
    by: text
    message: needs-human
    otherwise:
      - { after: 5m, again: true }
      - { after: 20m, tell: duty.senior-manager, by: text, message: not-acknowledged }
      - { after: 30m, tell: duty.head-of-service, by: text, message: not-acknowledged, repeat: 30m }
    because: { cite: [S45, S62], kind: local, note: "five minutes more" }
"""
SILENT = """\
story: "Nobody reads it"
begins: 2026-11-24T18:00:00+00:00
answers: { duty.worker: silent, duty.senior-manager: silent, duty.head-of-service: { acknowledges: 1m } }
happens:
  - { at: 0m, event: text.needs-human, reason: not-understood }
told: []
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "stories").mkdir()
    (tmp_path / "rules" / "northshire.yaml").write_text(OWN)
    (tmp_path / "stories" / "nobody-reads-it.yaml").write_text(SILENT)
    return tmp_path


def test_it_says_which_rule_differs_in_what_and_who_is_told_later_in_which_story(folder: Path) -> None:
    said = difference(rules_in(DEFAULT_RULES), rules_in(folder / "rules"), "northshire", folder / "stories")
    assert "  read-text: otherwise was after 10 minutes again True; after 15 minutes tell duty.senior-manager" in said
    assert "Somebody is told otherwise in 1 of 1 stories." in said
    assert (
        "duty.senior-manager\n  is told later: not-acknowledged by text, at 20 minutes instead of 15 minutes  (nobody-reads-it)"
        in said
    )
    assert "duty.head-of-service" not in said.partition("Somebody")[2]


def test_for_another_authority_nothing_changes(folder: Path) -> None:
    same = difference(rules_in(DEFAULT_RULES), rules_in(folder / "rules"), "southshire", folder / "stories")
    assert same == "For southshire nothing changes.\n"


def test_a_rule_more_and_a_rule_less_name_who_is_told_now_and_no_longer(folder: Path) -> None:
    more = folder / "more"
    more.mkdir()
    (more / "northshire.yaml").write_text(
        OWN.replace("id: read-text", "id: read-it-too").replace("worker", "head-of-service")
    )
    library, with_more = rules_in(DEFAULT_RULES), rules_in(more)
    said = difference(library, with_more, "northshire", folder / "stories")
    assert "  read-it-too: new" in said
    assert "duty.head-of-service\n  is told now: needs-human by text, at the same moment" in said
    back = difference(with_more, library, "northshire", folder / "stories")
    assert "  read-it-too: gone" in back
    assert "is told no longer: needs-human by text" in back


def test_the_command_compares_two_places_and_refuses_what_holds_no_rules(folder: Path) -> None:
    run = CliRunner().invoke
    old, new = str(DEFAULT_RULES), str(folder / "rules")
    told = run(app, ["diff", old, new, "--authority", "northshire", "--stories", str(folder / "stories")])
    assert (told.exit_code, "at 20 minutes instead of 15 minutes" in told.output) == (0, True)
    assert run(app, ["diff", old, str(folder / "nowhere")]).exit_code == 2


def test_it_says_what_an_authority_gives_up_that_takes_a_carer_s_word(folder: Path) -> None:
    own = folder / "rules" / "northshire.yaml"
    own.write_text(OWN.replace("rules:", "stand-down: { by-text: word }\nrules:", 1))
    said = difference(rules_in(DEFAULT_RULES), rules_in(folder / "rules"), "northshire", folder / "stories")
    assert "  stand-down: by-text was code, is now word: " in said
    assert "gives up the code from the carer's own handset" in said
