"""Tells whether a "where" asks for a child's home or for a child, and not for something else."""

from services.carers.understanding.languages.lexicon import load_patterns

PATTERNS = load_patterns("replies")


def asks_for_residence(words: str) -> bool:
    """`words` as `plain_words.normalise` gives them."""
    return PATTERNS["residence"].search(words) is not None


def asks_for_a_child(words: str) -> bool:
    """Whether it only asks where a child is now."""
    return PATTERNS["of_a_child_now"].search(words) is not None
