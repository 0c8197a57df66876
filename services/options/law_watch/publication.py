"""Reads sections and regulations from `data.xml` of legislation.gov.uk (the Crown Legislation Markup Language)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from xml.etree import ElementTree as ET

LEG, META = (
    "{http://www.legislation.gov.uk/namespaces/legislation}",
    "{http://www.legislation.gov.uk/namespaces/metadata}",
)
HOST = "www.legislation.gov.uk/"
DAY, STATUS = "RestrictStartDate", "Status"


class NotPublished(ValueError):
    """The file is no legislation as it is published. The text says why."""


@dataclass(frozen=True, slots=True)
class Published:
    """A section or regulation, as a file has it."""

    at: str
    """Its path, such as `uksi/2010/959/regulation/13`."""
    version: date | None
    """Since when this text holds. None: the file is the text as it was made, or the provision is not in force."""
    status: str | None
    """`Repealed`, `Prospective` (not in force yet) or another word of the publisher's. None: in force."""
    text: str
    """Twelve letters that differ where the words do."""
    pending: int = 0
    """Changes of it that the publisher knows and has not written into the text."""


def read_publication(written: bytes) -> dict[str, Published]:
    """Each section and regulation by its path. Raises NotPublished."""
    try:
        root = ET.fromstring(written)  # noqa: S314  expat itself refuses what would grow without end
    except ET.ParseError as error:
        raise NotPublished(f"it is no XML: {error}") from None
    if root.tag != f"{LEG}Legislation":
        raise NotPublished("it is not `data.xml` of legislation.gov.uk: its root is not Legislation")
    found = {each.at: each for each in _provisions(root, None, None)}
    if not found:
        raise NotPublished("it holds no section and no regulation: a table of contents does not, `data.xml` does")
    for effect in root.iter(f"{META}UnappliedEffect"):
        for ref in {effect.get("AffectedSectionRef"), *(each.get("Ref") for each in effect.iter(f"{META}Section"))}:
            for at in [each for each in found if ref and each.split("/", 3)[3].replace("/", "-") == ref]:
                found[at] = replace(found[at], pending=found[at].pending + 1)
    return found


def _provisions(part: ET.Element, day: str | None, status: str | None) -> Iterator[Published]:
    """Day and status stand on the provision, or on what it stands in."""
    day, status = part.get(DAY, day), part.get(STATUS, status)
    if part.tag == f"{LEG}P1" and (at := _path(part)) is not None:
        words = " ".join(" ".join(part.itertext()).split())
        version = date.fromisoformat(day) if day and status != "Prospective" else None
        yield Published(at, version, status, sha256(words.encode()).hexdigest()[:12])
        return
    for each in part:
        if each.tag != f"{LEG}BlockAmendment":  # words that it puts into another Act
            yield from _provisions(each, day, status)


def _path(part: ET.Element) -> str | None:
    """Without the host, `id/`, and a day at the end. None: it is no provision that has an address of its own."""
    address = part.get("IdURI") or part.get("DocumentURI") or ""
    _, found, path = address.partition(HOST)
    steps = path.removeprefix("id/").split("/")
    return "/".join(steps[:5]) if found and len(steps) >= 5 else None  # type, year, number, kind, number
