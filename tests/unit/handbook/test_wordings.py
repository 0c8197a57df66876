"""Every text that a rule can send exists in each language, arrives in one piece, and gives nobody away."""

from pathlib import Path

import pytest

from services.handbook.check import Text, check, faults, faults_of

AROUND = "(Repeat?) EXERCISE.  To say you have it, reply OK WWWWW"
OWN = """\
protocol: northshire
version: 2026.2
authority: northshire
rules:
  - id: tell-somebody
    on: child.luring-suspected
    tell: duty.senior-manager
    by: text
    message: please-call-social-worker
    otherwise:
      - { after: 30m, tell: duty.head-of-service, by: text, message: not-acknowledged, repeat: 30m }
    because: { cite: [S57], kind: local, note: "for a test" }
"""


def of(says: str, around: str = AROUND) -> list[str]:
    return [said for said, _ in faults_of(Text(Path("en.yaml"), "missing-notice", says, around))]


def test_the_words_that_are_sent_are_sound() -> None:
    assert faults() == []
    assert check() == []


def test_a_text_longer_than_one_segment_with_every_mark_is_found_and_by_how_much() -> None:
    room = 160 - len(AROUND)
    assert of("a" * room) == []
    assert of("a" * (room + 3)) == ["it is 3 characters too long for one text"]


def test_a_letter_outside_the_phones_alphabet_is_found() -> None:
    assert of("ŵ" + "a" * 80) == ["a letter of it is not in the phones' own alphabet, and halves its room"]


@pytest.mark.parametrize("says", ["Reply YES if so", "text stop now", "Or CANCEL", 'answer "help" please'])
def test_a_word_that_the_phone_company_acts_upon_is_found_as_an_instruction(says: str) -> None:
    assert any("the phone company's own word" in each for each in of(says))


@pytest.mark.parametrize("says", ["Nothing can stop it, ask for help", "In the end ring 101", "Reply OK"])
def test_the_same_word_within_a_sentence_is_no_instruction(says: str) -> None:
    assert of(says) == []


@pytest.mark.parametrize("says", ["{name} is missing", "See {child.name}"])
def test_a_field_that_could_name_a_child_is_found(says: str) -> None:
    assert any("something of a child" in each for each in of(says))


def test_a_word_that_says_what_the_child_is_is_found() -> None:
    assert of("A trafficked child is missing") == ["traffick gives away what the child is"]


def test_a_rule_whose_message_has_no_words_for_its_reader_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN.replace("please-call-social-worker", "strategy-discussion"))
    found = [str(each) for each in check(tmp_path)]
    assert any(
        each.startswith(
            "own.yaml:5: tell-somebody: strategy-discussion by text to duty.senior-manager has no words in en"
        )
        for each in found
    ), found


def test_a_file_that_cannot_be_read_is_said_to_be_so_without_more(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("rules: nothing")
    assert len(check(tmp_path)) == 1
