"""Reads the operators' guide, which is four pages."""

from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("operating.md", "operating-daily.md", "operating-authorities.md", "operating-disaster.md")


def read_guide() -> str:
    return "\n".join((DOCS / each).read_text() for each in PAGES)
