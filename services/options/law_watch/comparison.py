"""Compares what somebody read with what is published, and names what rests on a change."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

from services.options.law_watch.publication import HOST, Published
from services.protocol.law.law import Law, rows_of

SHIPPED = Path(__file__).with_name("provisions.yaml")


class Provision(BaseModel):
    """A section or regulation that rules rest on, and how much of it somebody has read."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    cite: str
    """As rules cite it."""
    at: str = Field(pattern=r"^[a-z]+/[0-9]{4}/[0-9]+/(section|regulation|article)/[0-9]+[A-Z]*$")
    read_on: date = Field(alias="read-on")
    version: date | None = None
    text: str | None = None

    @property
    def instrument(self) -> str:
        """The Act or the instrument, such as `uksi/2010/959`."""
        return "/".join(self.at.split("/")[:3])

    @property
    def address(self) -> str:
        return f"https://{HOST}{self.instrument}/data.xml"


def read_provisions(own: Path | None = None) -> list[Provision]:
    """Ours, and in place of them those of the same `cite` in a file of the same form. Raises ValueError, OSError."""
    rows: dict[str, Provision] = {}
    for file in filter(None, (SHIPPED, own)):
        written = yaml.load(file.read_text(), yaml.CSafeLoader)
        of_file = written.get("provisions") if isinstance(written, dict) else None
        if not of_file:
            raise ValueError(f"{file}: `provisions` is a list of rows such as those of {SHIPPED.name}")
        rows |= {each.cite: each for each in rows_of(Provision, of_file)}
    return list(rows.values())


@dataclass(frozen=True, slots=True)
class Finding:
    provision: Provision
    says: str
    """What a person has to look at, or that there is nothing."""
    good: bool
    rests: tuple[str, ...] = ()
    """The rules and the law's numbers that cite it."""


def compare(
    provisions: Iterable[Provision],
    published: Mapping[str, Published],
    rules: Mapping[str, Iterable[str]],
    law: Law,
    today: date,
) -> Iterator[Finding]:
    """A finding for each provision of an instrument that was published. `rules` gives what each rule cites."""
    instruments = {"/".join(at.split("/")[:3]) for at in published}
    for each in provisions:
        if each.instrument not in instruments:
            continue
        says = _difference(each, published.get(each.at), today)
        values = (f"the value {value.id}" for value in law.values.all if each.cite in value.cite)
        rests = (*sorted(rule for rule, cites in rules.items() if each.cite in cites), *dict.fromkeys(values))
        yield Finding(each, says or "as it was read", says is None, rests)


def _difference(read: Provision, now: Published | None, today: date) -> str | None:
    if now is None:
        return "is no longer in it: repealed, or given another number"
    if now.status is not None:
        return "is not in force yet" if now.status == "Prospective" else f"is {now.status.lower()}"
    if now.version is None:
        return "is here as it was made: fetch the revised text, at its address without `made` or `enacted`"
    if (read.version, read.text) != (now.version, now.text):
        row = f"version: {now.version}, text: {now.text}, read-on: {today}"
        return f"{_how_it_differs(read, now)}; read it, and write {row}"
    if now.pending:
        return (
            f"changes: {now.pending} that the publisher knows are not in the text yet; look at *Changes to legislation*"
        )
    return None


def _how_it_differs(read: Provision, now: Published) -> str:
    if read.version is None or read.text is None:
        return "was never compared"
    if read.version == now.version:
        return "has other words than were read, of the same day"
    return f"has changed: read in its text of {read.version}, it holds since {now.version} in another"
