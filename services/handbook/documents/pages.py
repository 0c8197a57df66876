"""Renders pages of `docs/` from rules and stories, and finds those that differ from the files there."""

from pathlib import Path

from services.handbook.charts.chart import charts
from services.handbook.charts.svg import svg
from services.handbook.documents import disclosure, dpia, protocol_page, records, requirements, safety_case
from services.protocol.loader import Library, files
from services.protocol.rule_file import DEFAULT

FOLDER = Path(__file__).parents[3] / "docs"
DRAWN = ("child.reported-missing",)
"""Events whose picture lies in `docs/protocol/`."""


def documents() -> dict[str, str]:
    """Each page's text by its path under `docs/`."""
    library = Library(files())
    protocol = library.current(DEFAULT)
    drawn = {f"protocol/{event}.svg": svg(charts(event, library, DEFAULT)) for event in DRAWN}
    return {
        "disclosure.md": disclosure.page(),
        "dpia.md": dpia.page(),
        "protocol.md": protocol_page.page(protocol, library.law),
        "records-of-processing.md": records.page(),
        "requirements.md": requirements.page(protocol),
        "safety-case.md": safety_case.page(protocol),
        **drawn,
    }


def differing(folder: Path = FOLDER) -> list[str]:
    """Paths of pages that are missing or hold another text."""
    return sorted(
        path
        for path, text in documents().items()
        if not (folder / path).exists() or (folder / path).read_text() != text
    )


def write(folder: Path = FOLDER) -> list[str]:
    """Writes what differs and returns its paths."""
    wanted, changed = documents(), differing(folder)
    for path in changed:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(wanted[path])
    return changed
