"""Each closed vocabulary has a row in docs/architecture.md, and everything that must know its members knows each."""

import ast
import re
from pathlib import Path

import pytest

import services
from services.platform.delivery.model import MEDIA
from services.protocol.policy.rule_language.vocabulary import Condition
from services.safeguarding.roles import ROLES, Channel
from services.schemas.documents import schema

SERVICES = Path(services.__file__).parent
TABLE = (SERVICES.parent / "docs/architecture.md").read_text()


def _is_made_of_a_file(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "StrEnum"


WRITTEN = [
    path
    for path in SERVICES.rglob("*.py")
    if ".yaml" in path.read_text() and any(map(_is_made_of_a_file, ast.walk(ast.parse(path.read_text()))))
]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_architecture_says_where_each_vocabulary_of_a_file_is_changed(path: Path) -> None:
    assert path.relative_to(SERVICES.parent).as_posix().removesuffix(".py") in TABLE
    for name in re.findall(r'"([a-z_]+\.yaml)"', path.read_text()):
        assert f"{path.parent.relative_to(SERVICES.parent).as_posix()}/{name}" in TABLE


def test_every_channel_has_a_medium_and_somebody_to_tell() -> None:
    assert set(MEDIA) == set(Channel) == {channel for each in ROLES.values() for channel in each.channels}


def test_authors_are_offered_every_condition_of_closing() -> None:
    assert schema()["properties"]["closing"]["items"]["enum"] == list(Condition)
