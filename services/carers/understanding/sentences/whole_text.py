"""Gathers the context of a text's clauses: who speaks, about when, and whether they are out looking."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from services.carers.understanding.languages.lexicon import load_words
from services.carers.understanding.languages.plain_words import Clause
from services.carers.understanding.sentences import assertion
from services.carers.understanding.sentences.assertion import Context
from services.carers.understanding.sentences.lexicon import EACH, PATTERNS

APOLOGY = load_words("english")["apology"]


@dataclass(frozen=True, slots=True)
class Text:
    """What is known about the whole text while one of its clauses is read."""

    detail: bool
    """It is about a detail, as a correction is."""
    false_alarm: bool
    speaker_looks: bool
    """They have been out looking, so that "just got back" is about themselves."""
    official: bool
    context: Context
    out_with: bool = False


def read_whole(plain: str, clauses: Iterable[Clause] = (), *, quoted: bool = False) -> Text:
    """`quoted`: the text quotes somebody else. The speaker is with the child only if they say so themselves."""
    witnessed = any(
        assertion.PATTERNS["witnessed"].search(each.plain) is not None
        and not (quoted or assertion.tells_by_others(each.plain))
        for each in clauses
    )
    return Text(
        detail=_is_put_right(_remove(EACH["taken_back"], plain)),
        speaker_looks=PATTERNS["looking"].search(plain) is not None,
        false_alarm="false alarm" in plain or " all along" in plain,
        official=PATTERNS["official"].search(plain) is not None,
        context=Context(told_by_others=quoted, witnessed=witnessed),
    )


def look_ahead(text: Text, following: Clause | None) -> Text:
    """The text for a clause before `following`, which may make it hearsay."""
    if following is None or not assertion.is_only_a_hedge(following.plain):
        return text
    return replace(text, context=replace(text.context, told_by_others=True))


def carry_over(text: Text, clause: Clause) -> Text:
    """The text for the next clause."""
    context = replace(
        text.context,
        told_by_others=text.context.told_by_others or assertion.leads_up(clause.plain),
        of_other_times=text.context.of_other_times or assertion.tells_of_other_times(clause.plain),
    )
    return replace(
        text, context=context, out_with=text.out_with or PATTERNS["out_with"].search(clause.plain) is not None
    )


def _is_put_right(rest: str) -> bool:
    """Whether a detail is corrected, not the report: there is more than an apology, or than where the child was."""
    if PATTERNS["detail"].search(rest):
        return True
    if PATTERNS["explained"].search(rest):
        return PATTERNS["at_a_time"].search(rest) is not None
    return not set(rest.split()) <= APOLOGY


def _remove(patterns: Iterable[re.Pattern[str]], plain: str) -> str:
    for pattern in patterns:
        plain = pattern.sub(" ", plain)
    return plain
