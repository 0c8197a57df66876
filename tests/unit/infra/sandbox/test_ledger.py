"""What is remembered, and what gives way."""

import pytest

from infra.sandbox.ledger import Ledger
from infra.sandbox.texts import Text, Texts


def text_from(sender: str, body: str) -> Text:
    return Text(sender, "+447700900500", body, "inbound", "received")


def test_numbers_go_on_growing_when_the_oldest_gives_way() -> None:
    ledger: Ledger[str] = Ledger(limit=2)
    assert [ledger.add(word, word) for word in ("one", "two", "three")] == [None, None, "one"]
    assert ledger.since(0) == [(2, "two"), (3, "three")]
    assert ledger.get("one") is None


def test_since_gives_what_came_after_that_number_oldest_first() -> None:
    ledger: Ledger[str] = Ledger()
    for word in ("one", "two", "three"):
        ledger.add(word, word)
    assert ledger.since(1) == [(2, "two"), (3, "three")]
    assert ledger.since(3) == []


def test_a_key_that_is_known_is_not_taken_again() -> None:
    ledger: Ledger[str] = Ledger()
    ledger.add("one", "one")
    with pytest.raises(KeyError):
        ledger.add("one", "another")


def test_a_thread_forgets_the_texts_that_have_given_way() -> None:
    texts = Texts(limit=2)
    for sender, body in (("+447700900101", "one"), ("+447700900102", "two"), ("+447700900101", "three")):
        texts.add(text_from(sender, body))
    assert [text.body for _, text in texts.since(0, "+447700900101")] == ["three"]
    texts.add(text_from("+447700900101", "four"))
    assert texts.since(0, "+447700900102") == []


def test_a_removed_text_leaves_its_thread_and_the_rest_stays_in_order() -> None:
    texts = Texts(limit=3)
    kept = [text_from("+447700900101", body) for body in ("one", "two", "three")]
    for text in kept:
        texts.add(text)
    texts.remove(kept[1])
    for body in ("four", "five"):
        texts.add(text_from("+447700900101", body))
    assert [text.body for _, text in texts.since(0, "+447700900101")] == ["three", "four", "five"]
