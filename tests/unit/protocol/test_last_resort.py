"""A dead letter that could not be decided upon: the people on duty are told without a case."""

from datetime import UTC, datetime

from services.protocol.policy.last_resort import decide_without_case
from services.safeguarding.duty.duties import Duty

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)


def test_everybody_on_duty_has_a_text_once_and_it_cites() -> None:
    decision = decide_without_case("child-1", "letter-1", "northshire", NOW)
    again = decide_without_case("child-1", "letter-1", "northshire", NOW)
    other = decide_without_case("child-1", "letter-2", "northshire", NOW)
    assert decision.case.child == "child-1"
    assert [each.role for each in decision.duties] == ["duty.worker", "duty.senior-manager", "duty.head-of-service"]
    assert decision.duties == again.duties
    assert len({each.duty for each in (*decision.duties, *other.duties)}) == 6
    assert {_said(each) for each in decision.duties} == {
        (0, 1, "tell", "first", "northshire", "text", "dead-letter", "last-resort", "needs-human", ("S45",), NOW)
    }


def _said(duty: Duty) -> tuple[object, ...]:
    about = (duty.step, duty.revision, duty.act, duty.because, duty.authority, duty.channel, duty.wording)
    return (*about, duty.rule, duty.protocol, duty.cites, duty.created_at)
