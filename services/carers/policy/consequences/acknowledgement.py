"""Decides what an OK answers: one telling, or all that is open to its sender about one child, or about all."""

from collections.abc import Iterable, Sequence
from typing import Literal

from services.carers.policy.answer import Answer
from services.carers.policy.context import Telling, TextContext
from services.carers.policy.decision import Act, Decision
from services.carers.understanding.children import child_names
from services.carers.understanding.details import replies
from services.carers.understanding.meaning import Meaning
from services.safeguarding.duty.duties import DutyAcknowledged
from services.safeguarding.roles import Wording

OF_POLICE = frozenset({Wording("police-not-reached"), Wording("police-not-acknowledged")})
"""A police reference proves a call, and a call answers these alone in place of the police."""


def acknowledge(telling: Telling, how: Literal["text", "phoned"] = "text") -> Act:
    content = DutyAcknowledged(
        duty=telling.duty,
        step=telling.step,
        authority=telling.authority,
        episode=telling.episode,
        by=telling.person,
        how=how,
    )
    return Act(telling.child, content)


def find_meant(meaning: Meaning, context: TextContext) -> tuple[Telling, ...] | None:
    """The open tellings that an OK answers, none where nobody can say which. None: the text is no OK."""
    words = meaning.words
    if not replies.says_ok(words):
        return None
    children = _list_children(context)
    named = child_names.find_named(words, children)
    if named.somebody_else or named.alike:
        return None
    if meant := _find_named(words, children):
        return tuple(each for each in context.unanswered if each.child in meant)
    if not replies.says_no_more(words, ()):
        return None
    alone = len({each.child for each in context.unanswered}) == 1
    return context.unanswered if alone or replies.says_all(words) else ()


def _list_children(context: TextContext) -> list[child_names.KnownChild]:
    of_told = (child_names.KnownChild(each.child, each.child_code) for each in context.unanswered if each.child_code)
    return list(dict.fromkeys([*of_told, *context.coded_only]))


def _find_named(words: str, children: Sequence[child_names.KnownChild]) -> set[str]:
    return {*child_names.find_named(words, children).children, *child_names.find_answered(words, children)}


def says_no_more(meaning: Meaning, context: TextContext) -> bool:
    codes = {*(each.child_code for each in context.unanswered), *(each.code for each in context.known)}
    return replies.says_no_more(meaning.words, {word for each in codes for word in (each.casefold(), each[1:])})


def acknowledge_all(tellings: tuple[Telling, ...], meaning: Meaning, context: TextContext) -> Decision:
    """The reply names whose they were, and what is open still."""
    if not tellings:
        children = _list_children(context)
        named = _find_named(meaning.words, children)
        left = _list_open(context.unanswered)
        if named:
            codes = dict.fromkeys(each.code for each in children if each.child in named)
            return Decision(answer=Answer.NOTHING_OPEN_ABOUT, which=tuple(codes), open=left)
        answer = Answer.OK_WHICH if context.unanswered else Answer.NOTHING_OPEN
        return Decision(answer=answer, open=left or _codes(context.unanswered))
    acts = tuple(
        acknowledge(each, "phoned" if meaning.reference and each.wording in OF_POLICE else "text") for each in tellings
    )
    left = _list_open(each for each in context.unanswered if each not in tellings)
    answer = Answer.TAKEN_TO_DO if any(each.deed for each in tellings) else Answer.TAKEN
    return Decision(acts, answer, which=_codes(tellings), open=left)


def _list_open(tellings: Iterable[Telling]) -> tuple[str, ...]:
    """Without what may just have been answered: a reply calls nothing open that its reader has taken."""
    return _codes(each for each in tellings if not each.just_texted)


def _codes(tellings: Iterable[Telling]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.child_code or each.code for each in tellings))
