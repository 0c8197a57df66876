"""`python -m services check | explain | simulate`: what a social work manager types."""

from pathlib import Path

from typer.testing import CliRunner

from services.__main__ import app

STORY = Path(__file__).parents[2] / "scenarios" / "back.yaml"


def test_check_says_that_the_default_rules_hold() -> None:
    result = CliRunner().invoke(app, ["check"])
    assert (result.exit_code, "every path ends in a person" in result.output) == (0, True)


def test_check_fails_and_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("protocol: x\nversion: 1\nauthority: x\nrules:\n  - id: a\n    on: nothing\n")
    result = CliRunner().invoke(app, ["check", "--folder", str(tmp_path)])
    assert result.exit_code == 1
    assert "wrong.yaml:6: a: on.0: nothing is not known" in result.output


def test_explain_speaks_and_draws() -> None:
    assert "duty.worker is told by text" in CliRunner().invoke(app, ["explain", "text.needs-human"]).output
    assert CliRunner().invoke(app, ["explain", "text.needs-human", "--chart"]).output.startswith("flowchart LR")
    assert CliRunner().invoke(app, ["explain", "text.needs-human", "--svg"]).output.startswith("<svg ")
    assert CliRunner().invoke(app, ["explain", "nonsense"]).exit_code == 2


def test_simulate_tells_a_story() -> None:
    result = CliRunner().invoke(app, ["simulate", str(STORY)])
    assert "40m police.control-room webhook returned-notice" in result.output
    assert CliRunner().invoke(app, ["simulate", "no-such-story.yaml"]).exit_code == 2
