"""The sandbox's relay says whose a mail is, as the services' own reader understands it."""

from infra.sandbox.authentication import AUTHSERV_ID, HEADER, stamped
from services.platform.delivery.inbound_mail.classifier import read_mail

NURSE = "nurse@kestrel.example"


def authenticated(sender: str, *headers: str, author: str = NURSE, end: str = "\r\n") -> bool:
    raw = end.join((*headers, f"From: Ngozi Nurse <{author}>", "Subject: Re: yours", "", "Yes")).encode()
    handed_over = stamped(raw, sender)
    assert handed_over.endswith(raw[raw.index(b"From:") :])
    return read_mail(handed_over, sender, AUTHSERV_ID).authenticated


def test_whoever_mails_from_their_own_mailbox_is_vouched_for() -> None:
    assert authenticated(NURSE)
    assert authenticated(NURSE.upper(), end="\n")


def test_another_s_name_and_nobody_s_mail_are_not() -> None:
    assert not authenticated("mallory@elsewhere.example")
    assert not authenticated("")
    assert not authenticated(NURSE, author="police@north.example")


def test_what_came_in_the_relay_s_own_name_is_taken_away() -> None:
    claimed = f"{HEADER.upper()}: {AUTHSERV_ID};\r\n dmarc=pass header.from=kestrel.example"
    raw = f"{claimed}\r\nX-Other: kept\r\nFrom: {NURSE}\r\n\r\n{claimed}".encode()
    handed_over = stamped(raw, "mallory@elsewhere.example")
    head, _, body = handed_over.partition(b"\r\n\r\n")
    assert head.count(AUTHSERV_ID.encode()) == 1
    assert b"X-Other: kept" in head
    assert body == claimed.encode()
