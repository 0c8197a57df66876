"""`python -m services check | explain | simulate`: what a social work manager types."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.command_line import app

STORY = Path(__file__).parents[2] / "scenarios" / "back.yaml"


def test_check_says_that_the_default_rules_hold() -> None:
    result = CliRunner().invoke(app, ["check"])
    assert (result.exit_code, "every path ends in a person" in result.output) == (0, True)


def test_check_fails_and_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("protocol: x\nversion: 1\nauthority: x\nrules:\n  - id: a\n    on: nothing\n")
    result = CliRunner().invoke(app, ["check", "--folder", str(tmp_path)])
    assert result.exit_code == 1
    assert "wrong.yaml:6: a: on.0: nothing is not known" in result.output


def test_check_says_how_many_files_it_read_and_of_which_authorities(tmp_path: Path) -> None:
    assert "--folder names where those lie" in CliRunner().invoke(app, ["check"]).output
    (tmp_path / "kestrel.yaml").write_text("protocol: k\nversion: 1\nauthority: kestrel\nrules: []\n")
    (tmp_path / "all.yaml").write_text("protocol: a\nversion: 1\nrules: []\n")
    (tmp_path / "README.md").touch()
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "kestrel.yaml").touch()
    result = CliRunner().invoke(app, ["check", "--folder", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert f"and 2 files in {tmp_path}, of every authority, kestrel\npassed over there: README.md\n" in result.output


@pytest.mark.parametrize("order", [["check"], ["explain", "child.reported-missing"]], ids=lambda order: order[0])
def test_a_folder_that_is_not_there_is_refused(order: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [*order, "--folder", str(tmp_path / "none")])
    assert result.exit_code != 0
    assert "there is no folder" in result.output
    assert "holds" not in result.output


@pytest.mark.parametrize("name", ["kestrel.yml", "kestrel.YAML", "kestrel/kestrel.yaml"])
def test_rules_that_are_not_read_are_named_and_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("rules: [")
    result = CliRunner().invoke(app, ["check", "--folder", str(tmp_path)])
    assert result.exit_code == 1
    assert f"{name} is not read" in result.output
    explained = CliRunner().invoke(app, ["explain", "child.reported-missing", "--folder", str(tmp_path)])
    assert f"{name} is not read" in explained.output


def test_a_folder_that_has_files_and_no_rules_is_taken_for_the_wrong_one(tmp_path: Path) -> None:
    empty = CliRunner().invoke(app, ["check", "--folder", str(tmp_path)])
    assert empty.exit_code == 0, "an authority may have no rules of its own"
    for number in range(25):
        (tmp_path / f"{number:02}.md").touch()
    result = CliRunner().invoke(app, ["check", "--folder", str(tmp_path)])
    assert result.exit_code == 1
    assert f"nothing in {tmp_path} is read: a protocol file's name ends in .yaml" in result.output
    assert "18.md, 19.md, and 5 more" in result.output
    assert "the protocol holds" not in result.output


def test_every_file_that_cannot_be_read_is_named_and_the_others_are_checked_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [")
    (tmp_path / "b.yaml").write_text("protocol: x\nrules: 5\n")
    (tmp_path / "c.yaml").write_bytes(b"\xff\xfe\xfa")
    (tmp_path / "d.yaml").write_text("protocol: \x01\nrules: []\n")
    (tmp_path / "e.yaml").write_text("protocol: x\nversion: 1\nauthority: x\nrules:\n  - id: a\n    on: nothing\n")
    (tmp_path / "f.yaml").symlink_to(tmp_path / "gone.yaml")
    result = CliRunner().invoke(app, ["check", "--folder", str(tmp_path)])
    assert result.exit_code == 1
    for place in ("a.yaml:1", "b.yaml:1", "c.yaml:1", "d.yaml:1", "e.yaml:6", "f.yaml:1"):
        assert f"{place}: " in result.output, result.output
    explained = CliRunner().invoke(app, ["explain", "child.reported-missing", "--folder", str(tmp_path)])
    assert [name for name in "abcdf" if f"{name}.yaml:1" not in explained.output] == []


def test_explain_speaks_and_draws() -> None:
    assert "duty.worker is told by text" in CliRunner().invoke(app, ["explain", "text.needs-human"]).output
    assert CliRunner().invoke(app, ["explain", "text.needs-human", "--svg"]).output.startswith("<svg ")
    assert CliRunner().invoke(app, ["explain", "nonsense"]).exit_code == 2


def test_simulate_tells_a_story() -> None:
    result = CliRunner().invoke(app, ["simulate", str(STORY)])
    assert "40m police.control-room webhook returned-notice" in result.output
    assert CliRunner().invoke(app, ["simulate", "no-such-story.yaml"]).exit_code == 2


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"story: x\nbegins: [\n", "story.yaml:3: did not find"),
        (b"- a\n", "story.yaml:1: a story has"),
        (b"", "story.yaml:1: a story has"),
        (b"\xff\xfe\xfa", "story.yaml:1: holds what is no text"),
        (b"story: \x01\n", "story.yaml:1: holds what is no text"),
        (b"story: x\nchild: 5\n", "the story cannot be read: "),
    ],
)
def test_a_story_that_cannot_be_read_is_refused_by_file_and_line(written: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "story.yaml").write_bytes(written)
    result = CliRunner().invoke(app, ["simulate", str(tmp_path / "story.yaml")])
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.output.replace("│", " ").split())
