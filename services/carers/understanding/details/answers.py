"""Finds the answers to a control room's questions in a text: clothing, where last seen, with whom.

Each answer is a whole sentence, word for word. The whole text is passed on as well, so that nothing overlooked here is
lost.
"""

import re
from dataclasses import dataclass

from services.carers.understanding.languages import plain_words
from services.carers.understanding.languages.lexicon import load_patterns
from services.safeguarding.notice_fields import ReportQuestion

SENTENCE_ENDS = re.compile(r"(?<=[!?])\s+|(?<=[^\d\s])\.\s+|\.\s+(?=[A-Z])|[\n\r;]+|\s[-\u2013\u2014]+\s")
ASKED = {ReportQuestion(name): pattern for name, pattern in load_patterns("answers").items()}
OF_THE_CHILD = frozenset({ReportQuestion("direction"), ReportQuestion("transport")})
"""Not answered by a sentence about the carer's own search."""


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    question: ReportQuestion
    words: str


def find_answers(text: str) -> tuple[AnsweredQuestion, ...]:
    """One entry for each question answered, in the order of the questions, with its sentences joined."""
    sentences = [
        (each.strip(), plain_words.simplify(each)) for each in SENTENCE_ENDS.split(text) if each and each.strip()
    ]
    found = {question: [sentence for sentence, plain in sentences if _answers(question, plain)] for question in ASKED}
    return tuple(AnsweredQuestion(question, " ".join(answers)) for question, answers in found.items() if answers)


def _answers(question: ReportQuestion, plain: str) -> bool:
    if question in OF_THE_CHILD and ASKED[ReportQuestion("done_so_far")].search(plain):
        return False
    return ASKED[question].search(plain) is not None
