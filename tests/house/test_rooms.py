"""Rooms have the same names everywhere, and each says what it is for."""

import ast
from pathlib import Path

import pytest

from services.run import SERVICES

ROOT = Path(__file__).parents[2]
NOT_NAMES = {"utils", "util", "common", "helpers", "helper", "base", "core", "manager", "managers", "misc"}
CODE = sorted(path for folder in ("services", "infra") for path in (ROOT / folder).rglob("*.py"))
MIGRATIONS = ROOT / "services" / "platform" / "store" / "migrations" / "versions"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_says_what_it_hears_says_and_promises(service: str) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / "services" / service / "__init__.py").read_text())) or ""
    assert [word for word in ("Hears", "Says", "Promises") if word not in docstring] == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_put_together_in_app_in_few_lines(service: str) -> None:
    app = ROOT / "services" / service / "app.py"
    assert len(app.read_text().splitlines()) < 80


def test_every_module_says_in_its_first_line_what_it_is_for() -> None:
    silent = [
        path for path in CODE if path.read_text().strip() and ast.get_docstring(ast.parse(path.read_text())) is None
    ]
    assert silent == []


def test_no_module_or_folder_is_named_for_nothing_in_particular() -> None:
    assert [path for path in CODE if NOT_NAMES & {path.stem, *path.relative_to(ROOT).parent.parts}] == []


def test_migrations_are_one_line_of_history_numbered_in_order() -> None:
    files = sorted(MIGRATIONS.glob("0*.py"))
    history = [_assigned(path) for path in files]
    assert [each["revision"] for each in history] == [path.stem for path in files]
    assert [each["down_revision"] for each in history] == [None, *(path.stem for path in files[:-1])]
    assert [path.stem[:4] for path in files] == [f"{number:04}" for number in range(1, len(files) + 1)]


def _assigned(path: Path) -> dict[str, object]:
    return {
        target.id: ast.literal_eval(node.value)
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


NOUNS = {"meaning", "meeting", "spelling", "wording"}
CLAUSES = {
    "what",
    "which",
    "whether",
    "who",
    "whom",
    "whose",
    "whoever",
    "whatever",
    "where",
    "when",
    "how",
    "why",
    "of",
    "in",
    "only",
}


def test_a_module_is_named_by_a_noun() -> None:
    last_words = {path: path.stem.split("_")[-1] for path in CODE if MIGRATIONS not in path.parents}
    assert [path for path, word in last_words.items() if word.endswith("ing") and word not in NOUNS] == []


def test_the_first_line_of_a_module_is_a_sentence_about_it() -> None:
    lines = {
        path: ast.get_docstring(ast.parse(path.read_text())) or "" for path in CODE if MIGRATIONS not in path.parents
    }
    clauses = [
        path.relative_to(ROOT).as_posix()
        for path, line in lines.items()
        if line.lower().split(maxsplit=1)[:1] and line.lower().split()[0].strip("`,:") in CLAUSES
    ]
    assert clauses == []
