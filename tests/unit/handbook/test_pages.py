"""The rendered pages say what the rules say."""

from pathlib import Path

from services.handbook.documents import pages as documents
from services.protocol.law.law import shipped
from services.protocol.loader import DEFAULT, Library, files
from services.schemas.documents import list_differing, write_differing

PROTOCOL = Library(files()).current(DEFAULT)
PAGE = documents.protocol_page(PROTOCOL, shipped())


def test_every_rule_is_on_the_page_with_its_paragraphs() -> None:
    for rule in PROTOCOL.rules:
        assert f"(`{rule.id}`)" in PAGE
        assert f"*{rule.because.kind}: {', '.join(rule.because.cite)}*" in PAGE


def test_every_heading_that_the_contents_link_to_is_there() -> None:
    headings = {"#" + line[3:].lower().replace(" ", "-") for line in PAGE.splitlines() if line.startswith("## ")}
    links = {part.split(")")[0] for line in PAGE.splitlines() for part in line.split("](")[1:] if part.startswith("#")}
    assert links
    assert links <= headings


def test_a_page_that_is_missing_or_differs_is_found_and_written(tmp_path: Path) -> None:
    assert list_differing(documents.documents(), tmp_path) == sorted(documents.documents())
    assert write_differing(documents.documents(), tmp_path) == sorted(documents.documents())
    (tmp_path / "protocol.md").write_text("by hand")
    assert list_differing(documents.documents(), tmp_path) == ["protocol.md"]
