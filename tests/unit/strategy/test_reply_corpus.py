"""Replies as real programs write them: each is read right, or is left to a person. None is taken for what it is not."""

from dataclasses import dataclass
from datetime import datetime

import pytest

from services.platform.delivery.inbound_mail.classifier import MailKind, read_mail
from services.strategy.discussions.policy import Reply
from services.strategy.web import read_answers
from tests.unit.strategy import mail_programs as by
from tests.unit.strategy.mail_programs import DELIVERY, DISCUSSION, LATER, NURSE


@dataclass(frozen=True)
class Case:
    name: str
    raw: bytes
    reply: Reply | None = None
    kind: MailKind = MailKind.PERSONAL
    envelope: str = NURSE
    sequence: int | None = 0
    proposes: str | None = None
    comment: str = ""
    delegated: bool = False


YES, NO, PERHAPS, OTHER = Reply.ACCEPTED, Reply.DECLINED, Reply.TENTATIVE, Reply.COUNTER
PROPOSED = f"DTSTART:{LATER}"
LONDON = "DTSTART;TZID=GMT Standard Time:20260701T153000"
ONE = by.gmail_calendar("ACCEPTED")
ANSWERS = [
    Case("Outlook accepts", by.outlook("ACCEPTED"), YES),
    Case("Outlook declines", by.outlook("DECLINED"), NO),
    Case("Outlook perhaps", by.outlook("TENTATIVE"), PERHAPS),
    Case("Outlook, after a move", by.outlook("ACCEPTED", sequence=2), YES, sequence=2),
    Case("Outlook with a note", by.outlook("DECLINED", "COMMENT:Ask Jane instead"), NO, comment="Ask Jane instead"),
    Case("Outlook proposes another time", by.outlook("TENTATIVE", PROPOSED, method="COUNTER"), OTHER, proposes="2026-11-25T09:30:00+00:00"),
    Case("Outlook proposes in its own zone, in summer", by.outlook("TENTATIVE", LONDON, method="COUNTER"), OTHER, proposes="2026-07-01T14:30:00+00:00"),
    Case("Outlook, method in small letters", by.outlook("ACCEPTED").replace(b"method=REPLY", b"method=reply"), YES),
    Case("Outlook, address in capitals", by.outlook("ACCEPTED", attendee="NURSE@KESTREL.EXAMPLE"), YES),
    Case("Exchange in winmail.dat", by.winmail(), None),
    Case("Exchange declines in winmail.dat", by.winmail("DECLINED"), None),
    Case("Gmail accepts", by.gmail("ACCEPTED"), YES),
    Case("Gmail declines", by.gmail("DECLINED"), NO),
    Case("Gmail perhaps", by.gmail("TENTATIVE"), PERHAPS),
    Case("Gmail with a note", by.gmail("DECLINED", params=';X-RESPONSE-COMMENT="In court all day"'), NO, comment="In court all day"),
    Case("Gmail proposes another time", by.gmail("TENTATIVE", method="COUNTER", starts=LATER), OTHER, proposes="2026-11-25T09:30:00+00:00"),
    Case("Gmail, bare line ends", by.gmail("ACCEPTED", end="\n"), YES),
    Case("Apple accepts", by.apple("ACCEPTED"), YES),
    Case("Apple declines", by.apple("DECLINED"), NO),
    Case("Apple perhaps", by.apple("TENTATIVE"), PERHAPS),
    Case("Apple with a note", by.apple("ACCEPTED", "COMMENT:Ten minutes late"), YES, comment="Ten minutes late"),
    Case("iPhone accepts", by.apple("ACCEPTED", ios=True), YES),
    Case("iPhone declines", by.apple("DECLINED", ios=True), NO),
    Case("Thunderbird accepts", by.thunderbird("ACCEPTED"), YES),
    Case("Thunderbird declines", by.thunderbird("DECLINED"), NO),
    Case("Thunderbird perhaps", by.thunderbird("TENTATIVE"), PERHAPS),
    Case("Thunderbird proposes", by.thunderbird("TENTATIVE", method="COUNTER", starts=LATER), OTHER, proposes="2026-11-25T09:30:00+00:00"),
    Case("Thunderbird proposes a time without its zone", by.thunderbird("TENTATIVE", method="COUNTER", starts="20261125T093000"), OTHER),
    Case("a charset that does not exist", by.thunderbird("ACCEPTED", charset="x-klingon"), YES),
    Case("delegated", by.thunderbird("DELEGATED"), NO, delegated=True),
    Case("no charset", by.bare(ONE, "text/calendar; method=REPLY"), YES),
    Case("no method in the calendar", by.bare(ONE.replace("METHOD:REPLY\r\n", ""), "text/calendar; method=Reply"), YES),
    Case("no sequence", by.bare(ONE.replace("SEQUENCE:0\r\n", "")), YES, sequence=None),
    Case("as an attachment of no kind", by.bare(ONE, 'application/octet-stream; name="meeting.ics"'), YES),
    Case("as plain text", by.bare(ONE, "text/plain; charset=utf-8"), YES),
    Case("in UTF-16", by.bare(by.coded(ONE, "utf-16"), "text/calendar; charset=utf-16", encoding="base64"), YES),
    Case("with a byte order mark", by.bare("\ufeff" + ONE), YES),
    Case("bytes that are not UTF-8", by.bare(ONE).replace(b"Ngozi", b"Ngoz\xed"), YES),
    Case("blank lines between", by.bare(ONE.replace("\r\n", "\r\n\r\n").replace("\r\n\r\n ", "\r\n ")), YES),
    Case("everyone is listed, one has answered", by.bare(ONE.replace("ATTENDEE", "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:police@north.example\r\nATTENDEE", 1)), YES),
    Case("a room that answers by itself", by.bare(ONE, "text/calendar; method=REPLY", "Auto-Submitted: auto-replied"), YES, kind=MailKind.AUTOMATIC),
    Case("asks for the invitation again", by.bare(ONE.replace("METHOD:REPLY", "METHOD:REFRESH"), "text/calendar; method=REFRESH"), None),
    Case("sends the invitation back", by.bare(ONE.replace("METHOD:REPLY", "METHOD:REQUEST"), "text/calendar; method=REQUEST"), None),
    Case("has not decided", by.bare(by.gmail_calendar("NEEDS-ACTION")), None),
    Case("a status that does not exist", by.bare(by.gmail_calendar("MAYBE-LATER")), None),
    Case("of somebody else's meeting", by.bare(ONE.replace(str(DISCUSSION), "040000008200E00074C5B7101A82E008")), None),
    Case("broken base64", by.bare("QkVHSU46VkNBTEVOREFS####", encoding="base64"), None),
    Case("cut off in the middle", by.bare(ONE[: len(ONE) // 2]), None),
    Case("no calendar at all in the part", by.bare("Yes, I am coming."), None),
]  # fmt: skip
OTHERS = [
    Case("words", by.words("Can somebody ring me?")),
    Case("Exchange, away", by.out_of_office("I am on annual leave until Monday 30 November."), kind=MailKind.AWAY),
    Case("Exchange, away, from nobody", by.out_of_office("I'm out of the office, returning on 1 December."), kind=MailKind.AWAY, envelope=""),
    Case("Gmail's vacation responder", by.words("I am away until 2 December.", "Precedence: bulk", "X-Autoreply: yes"), kind=MailKind.AWAY),
    Case("a unix vacation", by.words("I'm not in the office.", "Auto-Submitted: auto-replied (vacation)"), kind=MailKind.AWAY),
    Case("in Welsh", by.out_of_office("Rwyf ar wyliau tan ddydd Llun.", subject="Ateb awtomatig: Trafodaeth"), kind=MailKind.AWAY),
    Case("has left", by.out_of_office("Ngozi no longer works here. Please contact the duty desk."), kind=MailKind.AWAY),
    Case("unread mailbox", by.out_of_office("This mailbox is not monitored."), kind=MailKind.AWAY),
    Case("a shared mailbox's receipt", by.out_of_office("Thank you. We have received your message, and a member of the team will look at it."), kind=MailKind.AUTOMATIC),
    Case("a ticket system", by.words("Your request 8812 is logged.", "Auto-Submitted: auto-generated"), kind=MailKind.AUTOMATIC),
    Case("no such mailbox", by.report("delivery-status", by.status("failed", "5.1.1")), kind=MailKind.BOUNCED, envelope=""),
    Case("mailbox full for good", by.report("delivery-status", by.status("failed", "4.2.2")), kind=MailKind.BOUNCED, envelope=""),
    Case("delayed", by.report("delivery-status", by.status("delayed", "4.4.1")), kind=MailKind.NOTICE, envelope=""),
    Case("relayed", by.report("delivery-status", by.status("relayed", "2.0.0")), kind=MailKind.NOTICE, envelope=""),
    Case("a report that says nothing of any recipient", by.report("delivery-status", ""), kind=MailKind.BOUNCED, envelope=""),
    Case("displayed, says a receipt", by.report("disposition-notification", "Disposition: manual-action/MDN-sent-manually; displayed", sender=NURSE), kind=MailKind.NOTICE),
    Case("an old mail server's bounce", by.words(f"failure notice\r\n\r\n--- Below this line is a copy.\r\nMessage-ID: <{DELIVERY}@kestrel.example>", sender="MAILER-DAEMON@mx.north.example"), kind=MailKind.BOUNCED, envelope=""),
    Case("a bounce by Exim", by.words(f"A message that you sent could not be delivered. <{DELIVERY}@kestrel.example>", f"X-Failed-Recipients: {NURSE}"), kind=MailKind.BOUNCED, envelope=""),
]  # fmt: skip


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case.name)
def test_an_answer_is_read_right_or_left_to_a_person(case: Case) -> None:
    mail = read_mail(case.raw, case.envelope)
    answers = read_answers(mail)
    answered = answers[0] if answers else None
    assert len(answers) <= 1, "several answers are none"
    assert mail.kind is case.kind or answered is not None
    assert (None if answered is None else answered.reply) is case.reply
    if answered is None:
        assert mail.kind is MailKind.PERSONAL
        assert mail.words
        return
    assert (answered.discussion, answered.attendee, mail.sender) == (DISCUSSION, NURSE, NURSE)
    assert (answered.sequence, answered.comment, answered.delegated) == (case.sequence, case.comment, case.delegated)
    assert answered.proposes == (None if case.proposes is None else datetime.fromisoformat(case.proposes))


@pytest.mark.parametrize("case", OTHERS, ids=lambda case: case.name)
def test_what_is_no_answer_is_known_for_what_it_is(case: Case) -> None:
    mail = read_mail(case.raw, case.envelope)
    assert (mail.kind, read_answers(mail)) == (case.kind, ())
    if case.kind is MailKind.BOUNCED or (case.kind is MailKind.AWAY and b"In-Reply-To" in case.raw):
        assert mail.refers_to == DELIVERY


def test_there_are_enough_of_them_to_mean_something() -> None:
    assert len(ANSWERS) + len(OTHERS) >= 60
