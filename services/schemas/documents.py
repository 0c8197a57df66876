"""Lists every document of `schemas/`, and finds those that differ from the files there."""

import json
from pathlib import Path
from typing import Any

import yaml

from services.safeguarding.contracts import contracts
from services.schemas import asyncapi, openapi, police_webhooks, rules_file
from services.schemas.examples import example
from services.schemas.messages import ENVELOPE, content_schema, path_of

FOLDER = Path(__file__).parents[2] / "schemas"


def documents() -> dict[str, str]:
    """Each document's text by its path under `schemas/`."""
    rendered: dict[str, Any] = {
        "envelope.json": ENVELOPE,
        "protocol.json": rules_file.schema(),
        "openapi/police-webhooks.json": police_webhooks.document(),
    }
    for contract in contracts().values():
        rendered[path_of(contract)] = content_schema(contract)
        rendered[f"examples/{contract.kind}.json"] = example(contract)
    rendered |= {f"openapi/{service}.json": each for service, each in openapi.documents().items()}
    texts = {path: json.dumps(each, indent=2, ensure_ascii=False) + "\n" for path, each in rendered.items()}
    texts["asyncapi.yaml"] = yaml.safe_dump(asyncapi.document(), sort_keys=False, allow_unicode=True, width=120)
    return texts


def differing(folder: Path = FOLDER) -> list[str]:
    """Paths that are missing, hold another text, or should not be there."""
    wanted = documents()
    there = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
    return sorted(path for path in wanted.keys() | there.keys() if wanted.get(path) != there.get(path))


def write(folder: Path = FOLDER) -> list[str]:
    """Writes what differs, deletes what should not be there, and returns the paths of both."""
    wanted, changed = documents(), differing(folder)
    for path in changed:
        file = folder / path
        if path not in wanted:
            file.unlink()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(wanted[path])
    return changed
