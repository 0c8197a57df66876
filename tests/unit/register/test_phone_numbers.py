"""Whom a number belongs to, where the register has it more than once."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest

from services.platform.register.conversation import COLUMNS, Speaker, SpeakerKind, told
from services.platform.store.encryption import Keyring

KEYRING = Keyring(b64encode(b"m" * 32).decode(), b64encode(b"p" * 32).decode())
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def row(person: str, authority: str, child: str | None) -> tuple[Any, ...]:
    """A carer's, with a child or without."""
    known: dict[str, str | None] = {
        "person": person,
        "authority": authority,
        "language": "en",
        "placement": f"placement-{authority}",
    }
    known |= {"kind": "foster", "force": "northmoor-police", "child": child, "code": "C1" if child else None}
    return tuple(known.get(name) for name in COLUMNS)


def spoken_by(*rows: tuple[Any, ...]) -> Speaker:
    return told(KEYRING, rows, AT)


@pytest.mark.parametrize(("with_child", "without"), [("person-1", "person-2"), ("person-2", "person-1")])
def test_a_carer_whom_two_authorities_know_speaks_for_whom_they_care_for(with_child: str, without: str) -> None:
    found = spoken_by(row(without, "kestrel", None), row(with_child, "lapwing", "child-1"))
    assert (found.kind, found.authority) == (SpeakerKind.CARER, "lapwing")
    assert [each.child for each in found.children] == ["child-1"]
