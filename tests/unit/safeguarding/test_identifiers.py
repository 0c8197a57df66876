"""What is named once has that name for ever: in every process, after every restart, and in every later version."""

from uuid import UUID, uuid5

import pytest

from services.safeguarding.identifiers import (
    CODE_ALPHABET,
    NAMESPACE,
    code_of,
    derived,
    is_provisional,
    new_id,
    provisional_child,
    telling,
    trace_of,
)

DUTY = UUID(int=7)


def test_the_same_causes_have_one_id_for_ever_and_others_another() -> None:
    assert derived("duty", "child-1") == UUID("91ba6567-cbc7-5bb5-a6b9-7aaa150433ea")
    assert derived("duty", "child-1") == uuid5(NAMESPACE, "duty\x1fchild-1")
    assert len({derived("a", "b"), derived("ab"), derived("b", "a"), derived("a", "b", "")}) == 4


def test_a_force_sees_one_id_of_a_telling_at_every_attempt_and_another_of_the_next() -> None:
    assert telling(DUTY, 1) == UUID("7e4f7690-5423-5b82-a822-adc33387d48e")
    assert len({telling(DUTY, 0), telling(DUTY, 1), telling(UUID(int=8), 1)}) == 3


def test_a_report_whose_child_nobody_knows_always_names_the_same_provisional_child() -> None:
    assert provisional_child("message-1") == "provisional-5752b008-a121-58e0-9910-7e8402acd51d"
    assert provisional_child("message-2") != provisional_child("message-1")


@pytest.mark.parametrize(
    ("child", "provisional"),
    [(provisional_child("message-1"), True), (new_id("child"), False), ("child-of-provisional-1", False)],
    ids=["provisional", "child", "named like one"],
)
def test_a_provisional_child_is_told_from_a_child_by_its_id(child: str, provisional: bool) -> None:
    assert is_provisional(child) is provisional


def test_what_begins_with_one_cause_has_one_trace_in_the_form_of_w3c() -> None:
    assert trace_of("message-1") == "00-c9ddbf7f7b54539797a149e820d8b35b-ecb1c6d5d43f5fcf-01"
    assert trace_of("message-1", "text") != trace_of("message-1")


def test_a_code_is_short_spells_no_word_and_stays_the_same() -> None:
    assert code_of(DUTY) == "JGQJK"
    codes = [code_of(UUID(int=number)) for number in range(2000)]
    assert all(len(code) == 5 for code in codes)
    assert set("".join(codes)) == set(CODE_ALPHABET)
    assert not set("".join(codes)) & set("AEIOU01L")
