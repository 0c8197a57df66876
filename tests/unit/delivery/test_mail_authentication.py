"""What our relay says of a mail's sender, and what others say in its name: only what is beyond doubt vouches for anybody."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as any_

from services.platform.delivery.inbound_mail.classifier import HEADER_AT_MOST, is_authenticated, read_mail

RELAY, NURSE = "mx.kestrel.example", "nurse@kestrel.example"
PASS = f"{RELAY}; dmarc=pass header.from=kestrel.example"
VOUCHES = {
    "DMARC": PASS,
    "OpenDMARC": f"{RELAY};\r\n\tdmarc=pass (p=reject dis=none) header.from=kestrel.example",
    "SPF of the whole address": f"{RELAY}; spf=pass (sender IP is 192.0.2.1) smtp.mailfrom={NURSE}",
    "SPF of the domain": f"{RELAY}; spf=pass smtp.mailfrom=kestrel.example; dmarc=none header.from=kestrel.example",
    "SPF of an address with an equals sign": f"{RELAY}; spf=pass smtp.mailfrom=bounce+a=b@kestrel.example",
    "DKIM by its domain": f'{RELAY}; dkim=pass header.d=kestrel.example header.s=one header.b="a/b+c="',
    "DKIM by its identity": f"{RELAY}; dkim=pass (2048-bit key) header.i=@kestrel.example header.b=aB/c",
    "the second of two signatures": f"{RELAY}; dkim=pass header.d=list.example; dkim=pass header.d=kestrel.example",
    "Google": f"{RELAY};\r\n       dkim=pass header.i=@kestrel.example header.s=s1 header.b=Ab3+d/9x;\r\n       arc=pass (i=1 spf=pass spfdomain=kestrel.example dmarc=fail);\r\n       spf=pass (google.com: domain of {NURSE} designates 192.0.2.1 as permitted sender) smtp.mailfrom={NURSE};\r\n       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=kestrel.example",
    "Microsoft's words behind a relay's name": f"{RELAY}; spf=fail (sender IP is 192.0.2.1) smtp.mailfrom=x.example; dkim=pass (signature was verified) header.d=kestrel.example;dmarc=pass action=none header.from=kestrel.example;compauth=pass reason=100",
    "in capitals, with versions": "MX.Kestrel.Example 1; DMARC/1 = PASS header.from=KESTREL.example",
    "the relay's name quoted": f'"{RELAY}"; dmarc=pass header.from=kestrel.example',
    "a comment before everything": f"(checked (here \\) too)) {RELAY} (a;b); dmarc=pass (x=y) header.from=kestrel.example",
    "a last semicolon": f"{PASS};",
}
DOES_NOT = {
    "attack 5": f"{RELAY}; spf=fail smtp.mailfrom={NURSE}; dmarc=none header.from=kestrel.example",
    "nothing was checked": f"{RELAY}; none",
    "a failure": f"{RELAY}; dmarc=fail header.from=kestrel.example",
    "DMARC failed, and SPF passed": f"{RELAY}; spf=pass smtp.mailfrom=kestrel.example; dmarc=fail header.from=kestrel.example",
    "DMARC of another domain": f"{RELAY}; dmarc=pass header.from=elsewhere.example",
    "DMARC of nobody": f"{RELAY}; dmarc=pass",
    "a guess": f"{RELAY}; dmarc=bestguesspass header.from=kestrel.example",
    "SPF of another domain": f"{RELAY}; spf=pass smtp.mailfrom=elsewhere.example; dmarc=none header.from=kestrel.example",
    "SPF of a greeting": f"{RELAY}; spf=pass smtp.helo=kestrel.example",
    "SPF of a longer domain": f"{RELAY}; spf=pass smtp.mailfrom=x@evil-kestrel.example",
    "SPF of a part of it": f"{RELAY}; spf=pass smtp.mailfrom=x@evil.kestrel.example",
    "SPF of what it is a part of": f"{RELAY}; spf=pass smtp.mailfrom=example",
    "SPF of a quoted name that holds ours": f'{RELAY}; spf=pass smtp.mailfrom="x@kestrel.example"@elsewhere.example',
    "SPF of a quoted name that ends nowhere": f'{RELAY}; spf=pass smtp.mailfrom="x\\"@kestrel.example',
    "softly": f"{RELAY}; spf=softfail smtp.mailfrom=kestrel.example",
    "DKIM of another domain": f"{RELAY}; dkim=pass header.d=elsewhere.example header.i=@kestrel.example",
    "a method that says nothing of the sender": f"{RELAY}; auth=pass smtp.auth={NURSE}; arc=pass header.from=kestrel.example",
    "the same said twice": f"{RELAY}; dmarc=pass header.from=elsewhere.example header.from=kestrel.example",
    "within a comment": f"{RELAY}; dmarc=none (x; dmarc=pass header.from=kestrel.example) header.from=kestrel.example",
    "within a comment within one": f"{RELAY}; spf=none (a (b) ; dmarc=pass header.from=kestrel.example)",
    "a comment that an escaped end does not end": f"{RELAY}; spf=none (a \\) ; dmarc=pass header.from=kestrel.example)",
    "a comment that does not end": f"{PASS} (",
    "within a quotation": f'{RELAY}; dmarc=none reason="x; dmarc=pass header.from=kestrel.example"',
    "within a quotation with an escape": f'{RELAY}; dmarc=none reason="\\"; dmarc=pass header.from=kestrel.example"',
    "a quotation that does not end": f'{PASS}; spf=none reason="',
    "a name that the relay did not quote": f"{RELAY}; spf=none smtp.mailfrom=x y; dmarc=pass header.from=kestrel.example",
    "a clause that is none": f"{RELAY}; hotmail.example; dmarc=pass header.from=kestrel.example",
    "a format of the future": f"{RELAY} 2; dmarc=pass header.from=kestrel.example",
    "Microsoft's, which names nobody": "spf=pass smtp.mailfrom=kestrel.example; dmarc=pass header.from=kestrel.example",
    "another relay's": "mx.elsewhere.example; dmarc=pass header.from=kestrel.example",
    "a relay whose name holds ours": f"evil-{PASS}",
    "ours in a comment": f"({RELAY}) mx.elsewhere.example; dmarc=pass header.from=kestrel.example",
    "ours in an encoded word": f"=?utf-8?q?{RELAY}?=; dmarc=pass header.from=kestrel.example",
    "as long as a header is read": f"{PASS}; dkim=none reason={'x' * HEADER_AT_MOST}",
    "an empty one": "",
    "the name alone": RELAY,
}


def mail(*headers: str, sender: str = f"Nurse <{NURSE}>") -> bytes:
    return "\r\n".join((*headers, f"From: {sender}", "Subject: Re: yours", "", "Yes")).encode()


def authenticated(*results: str, **about: str) -> bool:
    raw = mail(*(f"Authentication-Results: {each}" for each in results), **about)
    return read_mail(raw, NURSE, RELAY).authenticated


@pytest.mark.parametrize("results", VOUCHES.values(), ids=VOUCHES)
def test_what_the_relay_found_vouches_for_the_sender(results: str) -> None:
    assert authenticated(results)


@pytest.mark.parametrize("results", DOES_NOT.values(), ids=DOES_NOT)
def test_whatever_else_a_header_says_vouches_for_nobody(results: str) -> None:
    assert not authenticated(results)


def test_a_mail_that_no_relay_has_looked_at_is_nobody_s() -> None:
    assert not authenticated()


def test_the_relay_s_own_word_is_the_topmost_and_others_say_nothing() -> None:
    fails, others = f"{RELAY}; dmarc=fail header.from=kestrel.example", DOES_NOT["another relay's"]
    assert authenticated(others, PASS, fails)
    assert not authenticated(others, fails, PASS)
    assert not authenticated(f"{RELAY}; (", PASS), "one that is broken is the relay's all the same"


@pytest.mark.parametrize(
    "sender",
    [
        "nurse@elsewhere.example",
        f"x@elsewhere.example, {NURSE}",
        f"{NURSE}, x@elsewhere.example",
        f'"{NURSE}" <x@elsewhere.example>',
        f"=?utf-8?q?{NURSE.replace('@', '=40')}=2C?= <x@elsewhere.example>",
        f"{NURSE}\r\nFrom: x@elsewhere.example",
        f"x@elsewhere.example\r\nfrom: {NURSE}",
        "kestrel.example",
        "",
    ],
)
def test_a_sender_who_is_not_the_one_that_was_checked_is_not_vouched_for(sender: str) -> None:
    assert not authenticated(PASS, sender=sender)


@pytest.mark.parametrize("relay", ["", "mx.kestrel.example.evil.example"])
def test_without_the_relay_s_name_nobody_is_believed(relay: str) -> None:
    for each in (PASS, "; dmarc=pass header.from=kestrel.example", '""; dmarc=pass header.from=kestrel.example'):
        assert not is_authenticated([each], relay=relay, sender=NURSE)


@given(any_.text(max_size=200))
def test_nothing_breaks_it_and_nothing_after_it_unsays_a_failure(text: str) -> None:
    assert not is_authenticated([f"{RELAY}; dmarc=fail header.from=kestrel.example; {text}"], relay=RELAY, sender=NURSE)
    is_authenticated([text, PASS + text], relay=RELAY, sender=NURSE)


@pytest.mark.parametrize("piece", ["(", "a=b ", '"', "\\", ";", " ", "a", "(a)", "a=", '"a"@', "\u2028"])
def test_no_header_is_read_for_long(piece: str) -> None:
    long = f"{RELAY}; {piece * HEADER_AT_MOST}"[: HEADER_AT_MOST - 1]
    began = time.process_time()
    for _ in range(20):
        is_authenticated([long], relay=RELAY, sender=NURSE)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        (("In-Reply-To: {a}",), "a"),
        (("References: {a} {b}",), "ab"),
        (("In-Reply-To: {b}", "References: {a} {b}"), "ba"),
        (("In-Reply-To: <x@y.example>", "References: {b} <x@y.example>"), "b"),
        (("Subject: {a}",), ""),
    ],
)
def test_a_mail_names_every_mail_of_ours_that_it_answers(headers: tuple[str, ...], named: str) -> None:
    ours = {each: f"0a1b2c3d-0000-5000-8000-00000000000{each}" for each in "ab"}
    ids = {each: f"<{name}@kestrel.example>" for each, name in ours.items()}
    read = read_mail(mail(*(each.format(**ids) for each in headers)), NURSE)
    found = () if read.refers_to is None else (read.refers_to, *read.also_named)
    assert [str(each) for each in found] == [ours[each] for each in named]
