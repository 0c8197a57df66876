"""Tells whether a "where" asks for a child's home or for a child, and not for something else."""

import re

RESIDENCE = re.compile(
    r"\b(?:address|postcode|liv(?:e|es|ing)|stay(?:s|ing)?|placed|placement|moved?|hostel|hotel|new (?:home|carers?|place)"
    r"|(?:which|what) (?:\w+ )?(?:home|house|town|city|carer|school)|cyfeiriad|byw)\b"
)
OF_A_CHILD_NOW = re.compile(
    r"\b(?:where|ble|lle) ?(?:is|are|has|have|s|r|mae|maer|ydy|yw) (?!(?:his|her|their|my|your|our|the|a|an|this|that|it|there)\b)"
    r"\w+(?: (?:now|gone|been|at|today|tonight|currently|being|nawr|rwan))?$"
)


def asks_for_residence(words: str) -> bool:
    """`words` as `plain_words.normalise` gives them."""
    return RESIDENCE.search(words) is not None


def asks_for_a_child(words: str) -> bool:
    """Whether it only asks where a child is now."""
    return OF_A_CHILD_NOW.search(words) is not None
