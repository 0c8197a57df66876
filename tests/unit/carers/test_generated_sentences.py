"""Whatever is said of a return that is none, it is never taken for one: over thousands of sentences, made and not collected.

`SENTENCES=20000` tries so many of them; a run of the usual tests tries some two thousand.
"""

import os
import random

from services.carers.understanding import child_names
from services.carers.understanding.grammar import understand
from services.carers.understanding.meaning import Intent
from tests.unit.carers.generated_sentences import returns, still_missing

HOW_MANY = int(os.environ.get("SENTENCES", "2000"))
CHILD = child_names.KnownChild("a child", "C17", ("Amara",))
STANDS_DOWN = {Intent.BACK, Intent.FALSE_ALARM}


def stands_down(text: str) -> bool:
    """Whether it is read as a return or as a false alarm of this speaker's child."""
    return any(
        said.intent in STANDS_DOWN and child_names.may_name_one(said.subject, [CHILD]) for said in understand(text).said
    )


def test_no_sentence_that_says_no_return_is_read_as_one() -> None:
    sentences = list(still_missing())
    assert len(sentences) >= 100_000
    tried = random.Random(HOW_MANY).sample(sentences, min(HOW_MANY, len(sentences)))
    assert [each for each in tried if stands_down(each)] == []


def test_a_sentence_that_says_a_return_is_read_as_one() -> None:
    sentences = list(returns())
    assert [each for each in sentences if Intent.BACK not in understand(each).intents] == []
