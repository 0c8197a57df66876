"""Chooses each authority's rules: the newest that are sound, else its last good ones. Touches no file or database."""

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from services.protocol.checks.check import faults_in
from services.protocol.editions.edition import Edition, adoption_of
from services.protocol.editions.folder import UNKNOWN, Found
from services.protocol.rule_file import DEFAULT, RulesFile

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
