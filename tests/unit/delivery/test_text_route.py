"""What becomes of a text that neither way takes."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest
from twilio.base.exceptions import TwilioRestException

from services.options.second_text_way.notify import _read_answer
from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import SendRequest, SendResult
from services.platform.delivery.channels.sms import _read_refusal
from services.platform.delivery.channels.text_ways import Texts, WayHealth
from services.platform.delivery.model import WayName
from services.safeguarding.duty.decisions import AttemptResult

NOT_BY_TEXT = SendResult(AttemptResult.REFUSED, 1, "undeliverable", by_voice=True)
NO_NUMBER = SendResult(AttemptResult.REFUSED, 2, "no-address")
LATER, TAKEN, LOST = (SendResult(AttemptResult[each]) for each in ("RETRY", "ACCEPTED", "UNKNOWN"))
RUNG = SendResult(AttemptResult.ACCEPTED, medium="voice")
NOW = datetime(2026, 11, 27, tzinfo=UTC)


@dataclass
class PlayedWay:
    way: WayName
    answer: SendResult
    number: str = ""
    asked: list[SendRequest] = field(default_factory=list)

    async def text(self, sending: SendRequest, _: str | None) -> SendResult:
        self.asked.append(sending)
        return self.answer

    async def ring(self, _: SendRequest) -> SendResult:
        return RUNG


@pytest.mark.parametrize(
    ("first", "second", "urgent", "to_stranger", "answer"),
    [
        (NOT_BY_TEXT, TAKEN, True, False, TAKEN),
        (NOT_BY_TEXT, NOT_BY_TEXT, True, False, RUNG),
        (NOT_BY_TEXT, LATER, True, False, RUNG),
        (LATER, NOT_BY_TEXT, True, False, RUNG),
        (NOT_BY_TEXT, NOT_BY_TEXT, False, False, NOT_BY_TEXT),
        (NOT_BY_TEXT, NOT_BY_TEXT, True, True, NOT_BY_TEXT),
        (NOT_BY_TEXT, LATER, False, False, LATER),
        (LATER, LATER, True, False, LATER),
        (LATER, LOST, True, False, LOST),
        (LATER, NO_NUMBER, True, False, NO_NUMBER),
    ],
)
async def test_it_is_rung_if_urgent_and_else_tried_again_where_one_way_may_take_it_later(
    first: SendResult, second: SendResult, urgent: bool, to_stranger: bool, answer: SendResult
) -> None:
    twilio, notify = PlayedWay("twilio", first), PlayedWay("notify", second)
    asked: dict[str, Any] = {"urgent": urgent, "to_stranger": to_stranger, "uncertain": False}
    sending = SendRequest(uuid4(), 1, "+447700900101", "x", (), created_at=NOW, now=NOW, **asked)
    found = await Texts(cast("Any", twilio), notify).send(sending)  # type: ignore[arg-type]
    assert (found, found.medium) == (answer, answer.medium)
    assert [each.id for each in (*twilio.asked, *notify.asked)] == [sending.id] * 2


@pytest.mark.parametrize("answer", [TAKEN, LOST, NO_NUMBER])
async def test_what_the_first_way_has_or_may_have_or_refused_for_its_recipient_is_not_asked_of_the_second(
    answer: SendResult,
) -> None:
    notify = PlayedWay("notify", TAKEN)
    sending = SendRequest(uuid4(), 1, "+447700900101", "x", (), urgent=True, uncertain=False, created_at=NOW, now=NOW)
    assert await Texts(cast("Any", PlayedWay("twilio", answer)), notify).send(sending) == answer  # type: ignore[arg-type]
    assert notify.asked == []


class WithoutTheirNumber(PlayedWay):
    """Has its own number, and no authority's."""

    async def text(self, sending: SendRequest, sender: str | None) -> SendResult:
        taken = await super().text(sending, sender)
        return taken if sender is None else SendResult(AttemptResult.REFUSED, 400, "undeliverable", by_voice=True,
                                                       not_by_sender=True)  # fmt: skip


@pytest.mark.parametrize("fails", [False, True])
async def test_a_text_goes_out_by_the_usual_number_where_the_provider_lacks_the_authority_s_own(fails: bool) -> None:
    health = WayHealth()
    health._numbers = [
        SimpleNamespace(authority="kestrel", way="twilio", number="+447700900510", sender=None),
        SimpleNamespace(authority="kestrel", way="notify", number="x", sender="y"),
    ]
    twilio = PlayedWay("twilio", LATER) if fails else WithoutTheirNumber("twilio", TAKEN)
    notify = WithoutTheirNumber("notify", TAKEN)
    sending = SendRequest(uuid4(), 1, "+447700900101", "x", (), urgent=True, uncertain=False, created_at=NOW, now=NOW,
                          authority="kestrel")  # fmt: skip
    found = await Texts(cast("Any", twilio), notify, health=health).send(sending)  # type: ignore[arg-type]
    assert (found, found.way) == (TAKEN, "notify" if fails else "twilio")


@pytest.mark.parametrize("code", [21606, 21659, 21660])
def test_twilio_says_that_a_number_is_not_the_account_s(code: int) -> None:
    answer = _read_refusal(TwilioRestException(400, "", code=code))
    assert (answer.result, answer.not_by_sender) == (AttemptResult.RETRY, True)
    assert not _read_refusal(TwilioRestException(400, "", code=21614)).not_by_sender


def test_notify_says_that_a_sender_is_another_service_s() -> None:
    said = {"error": "BadRequestError", "message": "sms_sender_id y does not exist in database for service id z"}
    before = metrics.OPERATOR.labels("text")._value.get()
    answer = _read_answer(400, {"errors": [said]})
    assert (answer.result, answer.not_by_sender) == (AttemptResult.REFUSED, True)
    assert metrics.OPERATOR.labels("text")._value.get() == before, "no setting mends it"
