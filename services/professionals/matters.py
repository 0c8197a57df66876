"""Sorts messages by matter (`matters.yaml`): which is the most urgent, and which may share a mail."""

from pathlib import Path

import yaml

from services.safeguarding.roles import Wording

PLACE = Path(__file__).parent / "matters.yaml"
PARTS: dict[str, dict[str, list[str]]] = yaml.load(PLACE.read_text(encoding="utf-8"), yaml.CSafeLoader)
MATTERS = tuple(matter for part in PARTS.values() for matter in part)
"""The most urgent first. The last has every wording that no other lists."""
OF_WORDING = {Wording(each): matter for part in PARTS.values() for matter, of in part.items() for each in of}


def matter_of(wording: Wording) -> str:
    return OF_WORDING.get(wording, MATTERS[-1])


def urgency_of(wording: Wording) -> int:
    """0 for the most urgent."""
    return MATTERS.index(matter_of(wording))


def may_share_a_mail(one: Wording, another: Wording) -> bool:
    return any({matter_of(one), matter_of(another)} <= part.keys() for part in PARTS.values())
