"""Nobody but the person who asked is named in what they are given."""

from uuid import UUID

import pytest

from services.holdings.subject_access import Mask, Person

CHILD, CARER, WORKER, STRANGER = (
    f"{kind}-{UUID(int=number)}" for number, kind in enumerate(("child", "person", "person", "person"), 1)
)
AMARA = Person(CHILD, None, ["Amara Diallo"], [])
ASH = Person(CARER, "carer", ["Ash O'Neil"], ["+447700900101", "ash@kestrel.example"])
LI = Person(WORKER, "social-worker", ["Li Diallo"], [])
MASK = Mask([AMARA], [ASH, LI])


@pytest.mark.parametrize(
    ("written", "given"),
    [
        ("Amara said that Ash shouted", "Amara said that [name] shouted"),
        ("ASH's car, o'neil", "[name]'s car, o'[name]"),
        ("she is ashen", "she is ashen"),
        ("Li came, li did not", "[name] came, li did not"),
        ("Amara Diallo", "Amara Diallo"),
        ("ring 07700 900101 or +44 7700 900 102", "ring [number] or [number]"),
        ("write to ash@kestrel.example.", "write to [address]."),
        (f"{CARER} and {CHILD}, child-friendly", f"[carer 1] and {CHILD}, child-friendly"),
        ("on 24.11.2026 at 22:15", "on 24.11.2026 at 22:15"),
        ("2026-11-24T22:15:00Z, 2026-11-24 22:15", "2026-11-24T22:15:00Z, 2026-11-24 22:15"),
        ("+33 6 12 34 56 78, 020 7946 0958", "[number], [number]"),
    ],
)
def test_names_numbers_and_ids_of_others_are_masked(written: str, given: str) -> None:
    assert MASK.mask_text(written) == given


def test_whoever_asks_keeps_their_own_number_and_address() -> None:
    own = Mask([ASH], [AMARA])
    assert own.mask_text("Ash, 07700 900101, ash@kestrel.example, of Amara") == (
        "Ash, 07700 900101, ash@kestrel.example, of [name]"
    )


def test_each_other_person_keeps_one_label() -> None:
    mask = Mask([AMARA], [ASH, LI])
    said = {"by": CARER, "to": [WORKER, STRANGER], "again": CARER, "about": CHILD}
    assert mask.mask_value(said) == {
        "by": "[carer 1]",
        "to": ["[social-worker 1]", "[person 1]"],
        "again": "[carer 1]",
        "about": CHILD,
    }
