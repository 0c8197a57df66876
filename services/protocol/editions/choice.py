"""Chooses each authority's rules: the newest that are sound, else its last good ones. Touches no file or database.

The rules in force are held for the handlers, and replaced as a whole while the service runs.
"""

import asyncio
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from services.protocol.checks.check import faults_in
from services.protocol.editions.edition import UNKNOWN, Edition, Found, adoption_of
from services.protocol.loader import DEFAULT, Library, RulesFile

GONE = "its files are gone; to withdraw its rules, leave a file that names the authority and says `rules: []`"
OUTGROWN = "its last good rules do not fit this version of Safe Return either, and are left out"
LONG_AGO = date.min


@dataclass(frozen=True, slots=True)
class Kept:
    """An edition that was taken up. Numbers of one authority count from 1."""

    number: int
    hash: str
    edition: Edition
    effective_from: date


@dataclass(frozen=True, slots=True)
class Dated:
    """Files that hold from a day on, until those of the next edition do."""

    since: date
    files: tuple[RulesFile, ...]


@dataclass(frozen=True)
class Choice:
    """Everybody's rules, in the order of their editions, and the `own` rules of authorities that have some."""

    everybody: tuple[Dated, ...]
    own: Mapping[str, tuple[Dated, ...]] = field(default_factory=dict)
    new: Mapping[str, Edition] = field(default_factory=dict)
    """Those that were not taken up before, by authority."""
    faults: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By authority, why its newest files are not in force."""


@dataclass
class _ChoiceBuilder:
    shipped: Sequence[RulesFile]
    found: Found
    kept: Mapping[str, Sequence[Kept]]
    today: date
    new: dict[str, Edition] = field(default_factory=dict)
    faults: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def make(self) -> Choice:
        shipped = Dated(LONG_AGO, tuple(self.shipped))
        added = self._dated(DEFAULT, [shipped])
        everybody = (shipped, *(Dated(each.since, (*self.shipped, *each.files)) for each in added))
        authorities = sorted({*self.found.editions, *self.kept} - {DEFAULT, UNKNOWN})
        own = {whose: tuple(self._dated(whose, everybody)) for whose in authorities}
        for faults in (self.found.overlooked, {UNKNOWN: self.found.faults.get(UNKNOWN, ())}):
            for whose, says in faults.items():
                self._blame(whose, says)
        return Choice(everybody, own, self.new, self.faults)

    def _dated(self, whose: str, beside: Sequence[Dated]) -> list[Dated]:
        """Editions that were taken up and still fit, then the one in the folder, if it is new and sound."""
        kept, newest = self.kept.get(whose, ()), self.found.editions.get(whose)
        sound = [each for each in kept if not _faults(each.edition, beside)]
        dated = [Dated(each.effective_from, tuple(each.edition.read())) for each in sound]
        is_known = newest is not None and kept and kept[-1].hash == newest.hash
        if newest is None:
            self._blame(whose, (GONE,) if kept and kept[-1].edition.says_something else ())
        elif not is_known:
            says = self.found.faults.get(whose) or _faults(newest, beside)
            self._blame(whose, says)
            if not says:
                self.new[whose] = newest
                read = newest.read()
                return [*dated, Dated(adoption_of(read, self.today).effective_from, tuple(read))]
        if kept and kept[-1] not in sound:
            self._blame(whose, (OUTGROWN, *_faults(kept[-1].edition, beside)))
        return dated

    def _blame(self, whose: str, says: tuple[str, ...]) -> None:
        if says:
            self.faults[whose] = (*self.faults.get(whose, ()), *says)


def choose(shipped: Sequence[RulesFile], found: Found, kept: Mapping[str, Sequence[Kept]], today: date) -> Choice:
    """`kept` holds each authority's editions, from the one in force today on. Everybody's files are judged first, and
    one authority's never affect another's. An edition without a day of its own holds from `today`.
    """
    return _ChoiceBuilder(shipped, found, kept, today).make()


def _faults(edition: Edition, beside: Sequence[Dated]) -> tuple[str, ...]:
    """Whatever a file holds, it must not stop the others: what cannot even be checked is a fault of its own."""
    try:
        own = edition.read()
        only = None if edition.whose == DEFAULT else edition.whose
        findings = [str(each) for base in beside for each in faults_in([*base.files, *own], only)]
    except Exception as error:  # noqa: BLE001 see above
        where = traceback.extract_tb(error.__traceback__)[-1]
        return (f"the files cannot be checked: {type(error).__name__} at {where.name}",)
    return tuple(dict.fromkeys(findings))


BEFORE_ALL = -1


class RulesInForce:
    """Has none until the first are put in force; `ready` waits for them."""

    def __init__(self, files: Sequence[RulesFile] | None = None) -> None:
        self._choice: Choice | None = None
        self._libraries: dict[tuple[str | None, int, int], Library] = {}
        self._ready = asyncio.Event()
        if files is not None:
            self.put(Choice((Dated(LONG_AGO, tuple(files)),)))

    def put(self, choice: Choice) -> None:
        """Takes effect with the next message. Episodes go on by the rules with which they opened."""
        self._choice, self._libraries = choice, {}
        self._ready.set()

    @property
    def are_put(self) -> bool:
        return self._choice is not None

    async def ready(self) -> None:
        await self._ready.wait()

    def library(self, authority: str, on: date) -> Library:
        """The files by which the authority goes on that day. Raises RuntimeError before the first are put."""
        if self._choice is None:
            raise RuntimeError("no rules are in force yet")
        base, own = self._choice.everybody, self._choice.own.get(authority, ())
        key = (authority if own else None, _in_force(base, on), _in_force(own, on))
        if key not in self._libraries:
            its_own = own[key[2]].files if key[2] != BEFORE_ALL else ()
            self._libraries[key] = Library([*base[key[1]].files, *its_own])
        return self._libraries[key]


def _in_force(editions: Sequence[Dated], on: date) -> int:
    """The index of the newest edition that holds on that day; BEFORE_ALL if none does."""
    places = (place for place in reversed(range(len(editions))) if editions[place].since <= on)
    return next(places, BEFORE_ALL)
