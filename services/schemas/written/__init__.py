"""Holds the parts of the documents that no code decides."""

from pathlib import Path
from typing import Any

import yaml


def read_part(name: str) -> dict[str, Any]:
    """The caller may fill it in."""
    part: dict[str, Any] = yaml.load(
        (Path(__file__).parent / f"{name}.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader
    )
    return part
