"""What the exercise report asks: one duty for each way by which each service tells somebody, and nobody else's."""

from datetime import UTC, datetime

import pytest

from services.protocol.loader import SELF_TEST, Library, RulesFile, files
from services.protocol.policy.case import Facts
from services.protocol.simulate import Answers, Happening, Story, Timeline, tell
from services.safeguarding.roles import Channel, Role

AUTHORITY = "exercise-north"
BY_DAY = datetime(2026, 11, 24, 11, tzinfo=UTC)
BY_NIGHT = datetime(2026, 11, 24, 22, 15, tzinfo=UTC)


def round_at(begins: datetime, authority: str = AUTHORITY) -> Timeline:
    """A report and, four minutes later, its end, as casework publishes them."""
    story = Story(
        story="a round of the exercise report",
        begins=begins,
        child=Facts(
            authority=authority, host_authority=authority, force="exercise-force",
            placement="placement-00000000-0000-4000-8000-000000000001",
            carers=("person-00000000-0000-4000-8000-000000000001",),
        ),
        answers={Role.POLICE_CONTROL_ROOM: Answers.model_validate({"acknowledges": "2s"})},
        happens=[
            Happening.model_validate({"at": "0s", "event": "child.reported-missing", "exercise": True}),
            Happening.model_validate(
                {"at": "4m", "event": "report.retracted", "retracts": "missing", "proof": "agency", "exercise": True}
            ),
        ],
        told=[],
    )  # fmt: skip
    return tell(story, Library(files()))


def told(timeline: Timeline) -> list[tuple[str | None, str]]:
    return [(each.duty.rule, str(each.duty.channel)) for each in timeline.told if each.duty.act == "tell"]


def test_by_day_it_proves_every_channel() -> None:
    round_by_day = round_at(BY_DAY)
    assert sorted(told(round_by_day)) == sorted(
        [
            ("tell-police-missing", "webhook"),
            ("tell-duty-worker-missing", "text"),
            ("tell-social-worker-missing", "email"),
            ("tell-carers-missing", "text"),
            ("invite-police", "invitation"),
        ]
    )
    assert {channel for _, channel in told(round_by_day)} == set(Channel)
    assert round_by_day.ends()["episode"] == "retracted"


def test_by_night_no_mail_is_due() -> None:
    assert {channel for _, channel in told(round_at(BY_NIGHT))} == {"webhook", "text", "invitation"}


@pytest.mark.parametrize("begins", [BY_DAY, BY_NIGHT], ids=["by day", "by night"])
def test_it_asks_less_than_half_of_what_a_real_authoritys_report_asks(begins: datetime) -> None:
    asked, real = round_at(begins), round_at(begins, "kestrel")
    assert len(told(asked)) * 2 < len(told(real))
    assert len(asked.decided) * 2 < len(real.decided)


def test_every_rule_of_the_self_test_is_there() -> None:
    assert [rule.id for rule in Library(files()).current(AUTHORITY).rules if rule.id not in SELF_TEST] == []
    assert len(Library(files()).current(AUTHORITY).rules) == len(SELF_TEST)


def test_rules_of_its_own_are_added(tmp_path_factory: pytest.TempPathFactory) -> None:
    default = files()
    rule = next(rule for each in default for rule in each.rules if rule["id"] == "invite-health")
    folder = tmp_path_factory.mktemp("rules")
    own = RulesFile(folder / "own.yaml", "own", "1", AUTHORITY, [rule])
    ids = {each.id for each in Library([*default, own]).current(AUTHORITY).rules}
    assert ids == {*SELF_TEST, "invite-health"}
