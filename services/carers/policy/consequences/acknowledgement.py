"""Decides what an OK answers: one telling, or all that is open to its sender about one child, or about all.

A text's sender can be forged, and a child's code is known to many. The telling's own code alone came to the phone on
file: without it an OK about a missing child is a claim, which the protocol lets rest for a while.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from services.carers.policy.context import Telling, TextContext
from services.carers.policy.decision import Act, Answer, Decision
from services.carers.understanding import child_names, replies
from services.carers.understanding.meaning import Meaning
from services.safeguarding.duty.duties import DutyAcknowledged
from services.safeguarding.roles import Wording

OF_POLICE = frozenset({Wording("police-not-reached"), Wording("police-not-acknowledged")})
"""A police reference proves a call, and a call answers these alone in place of the police."""


def acknowledge(telling: Telling, how: Literal["text", "phoned"] = "text", *, claimed: bool = False) -> Act:
    content = DutyAcknowledged(
        duty=telling.duty,
        step=telling.step,
        authority=telling.authority,
        episode=telling.episode,
        by=telling.person,
        how=how,
        claimed=claimed,
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


def find_beside(telling: Telling, meaning: Meaning, context: TextContext) -> tuple[Telling, ...]:
    """The other open tellings that an OK with the code of this one answers: of its child, if the text names that child,
    or all. The code has proved whose phone it is.
    """
    others = tuple(each for each in context.unanswered if (each.duty, each.step) != (telling.duty, telling.step))
    if replies.says_all(meaning.words):
        return others
    named = telling.child in _find_named(meaning.words, _list_children(context))
    return tuple(each for each in others if named and each.child == telling.child)


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
    acts = tuple(acknowledge(each, _how(each, meaning), claimed=True) for each in tellings)
    left = _list_open(each for each in context.unanswered if each not in tellings)
    claimed = [each for each in tellings if each.open]
    answer = Answer.TAKEN_TO_DO if any(each.deed for each in tellings) else Answer.TAKEN
    coded = _code_that_proves(claimed)
    return Decision(
        acts, answer if coded is None else Answer.TAKEN_UNPROVEN, which=_codes(tellings), open=left, coded=coded
    )


def _how(telling: Telling, meaning: Meaning) -> Literal["text", "phoned"]:
    """A police reference proves a call, and only a call acknowledges in place of the police."""
    return "phoned" if meaning.reference and telling.wording in OF_POLICE else "text"


def take_with_code(telling: Telling, meaning: Meaning, context: TextContext) -> Decision:
    """An OK with the telling's own code, and perhaps the child's beside it."""
    others = find_beside(telling, meaning, context)
    how: Literal["text", "phoned"] = "phoned" if meaning.reference else "text"
    acts = (acknowledge(telling, how), *(acknowledge(each, _how(each, meaning)) for each in others))
    if not others:
        return Decision(acts, Answer.ACKNOWLEDGED_TO_RECORD if telling.deed else Answer.ACKNOWLEDGED)
    answer = Answer.TAKEN_TO_DO if any(each.deed for each in (telling, *others)) else Answer.TAKEN
    return Decision(acts, answer, which=_codes((telling, *others)))


def _code_that_proves(claimed: Sequence[Telling]) -> str | None:
    """What is to be texted after OK so that it counts for all that was claimed. None: nothing was."""
    if not claimed:
        return None
    newest = claimed[0]
    several = {each.child for each in claimed} != {newest.child}
    return f"ALL {newest.code}" if several else f"{newest.child_code} {newest.code}".strip()


def _list_open(tellings: Iterable[Telling]) -> tuple[str, ...]:
    """Without what may just have been answered: a reply calls nothing open that its reader has taken."""
    return _codes(each for each in tellings if not each.just_texted)


def _codes(tellings: Iterable[Telling]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.child_code or each.code for each in tellings))
