"""Finds corrections of a child's name: "sorry not Omar, Omid"."""

from collections.abc import Sequence

from services.carers.understanding.children import child_names
from services.carers.understanding.children.child_names import KnownChild
from services.carers.understanding.languages.lexicon import load_words

CORRECTING = load_words("children")["correcting"]
"""A clause of these words and names only corrects a name."""


def find_correction(clauses: Sequence[str], children: Sequence[KnownChild]) -> tuple[str, str] | None:
    """The child named by mistake and the child meant, if the text is explicit about both."""
    mentions = {word for each in children for word in child_names.list_words(each)}
    words = " ".join(each for each in clauses if set(each.split()) - mentions <= CORRECTING)
    wrong = [each.child for each in children if child_names.is_the_wrong_one(each, words)]
    right = [child for child in child_names.find_named(words, children).children if child not in wrong]
    return (wrong[0], right[0]) if len(wrong) == len(right) == 1 else None
