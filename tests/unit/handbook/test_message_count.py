"""What each reader of a story is sent, what of it is needless, and the budget that the shipped rules keep."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from services.command_line import app
from services.handbook.stories import golden_stories
from services.handbook.stories.golden_stories import (
    ESCALATES,
    budget_faults,
    budgeted_stories,
    count_messages,
    over_budget,
)
from services.protocol.loader import Library, files, read_rules
from services.protocol.simulate import Answers, Timeline, simulate, story_of, tell
from services.safeguarding.duty.duties import Because

RULES = """
protocol: small
version: 2026.1
closing: [police-closed]
rules:
  - id: worker
    on: child.reported-missing
    tell: duty.worker
    by: text
    message: missing-notice
    otherwise:
      - { after: 5m, again: true }
      - { after: 90m, tell: duty.senior-manager, by: text, message: not-acknowledged, repeat: 2h }
    because: { cite: [S13], kind: default, note: n }
  - id: guardian
    on: child.reported-missing
    tell: child.guardian
    by: email
    message: missing-notice
    otherwise:
      - { after: 2h, tell: duty.senior-manager, by: text, message: missing-notice, repeat: 24h }
    because: { cite: [S13], kind: default, note: n }
"""
STORY = {
    "story": "small",
    "begins": "2026-11-24T18:00:00+00:00",
    "happens": [{"at": "0m", "event": "child.reported-missing"}],
    "until": "3h",
    "most": {"duty.worker": 1, "child.guardian": 1, "duty.senior-manager text": 0, "child.guardian text": 0},
}


@pytest.fixture
def small(tmp_path: Path) -> Library:
    place = tmp_path / "small.yaml"
    place.write_text(RULES)
    return Library([read_rules(place)])


def _counted(timeline: Timeline) -> dict[str, tuple[list[str], list[str]]]:
    return {
        str(each.role): ([str(one) for one in each.sent], [str(one) for one in each.needless])
        for each in count_messages(timeline)
    }


@pytest.mark.parametrize(
    ("worker", "needless"),
    [
        ("6m", {"duty.worker": ["5m duty.worker text missing-notice"],
                "duty.senior-manager": ["2h duty.senior-manager text missing-notice"]}),
        ("100m", {"duty.worker": ["5m duty.worker text missing-notice"],
                  "duty.senior-manager": ["2h duty.senior-manager text missing-notice"]}),
        (None, {"duty.worker": ["5m duty.worker text missing-notice"], "duty.senior-manager": []}),
    ],
)  # fmt: skip
def test_needless_is_what_was_said_within_the_hour_and_what_somebody_on_duty_had_answered(
    small: Library, worker: str | None, needless: dict[str, list[str]]
) -> None:
    story = story_of({**STORY, "answers": {"duty.worker": {"acknowledges": worker} if worker else "silent"}})
    found = _counted(tell(story, small))
    assert {role: found[role][1] for role in needless} == needless
    assert len(found["duty.senior-manager"][0]) == (1 if worker == "6m" else 2)


def test_who_gets_more_than_the_budget_is_named_with_the_channel(small: Library) -> None:
    story = story_of({**STORY, "answers": {"duty.worker": {"acknowledges": "6m"}}})
    assert list(over_budget(story, count_messages(tell(story, small)))) == [
        ("duty.worker", 2, 1),
        ("duty.senior-manager text", 1, 0),
    ]


def test_check_refuses_rules_that_send_more_than_the_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert budget_faults() == []
    tight = tmp_path / "budget.yaml"
    tight.write_text(
        golden_stories.BUDGET.read_text().replace("  most:\n", "  most:\n    police.control-room webhook: 1\n")
    )
    monkeypatch.setattr(golden_stories, "BUDGET", tight)
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 1
    assert (
        "police.control-room webhook gets 5 messages in 'One ordinary absence of six hours, by night'" in result.output
    )


def test_the_command_counts_for_each_reader() -> None:
    story = Path(__file__).parents[2] / "scenarios" / "everyone" / "health-does-not-answer.yaml"
    result = CliRunner().invoke(app, ["simulate", str(story), "--count"])
    assert result.output == "\n".join(map(str, count_messages(simulate(story)))) + "\n"
    assert "  duty.worker: " in result.output


LIBRARY = Library(files())
ANSWERS = st.sampled_from(
    [Answers(), *(Answers.model_validate({"acknowledges": each}) for each in ("1m", "20m", "3h"))]
)


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_however_people_answer_nobody_gets_more_than_the_budget_unless_an_escalation_came_to_them(
    data: st.DataObject,
) -> None:
    for story in budgeted_stories():
        answers = {role: data.draw(ANSWERS) for role in sorted(story.answers)}
        counts = count_messages(tell(story.model_copy(update={"answers": answers}), LIBRARY))
        drawn_in = {count.role for count in counts if count.sent[0].duty.because in ESCALATES}
        for count in counts:
            count.sent = [each for each in count.sent if each.duty.because not in ESCALATES | {Because.AGAIN}]
        over = {reader.partition(" ")[0] for reader, _, _ in over_budget(story, counts)}
        assert over <= drawn_in, story.story
