"""A link opens the one page it was made for, until it expires, and says nothing."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.platform.delivery.links import ANSWERED_FOR, GOOD_FOR, LinkExpired, Links, NotALink, Purpose
from services.protocol.loader import Library, files

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)
LINKS = Links(b64encode(b"k" * 32).decode(), "https://returns.kestrel.example/")
OTHER = Links(b64encode(b"o" * 32).decode(), "https://returns.kestrel.example/")


def token_of(url: str) -> str:
    return url.rpartition("/")[2]


def test_a_link_leads_back_to_its_delivery() -> None:
    delivery = uuid4()
    url = LINKS.url(Purpose.ACKNOWLEDGE, delivery, NOW)
    assert url.startswith("https://returns.kestrel.example/acknowledge/")
    assert LINKS.read(Purpose.ACKNOWLEDGE, token_of(url), NOW + timedelta(days=1)) == delivery


def test_a_link_for_one_page_does_not_open_another() -> None:
    token = token_of(LINKS.url(Purpose.ACKNOWLEDGE, uuid4(), NOW))
    with pytest.raises(NotALink):
        LINKS.read(Purpose.REPLY, token, NOW)


def test_a_link_signed_with_another_key_is_none() -> None:
    token = token_of(OTHER.url(Purpose.ACKNOWLEDGE, uuid4(), NOW))
    with pytest.raises(NotALink):
        LINKS.read(Purpose.ACKNOWLEDGE, token, NOW)


def test_no_letter_of_a_link_can_be_changed() -> None:
    token = token_of(LINKS.url(Purpose.ACKNOWLEDGE, uuid4(), NOW))
    for place in range(len(token) - 1):  # two bits of the signature's last letter mean nothing
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(NotALink):
            LINKS.read(Purpose.ACKNOWLEDGE, token[:place] + other + token[place + 1 :], NOW)


@pytest.mark.parametrize("token", ["", "x", "%%%", "é", "A" * 48, "A" * 500, "\udc80", ".", "a.b.c"])
def test_nonsense_is_no_link_and_breaks_nothing(token: str) -> None:
    with pytest.raises(NotALink):
        LINKS.read(Purpose.ACKNOWLEDGE, token, NOW)


@pytest.mark.parametrize(
    ("purpose", "days"), [(Purpose.ACKNOWLEDGE, 43), (Purpose.DEED, 43), (Purpose.NOTICE, 14), (Purpose.READ, 14)]
)
def test_a_link_expires(purpose: Purpose, days: int) -> None:
    delivery, end = uuid4(), NOW + timedelta(days=days)
    token = token_of(LINKS.url(purpose, delivery, NOW))
    assert LINKS.read(purpose, token, end) == delivery
    with pytest.raises(LinkExpired) as expired:
        LINKS.read(purpose, token, end + timedelta(seconds=1))
    assert expired.value.delivery == delivery


def test_a_link_that_is_answered_lives_until_its_rule_asks_again() -> None:
    rules = Library(files()).current("default").by_id.values()
    repeats = [each.repeat for rule in rules for each in rule.otherwise if each.repeat]
    answered_late = [rule.rests + max(each.after for each in rule.otherwise) for rule in rules if rule.rests]
    assert max(repeats + answered_late) < ANSWERED_FOR


def test_while_the_key_is_changed_the_first_signs_and_each_opens() -> None:
    """The newest stands first in a key's file."""
    delivery = uuid4()
    both = Links(f"{OTHER.key}\n{LINKS.key}", LINKS.public_url)
    for signs, opens in ((LINKS, both), (both, OTHER)):
        assert opens.read(Purpose.READ, token_of(signs.url(Purpose.READ, delivery, NOW)), NOW) == delivery
    with pytest.raises(NotALink):
        LINKS.read(Purpose.READ, token_of(both.url(Purpose.READ, delivery, NOW)), NOW)


def test_an_altered_link_that_is_too_old_is_none() -> None:
    """Only a signature says that a link was good once."""
    token = token_of(OTHER.url(Purpose.ACKNOWLEDGE, uuid4(), NOW - 2 * GOOD_FOR))
    with pytest.raises(NotALink):
        LINKS.read(Purpose.ACKNOWLEDGE, token, NOW)


def test_a_key_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Links("c2hvcnQ=", "https://x.example").url(Purpose.ACKNOWLEDGE, uuid4(), NOW)
