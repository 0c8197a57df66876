"""`check` on `meets`: said by every invitation to a discussion and by nothing else, the same by all, no later than the guidance's default."""

from pathlib import Path

import pytest

from services.handbook.phrases import meets
from services.protocol.checks.check import check
from services.protocol.checks.downgrade import weaker
from services.protocol.loader import DEFAULT, Library, files
from tests.support.histories.meetings import IN_FULL

MEETS = "{ form: urgent, day: 60m, night: 45m, lasts: 45m, warn: 15m, answer: 20m, unless: [retracted] }"
OFFICIALS = f"""\
protocol: northshire
version: 2026.2
authority: northshire
rules:
  - id: invite-immigration-officials
    on: [child.reported-missing, police.graded-high, return.retracted, child.lost-again]
    when:
      all: [child.subject-to-immigration-control, time.working-hours, strategy-discussion.called-by-now]
      none: [strategy-discussion.over, strategy-discussion.called-here]
    unknown: counts-as-no
    tell: home-office.missing-desk
    by: invitation
    message: strategy-discussion
    meets: {MEETS}
    within: 5m
    otherwise:
      - {{ after: 10m, tell: home-office.missing-desk, by: invitation }}
      - {{ after: 20m, tell: duty.worker, by: text, message: strategy-not-answered }}
      - {{ after: 45m, tell: duty.senior-manager, by: text, message: strategy-not-answered }}
      - {{ after: 4h, tell: duty.head-of-service, by: text, message: not-acknowledged, repeat: 24h }}
    until: [strategy-discussion.held, strategy-discussion.cancelled-urgent, child.returned, missing.retracted]
    because: {{ cite: [S36], kind: guidance, note: "for a test" }}
"""


def findings(tmp_path: Path, written: str) -> list[str]:
    (tmp_path / "northshire.yaml").write_text(written)
    return [str(each) for each in check(tmp_path) if each.file is not None and each.file.name == "northshire.yaml"]


def test_the_default_s_own_times_are_accepted(tmp_path: Path) -> None:
    assert findings(tmp_path, OFFICIALS) == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ("", "says when it `meets`"),
        (MEETS.replace("60m", "an hour"), "no length of time"),
        (MEETS.replace("60m", "15m"), "30 minutes"),
        (MEETS.replace("urgent", "soon"), "does not match any of the expected tags"),
        (MEETS.replace("[retracted]", "[missing]"), "'returned', 'closed' or 'retracted'"),
        (MEETS.replace("60m", "40m"), "invites to the same discussion at another time"),
        (MEETS.replace("60m", "90m"), "meets within 90 minutes by day, not 1 hour"),
        (MEETS.replace("45m, lasts", "50m, lasts"), "meets within 50 minutes by night, not 45 minutes"),
        (MEETS.replace("[retracted]", "[retracted, returned]"), "called off sooner"),
    ],
    ids=["missing", "no length", "no notice", "no form", "no state", "differs", "later by day", "later by night", "off sooner"],
)  # fmt: skip
def test_what_is_wrong_with_a_time_is_said(tmp_path: Path, changed: str, says: str) -> None:
    written = OFFICIALS.replace(f"    meets: {MEETS}\n", f"    meets: {changed}\n" if changed else "")
    assert any(says in each for each in findings(tmp_path, written)), findings(tmp_path, written)


def test_only_an_invitation_says_when_a_discussion_meets(tmp_path: Path) -> None:
    written = OFFICIALS.replace(
        "by: invitation\n    message: strategy-discussion", "by: email\n    message: missing-notice"
    )
    assert any("nothing else does" in each for each in findings(tmp_path, written))


def test_the_full_meeting_is_no_later_than_the_default_without_a_name_and_reasons(tmp_path: Path) -> None:
    later = IN_FULL.model_copy(update={"latest": 7})
    rule = Library(files()).current(DEFAULT).by_id["invite-immigration-officials-in-full"]
    assert [says for says, _ in weaker(rule, rule.model_copy(update={"meets": later}))] == [
        "it asks less than the default: the full meeting may be on working day 7"
    ]


def test_a_person_reads_when_a_discussion_is_held() -> None:
    rules = Library(files()).current(DEFAULT).by_id
    assert "within 1 hour in working hours and within 45 minutes at night" in meets(rules["invite-police"])
    assert "at 10:00 on working day 3 after the urgent one, 5 at the latest" in meets(rules["invite-police-in-full"])
    assert meets(rules["tell-police-missing"]) == ""
