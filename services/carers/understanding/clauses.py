"""Reads the statements of one clause. Protective: words that could report a child missing do report it."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

from services.carers.understanding import subjects
from services.carers.understanding.languages import lexicon
from services.carers.understanding.meaning import Clause, Intent, Statement
from services.carers.understanding.subjects import (
    BESIDES,
    EACH,
    NOT_GONE_MISSING,
    PATTERNS,
    REQUESTS,
    Kind,
    Subject,
    Text,
)

NOBODY_MISSED = lexicon.ADULTS | lexicon.THINGS - {"it", "its", "this", "else"}
Fits: TypeAlias = Callable[[re.Match[str]], Subject | None]
Counts: TypeAlias = Callable[[re.Match[str]], bool]


def read_clause(clause: Clause, text: Text) -> list[Statement]:
    """At most one of missing, back and false alarm (the last one wins), and the other statements."""
    typed, plain = clause.typed, clause.plain
    said = [Statement(Intent.LURE, typed)] if PATTERNS["lure"].search(plain) else []
    if PATTERNS["question"].search(plain):
        return [*said, Statement(Intent.STATUS, typed)]
    reading = _Reading(clause, text)
    said.extend(each for one in reading.whereabouts() for each in _split_exception(one))
    besides = {} if any(each.intent is Intent.BACK for each in said) else BESIDES
    said.extend(
        Statement(kind, typed)
        for kind, names in (besides | REQUESTS).items()
        if any(PATTERNS[name].search(reading.rest) for name in names)
    )
    if not said and (reading.asked or reading.is_a_question()):
        said.append(Statement(Intent.STATUS, typed))
    return said


def _split_exception(said: Statement) -> list[Statement]:
    """Splits "Amara is back without Yusuf" and "all back except Linh" into a return and its exception."""
    found = PATTERNS["but_for"].search(said.words) if said.intent is Intent.BACK else None
    if found is None:
        return [said]
    if found[2].split()[0] in {"her", "him", "them"}:
        return [Statement(Intent.NOT_BACK, found[2])]
    rest = said.words[: found.start()] if found[1] == "without" else said.words
    return [replace(said, words=rest), Statement(Intent.NOT_BACK, found[2], if_named=True)]


class _Reading:
    """Reads one clause. `rest` is the clause with everything already read hidden, so that places stay the same."""

    def __init__(self, clause: Clause, text: Text) -> None:
        self.clause = clause
        self.text = text
        self.rest = PATTERNS["danger"].sub(subjects.hide, PATTERNS["irrelevant"].sub(subjects.hide, clause.plain))
        self.asked = False

    def whereabouts(self) -> list[Statement]:
        typed = self.clause.typed
        false_alarm, who = self._find_claimed(EACH["false_alarm"], self._was_never_gone)
        ended, unmissed = self._find_claimed(EACH["no_longer_missing"], self._is_the_childs)
        for pattern in EACH["no_longer_missing"]:
            self.rest = pattern.sub(subjects.hide, self.rest)
        not_back = self._take(PATTERNS["not_back"], self._is_no_colleagues)
        if not_back < 0 and not self.text.detail:
            false_alarm = max(false_alarm, self._find_claimed(EACH["taken_back"])[0])
        due = max(self._take(PATTERNS["due"]), self._take(PATTERNS["late"], self._is_the_child_late))
        self.rest = PATTERNS["hypothetical"].sub(subjects.hide, self.rest)
        missing = max(self._take(PATTERNS["missing"], self._is_of_now), self._take(PATTERNS["left"], self._has_left))
        back, whose = self._find_claimed(EACH["back"], self._is_the_childs)
        reported, mixed = max(not_back, due, missing), min(max(not_back, due, missing), back) >= 0
        found = [Statement(Intent.LOCATED, typed)] if back < 0 and self._is_located() else []
        if reported > max(back, false_alarm, ended):
            kind = Intent.NOT_BACK if reported == not_back else Intent.MISSING
            return [
                Statement(
                    kind, typed, mixed, was=self._was_once(reported), weak=kind is Intent.MISSING and self._is_hearsay()
                ),
                *found,
            ]
        if back >= 0:
            return [Statement(Intent.BACK, typed, mixed, whose, weak=self._is_weak())]
        if false_alarm >= 0:
            return [Statement(Intent.FALSE_ALARM, typed, subject=who), *found]
        if ended < 0:
            return found
        kind = Intent.BACK if PATTERNS["any_more"].search(self.clause.plain) else Intent.FALSE_ALARM
        return [Statement(kind, typed, subject=unmissed, weak=True)]

    def _was_once(self, place: int) -> bool:
        return PATTERNS["was_once"].search(self.clause.plain[:place]) is not None

    def _is_hearsay(self) -> bool:
        """A report by hearsay is weak. About a child not known to be missing it counts all the same."""
        plain = self.clause.plain
        if PATTERNS["plainly_missing"].search(plain):
            return False
        told = self.text.context.told_by_others or subjects.tells_by_others(plain)
        told = told or PATTERNS["others_eyes"].search(plain) is not None
        return told or PATTERNS["might"].search(plain) is not None

    def _is_weak(self) -> bool:
        plain = self.clause.plain
        return PATTERNS["came_back"].search(plain) is None or PATTERNS["as_every_day"].search(plain) is not None

    def is_a_question(self) -> bool:
        """Whether it asks about a return."""
        if not PATTERNS["return"].search(PATTERNS["irrelevant"].sub(subjects.hide, self.clause.plain)):
            return False
        return self.clause.asked or subjects.asks(self.clause.plain)

    def _find_claimed(self, patterns: Iterable[re.Pattern[str]], fits: Fits | None = None) -> tuple[int, str]:
        """The end of the last asserted match (-1 if there is none), and the name that is its subject."""
        last, name = -1, ""
        for pattern in patterns:
            for match in pattern.finditer(self.rest):
                who = fits(match) if fits is not None else subjects.NOBODY
                if match.end() > last and who is not None and self._holds(_find_place(match)):
                    last, name = match.end(), who.word if who.kind is Kind.NAME else ""
        return last, name

    def _holds(self, place: int) -> bool:
        plain = self.clause.plain
        if PATTERNS["not_before"].search(plain[:place]):
            return False
        if subjects.is_asked(plain, place, mark=self.clause.asked):
            self.asked = True
            return False
        return subjects.is_asserted(plain, place, self.text.context)

    def _is_the_childs(self, match: re.Match[str]) -> Subject | None:
        """The subject of a return. None where somebody or something else is back."""
        who = subjects.find_subject(self.clause.plain, _find_place(match))
        if who.kind is Kind.OTHER:
            with_the_child = who.word in {"we", "us"} and self.text.context.witnessed
            return subjects.NOBODY if with_the_child else None
        if who.word in {"one", "it"} and self.text.of_things:
            return None
        if who.kind is Kind.NONE and self._may_be_the_speaker(match):
            return None
        if PATTERNS["at_anothers"].search(self.clause.plain, match.start()) or self._is_any_child(match):
            return None
        if self.text.false_alarm and PATTERNS["state"].search(match[0]):
            return None
        return who

    def _is_any_child(self, match: re.Match[str]) -> bool:
        return PATTERNS["any_child"].search(self.clause.plain[: match.end()]) is not None

    def _may_be_the_speaker(self, match: re.Match[str]) -> bool:
        """Whether "back" without a subject may be about the speaker, or about a child on an outing."""
        if self.text.speaker_looks or PATTERNS["back_from"].match(self.clause.plain, _find_place(match)):
            return True
        return self.text.out_with or PATTERNS["out_with"].search(self.clause.plain) is not None

    def _was_never_gone(self, match: re.Match[str]) -> Subject | None:
        groups = match.groupdict()
        plain = self.clause.plain
        if groups.get("of"):
            there = PATTERNS["present_there"].search(plain[: match.start()])
            if there is None:
                return None
            who = subjects.find_subject(plain, there.start())
        elif groups.get("at"):
            if plain.startswith("sorry was ") and not self.text.false_alarm:
                return None
            if PATTERNS["at_a_time"].search(plain, match.end()) or PATTERNS["at_a_time"].search(plain[: match.start()]):
                return None
            who = subjects.find_subject(plain, match.start("at"))
        else:
            return subjects.NOBODY
        return None if who.kind is Kind.OTHER else who

    def _is_located(self) -> bool:
        plain, context = self.clause.plain, self.text.context
        if self.text.false_alarm:
            return False
        if self.text.official:
            context = replace(context, witnessed=True)
        for pattern in EACH["located"]:
            for match in pattern.finditer(self.rest):
                place = _find_place(match)
                if subjects.is_asked(plain, place, mark=self.clause.asked):
                    self.asked = True
                    continue
                if (
                    self._is_any_child(match)
                    or PATTERNS["not_before"].search(plain[:place])
                    or not subjects.is_asserted(plain, place, context)
                ):
                    continue
                if "at" not in match.groupdict() or subjects.find_subject(plain, place).kind is not Kind.OTHER:
                    return True
        return False

    def _take(self, pattern: re.Pattern[str], counts: Counts | None = None) -> int:
        """The end of the last match that counts (-1 if there is none). All matches are hidden."""
        last = -1
        for match in pattern.finditer(self.rest):
            if counts is None or counts(match):
                last = match.end()
            self.rest = self.rest[: match.start()] + subjects.hide(match) + self.rest[match.end() :]
        return last

    def _is_the_child_late(self, match: re.Match[str]) -> bool:
        return subjects.find_subject(self.clause.plain, match.start("at")).kind is not Kind.OTHER

    def _is_of_now(self, match: re.Match[str]) -> bool:
        """Whether it is about now, and neither about an animal, a thing, nor a colleague who did not come."""
        before = self.clause.plain[: match.end()]
        if PATTERNS["other_times"].search(before):
            return False
        return self._is_no_colleagues(match) and not (
            subjects.find_subject(before, match.start()).word in lexicon.ANIMALS
            or (PATTERNS["losable"].match(match[0]) and subjects.is_a_thing(before, match.start()))
        )

    def _is_no_colleagues(self, match: re.Match[str]) -> bool:
        """Whether it is not merely that a colleague, or a thing, did not come."""
        who = subjects.find_subject(self.clause.plain, match.start()).word
        return who not in NOBODY_MISSED or PATTERNS["no_show"].match(match[0]) is None

    def _has_left(self, match: re.Match[str]) -> bool:
        """Leaving is no report of a grown-up, nor of a child with somebody who looks after it."""
        plain = self.clause.plain
        if not self._is_of_now(match):
            return False
        if PATTERNS["with_somebody_known"].search(plain, match.start()):
            return False
        gone = PATTERNS["leaving"].search(match[0])
        if gone is not None and gone[0] == "gone" and subjects.is_a_thing(plain, match.start() + gone.start()):
            return False
        if gone is not None and PATTERNS["just_not"].search(plain[: match.start() + gone.start()]):
            return False
        who = subjects.find_subject(plain, match.start() + (gone.start() if gone is not None else 0))
        return who.word not in NOT_GONE_MISSING or PATTERNS["with_the_child"].search(plain) is not None


def _find_place(match: re.Match[str]) -> int:
    """The place of the statement. Its subject stands before it."""
    return match.start("at") if match.groupdict().get("at") else match.start()
