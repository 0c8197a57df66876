"""Whom a number belongs to, where the register has it more than once."""

from base64 import b64encode
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from services.platform.register.conversation import Speaker, SpeakerKind, speaker_by_number
from services.platform.store.encryption import Keyring

KEYRING = Keyring(b64encode(b"m" * 32).decode(), b64encode(b"p" * 32).decode())
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def row(person: str, authority: str, child: str | None) -> SimpleNamespace:
    """A carer's, with a child or without."""
    known: dict[str, str | bool | None] = {
        "person": person,
        "authority": authority,
        "language": "en",
        "placement": f"placement-{authority}",
    }
    known |= {
        "kind": "foster",
        "force": "northmoor-police",
        "child": child,
        "code": "C1" if child else None,
        "live": True,
        "sex": None,
    }
    unknown = dict.fromkeys(
        ["from_at", "to_at", "name", "known_as", "child_key", "in_directory", "of_police", "duty_line"]
    )
    return SimpleNamespace(**unknown, **known)


def spoken_by(*rows: SimpleNamespace) -> Speaker:
    return speaker_by_number(KEYRING, [b"h"], AT).decode(rows)


@pytest.mark.parametrize(("with_child", "without"), [("person-1", "person-2"), ("person-2", "person-1")])
def test_a_carer_whom_two_authorities_know_speaks_for_whom_they_care_for(with_child: str, without: str) -> None:
    found = spoken_by(row(without, "kestrel", None), row(with_child, "lapwing", "child-1"))
    assert (found.kind, found.authority) == (SpeakerKind.CARER, "lapwing")
    assert [each.child for each in found.children] == ["child-1"]
