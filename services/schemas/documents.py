"""Lists every document of `schemas/`, compares them with the files of a folder, and writes those that differ."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from services.safeguarding.contracts import contracts
from services.schemas import messages, openapi, rules_file
from services.schemas.messages import ENVELOPE, content_schema, example, path_of

FOLDER = Path(__file__).parents[2] / "schemas"


def documents() -> dict[str, str]:
    """Each document's text by its path under `schemas/`."""
    rendered: dict[str, Any] = {
        "envelope.json": ENVELOPE,
        "protocol.json": rules_file.schema(),
        "openapi/police-webhooks.json": openapi.police_webhooks(),
    }
    for contract in contracts().values():
        rendered[path_of(contract)] = content_schema(contract)
        rendered[f"examples/{contract.kind}.json"] = example(contract)
    rendered |= {f"openapi/{service}.json": each for service, each in openapi.documents().items()}
    texts = {path: json.dumps(each, indent=2, ensure_ascii=False) + "\n" for path, each in rendered.items()}
    texts["asyncapi.yaml"] = yaml.safe_dump(messages.document(), sort_keys=False, allow_unicode=True, width=120)
    return texts


def list_differing(wanted: Mapping[str, str], folder: Path, *, alone: bool = False) -> list[str]:
    """Paths that are missing or hold another text; where the documents are `alone` there, also any other file's."""
    others = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} if alone else set()
    return sorted(path for path in wanted.keys() | others if wanted.get(path) != _text_of(folder / path))


def write_differing(wanted: Mapping[str, str], folder: Path, *, alone: bool = False) -> list[str]:
    """Writes what differs, deletes what should not be there, and returns the paths of both."""
    changed = list_differing(wanted, folder, alone=alone)
    for path in changed:
        file = folder / path
        if path not in wanted:
            file.unlink()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(wanted[path])
    return changed


def _text_of(file: Path) -> str | None:
    return file.read_text() if file.exists() else None
