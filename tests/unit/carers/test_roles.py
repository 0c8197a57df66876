"""Of several children who are named, whom a text is about: never the one who saw it, was told it, or whose room it is."""

import pytest

from services.carers.understanding import child_names
from services.carers.understanding.child_names import KnownChild

AMARA, YUSUF = KnownChild("amara", "C17", ("Amara",)), KnownChild("yusuf", "C18", ("Yusuf",))
CHILDREN = (AMARA, YUSUF)


@pytest.mark.parametrize(
    "words",
    [
        "yusuf says he dont know where she went",
        "last seen by yusuf",
        "yusuf hasnt seen her",
        "amara told yusuf she was going to the shop",
        "amara was in yusufs room",
        "amara is next to yusuf",
        "yusuf got a text from her at nine",
        "me and yusuf have looked everywhere",
    ],
)
def test_who_saw_heard_or_owns_is_not_whom_it_is_about(words: str) -> None:
    named = child_names.find_named(words, CHILDREN)
    assert "yusuf" not in named.children
    assert "yusuf" in named.beside


@pytest.mark.parametrize(
    "words",
    ["yusuf is missing", "yusuf said he would be home by nine", "have you seen yusuf", "yusufs gone", "yousuf gone"],
)
def test_whoever_went_is_whom_it_is_about(words: str) -> None:
    assert child_names.find_named(words, CHILDREN).children == ("yusuf",)


def test_those_left_out_are_told_apart_from_everybody_else() -> None:
    named = child_names.find_named("yusuf came home without amara", CHILDREN)
    assert named.left_out == ("amara",)


def test_a_word_that_may_be_two_names_is_neither() -> None:
    alike = (KnownChild("selima", "C1", ("Selima",)), KnownChild("selina", "C2", ("Selina",)))
    assert child_names.find_named("selisa is missing", alike).children == ()


def test_one_named_by_mistake_is_put_right_in_so_many_words() -> None:
    assert child_names.find_correction(["sorry not amara", "yusuf"], CHILDREN) == ("amara", "yusuf")
    assert child_names.find_correction(["amara is not with yusuf"], CHILDREN) is None
