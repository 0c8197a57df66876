"""A social work manager asks who would be told."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from services.command_line import app
from services.handbook.charts.chart import draw, explain, follow
from services.protocol.loader import Library, files
from services.protocol.policy.rule_language.vocabulary import Trigger


def test_the_answer_says_who_when_why_and_what_ends_it() -> None:
    said = explain("child.reported-missing.v1", "northshire")
    assert "tell-police-missing: police.control-room is told by webhook (missing-notice)." in said
    assert "After 1 minute, if their system has not taken it: duty.worker by text (police-not-reached)." in said
    assert "After 60 minutes" not in said, "an hour is an hour"
    assert "and again every 30 minutes until somebody answers" in said
    assert (
        "It ends when they answer or are rung or on police.reference-given or on child.returned or on missing.retracted;"
        in said
    )
    assert "; an answer in their place lets it rest for 20 minutes." in said
    assert "(S13, S57; default; missing-from-care 2026.1; missing.yaml:" in said


def test_the_answer_follows_what_a_duty_sets_off() -> None:
    said = explain("child.reported-missing", "northshire")
    assert "When the duty of tell-police-missing is accepted:" in said
    assert "24 hours after it happened, duty.senior-manager is told by text (still-missing)" in said


def test_the_answer_names_what_a_return_ends() -> None:
    ended = explain("child.returned", "northshire").splitlines()[-1]
    assert ended.startswith("It ends the duties of: ")
    assert "tell-police-missing" in ended
    assert "safe-and-well-check-outstanding" not in ended


def test_an_unknown_event_is_refused_with_the_nearest_or_all_known() -> None:
    with pytest.raises(ValueError, match=r"did you mean child\.reported-missing\?"):
        explain("child.report-missing", "northshire")
    with pytest.raises(ValueError, match=r"child\.abducted sets nothing off"):
        explain("child.abducted", "northshire")


def test_an_authority_that_no_file_is_of_is_refused_with_the_known(tmp_path: Path) -> None:
    (tmp_path / "northshire.yaml").write_text(OWN)
    asked = ["explain", "text.needs-human", "--folder", str(tmp_path), "--authority"]
    for form in ([], ["--svg"]):
        refused = CliRunner().invoke(app, [*asked, "nothshire", *form])
        assert (refused.exit_code, "default, northshire" in " ".join(refused.output.split())) == (2, True)
        assert CliRunner().invoke(app, [*asked, "northshire", *form]).exit_code == 0
    assert CliRunner().invoke(app, ["explain", "text.needs-human"]).exit_code == 0


def test_an_event_that_may_turn_out_to_be_several_things_is_explained_as_each() -> None:
    said = explain("asylum.decision-recorded.v1", "northshire")
    headings = [line.split(",")[0] for line in said.splitlines() if "(protocol " in line]
    assert headings == ["When decision refused", "When decision UASC leave", "When watch opened"]
    assert "It opens a watch: see below." in said


def test_a_rule_that_comes_before_a_date_says_which_and_how_long_before() -> None:
    said = explain("leave.granted", "northshire")
    assert (
        "leave-expiring: 183 days, 90 days, 28 days, 14 days, 7 days, 1 day before leave expires, child.social-worker"
        in said
    )
    assert "leave-expired: 1 day after leave expires, duty.worker" in said


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
      - { after: 45m, tell: duty.head-of-service, by: text, message: not-acknowledged, repeat: 30m }
    because: { cite: [S45], kind: local, note: "one person fewer here" }
    approved: { by: the director, reasons: a pilot }
"""


def test_an_authority_s_own_rule_shows_in_the_merged_protocol_with_where_each_part_came_from(tmp_path: Path) -> None:
    (tmp_path / "northshire.yaml").write_text(OWN)
    said = explain("text.needs-human", "northshire", Library(files(tmp_path)))
    assert "After 45 minutes" in said
    assert "After 15 minutes" not in said
    assert "northshire 2026.2; northshire.yaml:5, in place of needs-human.yaml:6)" in said
    assert "Asks less than the default: approved by the director, because a pilot." in said
    assert "After 45 minutes" not in explain("text.needs-human", "southshire", Library(files(tmp_path)))


def test_the_drawing_stands_alone_and_has_a_box_for_each_telling() -> None:
    library = Library(files())
    drawing = draw("child.reported-missing", library, "northshire")
    drawn = ET.fromstring(drawing)  # noqa: S314 our own drawing
    boxes = [each for each in drawn.iter("{http://www.w3.org/2000/svg}rect") if each.get("rx") == "7"]
    protocol = library.current("northshire")
    rules = [rule for rule, _ in follow(protocol.on(Trigger.CHILD_REPORTED_MISSING), protocol)]
    assert len(boxes) == sum(1 + len(rule.otherwise) for rule in rules)
    assert "http" not in drawing.replace("http://www.w3.org/2000/svg", "")
