"""Finds whom each clause of a text speaks of, whether it asserts, asks or denies, and what the text is as a whole."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum, auto

from services.carers.understanding.languages import lexicon
from services.carers.understanding.languages.lexicon import load_each, load_patterns, load_words
from services.carers.understanding.meaning import Clause, Intent

LEXICONS = ("people", "english", "welsh", "clauses")
PATTERNS = load_patterns(*LEXICONS)
EACH = load_each(*LEXICONS)
BESIDES = {Intent.CONTACT: ("contact",), Intent.SEEN: ("seen",)}
REQUESTS = {Intent.STATUS: ("status",), Intent.ENQUIRY: ("asks_where", "asks_after"), Intent.HELP: ("help",)}
NOT_GONE_MISSING = (lexicon.SPEAKER | lexicon.ADULTS | lexicon.ANIMALS) - {"me", "us"}


ASSERTION_PATTERNS = load_patterns("assertion")


@dataclass(frozen=True, slots=True)
class Context:
    """What earlier clauses of the text imply for this one."""

    told_by_others: bool = False
    of_other_times: bool = False
    witnessed: bool = False


def is_asked(plain: str, place: int, *, mark: bool) -> bool:
    """`mark`: the clause ends with a question mark. A later question in it leaves the words at `place` a statement."""
    if asks(plain) or (mark and ASSERTION_PATTERNS["asks_by_a_word"].search(plain) is not None):
        return True
    return mark and ASSERTION_PATTERNS["asks_afterwards"].search(plain, place) is None


def asks(plain: str) -> bool:
    """Whether its word order is that of a question, with or without a question mark."""
    return ASSERTION_PATTERNS["asked"].search(ASSERTION_PATTERNS["to_say"].sub(hide, plain)) is not None


def is_asserted(plain: str, place: int, context: Context) -> bool:
    """Whether the words at `place` are asserted about the present by somebody who knows."""
    shown = ASSERTION_PATTERNS["to_say"].sub(hide, plain)
    before = shown[:place]
    if ASSERTION_PATTERNS["still_to_come"].match(shown, place) or before.split()[-1:] == ["be"]:
        return False
    if (
        ASSERTION_PATTERNS["embedded"].search(before)
        or _is_modal(before)
        or ASSERTION_PATTERNS["asks_by_a_word"].search(before)
    ):
        return False
    if tells_of_other_times(shown) or (
        ASSERTION_PATTERNS["present"].search(before) and not ASSERTION_PATTERNS["this_moment"].search(shown)
    ):
        return False
    if context.of_other_times and not ASSERTION_PATTERNS["at_some_time"].search(shown):
        return False
    if not context.witnessed and ASSERTION_PATTERNS["hedged"].search(shown, place):
        return False
    return context.witnessed or not (context.told_by_others or tells_by_others(before))


def tells_of_other_times(plain: str) -> bool:
    return (
        ASSERTION_PATTERNS["habit"].search(plain) is not None
        or ASSERTION_PATTERNS["long_over"].search(plain) is not None
    )


def tells_by_others(plain: str) -> bool:
    """Whether it is hearsay."""
    return any(
        not _are_own(plain[: found.start()].rstrip(), found[0]) for found in ASSERTION_PATTERNS["said"].finditer(plain)
    )


def leads_up(plain: str) -> bool:
    """Whether it only introduces the words of somebody else, which follow."""
    shown = ASSERTION_PATTERNS["to_say"].sub(hide, plain)
    found = ASSERTION_PATTERNS["only_said"].search(shown)
    return found is not None and not _are_own(shown[: found.start()].rstrip(), found[0])


def is_only_a_hedge(plain: str) -> bool:
    """Whether it only says who said, or believes, the clause before it."""
    return ASSERTION_PATTERNS["hedged"].match(plain) is not None


def _are_own(before: str, saying: str) -> bool:
    """Whether the speaker says it: "I rang them", or "rang them" at the start. The child's carer counts too."""
    if ASSERTION_PATTERNS["by_its_carer"].search(before):
        return True
    if saying.startswith("hear"):
        return False
    if not before.strip(" ~"):
        return ASSERTION_PATTERNS["begins_own_words"].match(saying) is not None
    return ASSERTION_PATTERNS["after_own_words"].search(before) is not None and not (
        saying == "told" and ASSERTION_PATTERNS["told_by_others"].search(before)
    )


def _is_modal(before: str) -> bool:
    after = [before[each.end() :] for each in ASSERTION_PATTERNS["modal"].finditer(before)][-1:]
    return any(
        len(between.split()) <= 4 and ASSERTION_PATTERNS["a_subject"].search(between) is None for between in after
    )


def hide(match: re.Match[str]) -> str:
    return "~" * len(match[0])


class Kind(Enum):
    CHILD = auto()
    OTHER = auto()
    NAME = auto()
    """A word that may be the child's name, or anybody's. The caller, who knows the names, decides."""
    NONE = auto()
    """Left out, as in "back now"."""


@dataclass(frozen=True, slots=True)
class Subject:
    kind: Kind
    word: str = ""


NOBODY = Subject(Kind.NONE)
A_CODE = re.compile(r"c\d+|\d{1,4}")


def find_subject(plain: str, place: int) -> Subject:
    """The subject of the statement at `place`."""
    words = plain[:place].split()
    verb: list[str] = []
    while words and words[-1] in lexicon.WITHIN_A_VERB:
        verb.insert(0, words.pop())
    following = plain[place:].split()[1:4]
    if _brings_what_follows(verb, following):
        return Subject(Kind.OTHER if lexicon.OTHERS.intersection(following) else Kind.CHILD)
    return _find_nearest(words, adjacent=True)


