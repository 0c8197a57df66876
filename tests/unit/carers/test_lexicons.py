"""The code and the lexicons (`services/carers/understanding/languages/lexicons`) name the same words and patterns."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

import services.carers
from services.carers.understanding.languages.lexicon import FOLDER, read_lexicon
from services.safeguarding.notice_fields import ReportQuestion

CARERS = Path(services.carers.__file__).parent
TREES = {path: ast.parse(path.read_text()) for path in CARERS.rglob("*.py")}
READERS = [path for path in TREES if "languages.lexicon" in path.read_text() or "sentences.lexicon" in path.read_text()]
WRITTEN = {each.value for tree in TREES.values() for each in ast.walk(tree) if isinstance(each, ast.Constant)}


@pytest.mark.parametrize("path", READERS, ids=lambda path: path.stem)
def test_each_entry_that_is_read_is_in_the_lexicon(path: Path) -> None:
    module = import_module(".".join(path.relative_to(CARERS.parents[1]).with_suffix("").parts))
    read = [
        (each.value.id, each.slice.value)
        for each in ast.walk(TREES[path])
        if isinstance(each, ast.Subscript) and isinstance(each.value, ast.Name) and isinstance(each.slice, ast.Constant)
    ]
    loaded = {name: content for name, content in vars(module).items() if isinstance(content, dict) and name.isupper()}
    assert [(name, key) for name, key in read if name in loaded and key not in loaded[name]] == []


@pytest.mark.parametrize("lexicon", [each.stem for each in FOLDER.glob("*.yaml")])
def test_each_entry_of_a_lexicon_is_read(lexicon: str) -> None:
    content = read_lexicon(lexicon)
    entries = {key for section in ("words", "patterns", "each") for key in content.get(section, ())}
    assert entries - WRITTEN - set(ReportQuestion) == set()
