"""What the documents say of the house is so."""

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

from typer.testing import CliRunner

from services.command_line import app
from services.handbook.documents import pages
from tests.support.cases import try_each
from tests.support.guide import read_guide

ROOT = Path(__file__).parents[2]
DECISIONS = ROOT / "docs" / "decisions"
ROW = re.compile(r"^\| \[`(?P<service>[a-z]+)`\]\(services/[a-z]+/__init__\.py\) \| (?P<does>.+) \|$", re.MULTILINE)
PUBLISHED = re.compile(r"((?:`/[a-z]+/?`(?:, | and )?)+) \((?P<service>[a-z]+), 81\d\d\)")
INSIDE = {"/card", "/health", "/metrics", "/organisations", "/register"}
LINK = re.compile(r"\]\((?!https?:)(?P<target>[^)#]+)")
NAMED_FILE = re.compile(r"`(?P<path>[a-z]+/[a-z_/-]+\.(py|yaml))`")
COUNTER = re.compile(r"Counter\(\s*\"(?P<name>[a-z_]+)\"")
MEASURED = re.compile(r"`(?P<metric>[a-z]+_[a-z_]+)[`{]")
TEST = re.compile(r"`(?P<file>tests/[a-z_/]+\.py)::(?P<test>test_\w+)`")
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def services() -> list[str]:
    return CliRunner().invoke(app, ["list"]).stdout.split()


def first_line(service: str) -> str:
    return (importlib.import_module(f"services.{service}").__doc__ or "").splitlines()[0]


def test_the_readme_lists_the_services_that_there_are_in_their_own_words() -> None:
    told = [(row["service"], row["does"]) for row in ROW.finditer((ROOT / "README.md").read_text())]
    assert told == [(service, first_line(service)) for service in services()]


def test_the_proxy_publishes_every_path_that_is_for_the_outside() -> None:
    """A path that is left out is a text, a call or a link of which nobody hears."""
    said = read_guide().split("Publish only these paths")[1].splitlines()
    told = {
        (found["service"], path.rstrip("/"))
        for found in PUBLISHED.finditer(" ".join(said[:2]))
        for path in re.findall("`([^`]+)`", found[1])
    }
    there = {
        (contract.stem, f"/{path.split('/')[1]}")
        for contract in (ROOT / "schemas" / "openapi").glob("*.json")
        for path in json.loads(contract.read_text()).get("paths", ())
    }
    assert told == {(service, path) for service, path in there if service != "console" and path not in INSIDE}


def found_in_documents(pattern: re.Pattern[str]) -> Iterator[tuple[Path, str, str]]:
    """What it names, and all that it found."""
    for document in DOCUMENTS:
        for found in pattern.finditer(document.read_text()):
            yield document, found[1], found[0]


def test_every_link_leads_somewhere() -> None:
    try_each(found_in_documents(LINK), lambda found: not (found[0].parent / found[1]).exists())


def test_every_file_that_a_document_names_exists() -> None:
    def is_lost(found: tuple[Path, str, str]) -> bool:
        document, path, _ = found
        return not any((place / path).exists() for place in (ROOT, ROOT / "services", document.parent))

    try_each(found_in_documents(NAMED_FILE), is_lost)


def test_a_count_that_a_document_names_is_called_as_prometheus_has_it() -> None:
    modules = [each.read_text() for each in (ROOT / "services").rglob("*.py")]
    counters = {name for module in modules for name in COUNTER.findall(module)}
    assert "bus_messages_published_again" in counters
    try_each(found_in_documents(MEASURED), lambda found: found[1] in counters)


def test_every_test_that_a_document_names_exists() -> None:
    named = {tuple(found.strip("`").split("::")) for _, _, found in found_in_documents(TEST)}
    try_each(named, lambda each: f"def {each[1]}(" not in (ROOT / each[0]).read_text())


def test_every_threat_that_the_security_document_lists_names_a_test() -> None:
    threats, _ = (ROOT / "docs" / "security.md").read_text().split("## Open")
    rows = re.findall(r"^\| [STRIDE] \|.+$", threats, re.MULTILINE)
    assert len(rows) > 30
    assert [row for row in rows if TEST.search(row) is None] == []


def test_every_make_target_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for document in DOCUMENTS for name in re.findall(r"`make ([a-z-]+)", document.read_text())}
    assert named - targets == set()


def test_make_says_every_page_that_schemas_renders() -> None:
    [said] = re.findall(r"^schemas: ## (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    rendered = {f"{path.split('/')[0]}/" if "/" in path else path for path in pages.documents()}
    assert {each for each in rendered if each not in said} == set()


def test_the_index_of_decisions_lists_each_under_its_own_title() -> None:
    listed = re.findall(r"^\| \[\d{4}\]\(([^)]+)\) \| (.+) \|$", (DECISIONS / "README.md").read_text(), re.MULTILINE)
    files = sorted(path for path in DECISIONS.glob("*.md") if path.name != "README.md")
    titles = [path.read_text().splitlines()[0].split(". ", maxsplit=1)[1] for path in files]
    assert listed == list(zip([path.name for path in files], titles, strict=True))


def test_a_decision_says_its_context_what_was_decided_and_what_follows() -> None:
    def holds(path: Path) -> None:
        text = path.read_text()
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
        assert re.search(r"^(Accepted|Superseded by \d{4}), ", text, re.MULTILINE)

    try_each(DECISIONS.glob("0*.md"), holds)