def is_a_thing(plain: str, place: int) -> bool:
    """Whether the word before the verb is a thing, as in "her phone is missing"."""
    words = plain[:place].split()
    while words and words[-1] in lexicon.WITHIN_A_VERB:
        words.pop()
    things = lexicon.THINGS | lexicon.VEHICLES
    return bool(words) and words[-1] not in {"it", "its", "this", "report", "note"} and words[-1] in things


def _brings_what_follows(verb: list[str], following: list[str]) -> bool:
    """Whether the subject follows, as in "police brought back her phone"."""
    if not verb or verb[-1] not in lexicon.WORDS["bringing"]:
        return False
    if verb[-1] == "returned" or following[:1] == ["by"]:
        return False
    return not lexicon.WORDS["passive"].intersection(verb[-3:-1])


def _find_nearest(words: list[str], *, adjacent: bool) -> Subject:
    """`adjacent`: the last word stands right before the verb, where an unknown word may be a name."""
    while words:
        word = words[-1]
        if (before := _strip_phrase(words)) is not None:
            words, adjacent = before, False
            continue
        if word in lexicon.CHILD or A_CODE.fullmatch(word):
            described = _find_described(words)
            return Subject(Kind.OTHER, described) if described else Subject(Kind.CHILD, word)
        if _is_another(word):
            return _find_joined(words) or Subject(Kind.OTHER, word)
        if adjacent and _may_be_a_name(words):
            return Subject(Kind.NAME, word)
        words, adjacent = words[:-1], False
    return NOBODY


def _find_described(words: list[str]) -> str:
    """The thing that a clause about the child describes: the coat of "the coat she had on"."""
    if "other" in words[-3:-1]:
        return "other"
    if words[-3:-1] == ["rest", "of"] or words[-3:-1] == ["rest", "o"]:
        return "rest"
    if len(words) > 3 and words[-4] in {"its", "is", "am"} and words[-2] not in lexicon.THINGS:
        return ""
    before = [word for word in words[-4:-1] if word not in {"that", "which", "who", "whom"}]
    if words[-1] not in {"he", "she", "they"} or len(before) < 2 or before[-1] not in lexicon.OTHERS:
        return ""
    return before[-1] if before[-2] in lexicon.BESIDE_A_NOUN else ""


def _is_another(word: str) -> bool:
    """Whether it is in a list, also with a lost apostrophe: "hubbys back"."""
    return word in lexicon.OTHERS or (len(word) > 3 and word.endswith("s") and word[:-1] in lexicon.OTHERS)


def _may_be_a_name(words: list[str]) -> bool:
    if words[-1] in lexicon.NO_NAMES or words[-1] in lexicon.PREPOSITIONS or words[-1].isdigit():
        return False
    return not any(word in lexicon.CHILD and word not in lexicon.BESIDE_A_NOUN for word in words[:-1])


def _strip_phrase(words: list[str]) -> list[str] | None:
    """The words before a phrase such as "from the park" or "got the bus". None where they end with no such phrase."""
    if words[-1] in lexicon.CHILD and words[-1] not in {"her", "him", "them"}:
        return None
    place = len(words) - 2
    while place >= 0 and len(words) - place < 5:
        word = words[place]
        boarded = words[-1] in lexicon.VEHICLES and word in lexicon.WORDS["boarded"]
        set_phrase = (word == "thank" and words[-1] in lexicon.SPEAKER) or (word == "made" and words[-1] == "it")
        if word in lexicon.PREPOSITIONS or boarded or set_phrase:
            return words[:place]
        if word not in lexicon.BESIDE_A_NOUN:
            return None
        place -= 1
    return None


def _find_joined(words: list[str]) -> Subject | None:
    """The child in "Amara and I" and "she and her brother"."""
    beginning = words[:-1]
    while beginning and beginning[-1] in lexicon.BESIDE_A_NOUN:
        beginning = beginning[:-1]
    if len(beginning) < 2 or beginning[-1] not in {"and", "n", "plus"}:
        return None
    other = beginning[-2]
    if _strip_phrase(beginning[:-1]) is not None:
        return None
    if other in lexicon.CHILD:
        return Subject(Kind.CHILD, other)
    if other in lexicon.OTHERS or other in lexicon.NO_NAMES or other in lexicon.WITHIN_A_VERB:
        return None
    return Subject(Kind.NAME, other)


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
    of_things: bool = False
    """It speaks of a telephone or a bag, of which "one is here" may be said."""


def read_whole(plain: str, clauses: Iterable[Clause] = (), *, quoted: bool = False) -> Text:
    """`quoted`: the text quotes somebody else. The speaker is with the child only if they say so themselves."""
    witnessed = any(
        ASSERTION_PATTERNS["witnessed"].search(each.plain) is not None and not (quoted or tells_by_others(each.plain))
        for each in clauses
    )
    return Text(
        detail=_is_put_right(_remove(EACH["taken_back"], plain)),
        speaker_looks=PATTERNS["looking"].search(plain) is not None,
        false_alarm="false alarm" in plain or " all along" in plain,
        of_things=not lexicon.THINGS.isdisjoint(plain.split()),
        official=PATTERNS["official"].search(plain) is not None,
        context=Context(told_by_others=quoted, witnessed=witnessed),
    )


def look_ahead(text: Text, following: Clause | None) -> Text:
    """The text for a clause before `following`, which may make it hearsay."""
    if following is None or not is_only_a_hedge(following.plain):
        return text
    return replace(text, context=replace(text.context, told_by_others=True))


def carry_over(text: Text, clause: Clause) -> Text:
    """The text for the next clause."""
    context = replace(
        text.context,
        told_by_others=text.context.told_by_others or leads_up(clause.plain),
        of_other_times=text.context.of_other_times or tells_of_other_times(clause.plain),
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
