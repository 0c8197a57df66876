"""What does not open is a gap, and is told of: it was erased, or somebody changed it."""

from base64 import b64encode

import pytest
from cryptography.exceptions import InvalidTag
from structlog.testing import capture_logs

from services.platform.register import keys
from services.platform.register.keys import Decryptor
from services.platform.store.encryption import Keyring

PLACE = "children.name"
KEYRING = Keyring(b64encode(b"m" * 32).decode(), b64encode(b"p" * 32).decode())
WRAPPED = KEYRING.wrapped_new_key("child-x")
CLOSED = KEYRING.unwrap("child-x", WRAPPED).close("Amara", PLACE)


def test_what_its_key_closed_opens_and_says_nothing() -> None:
    before = keys.UNDECRYPTABLE._value.get()
    with capture_logs() as logs:
        assert Decryptor(KEYRING, "child-x", WRAPPED).open(CLOSED, PLACE) == "Amara"
    assert (logs, keys.UNDECRYPTABLE._value.get()) == ([], before)


@pytest.mark.parametrize("wrapped", [KEYRING.wrapped_new_key("child-x"), WRAPPED], ids=["made-anew", "changed"])
def test_what_does_not_open_is_a_gap_an_error_that_names_no_one_and_counted(wrapped: bytes) -> None:
    before = keys.UNDECRYPTABLE._value.get()
    closed = CLOSED if wrapped != WRAPPED else CLOSED[:-1] + bytes([CLOSED[-1] ^ 1])
    with capture_logs() as logs:
        assert Decryptor(KEYRING, "child-x", wrapped).open(closed, PLACE) is None
    assert [(each["log_level"], each["name"]) for each in logs] == [("error", PLACE)]
    assert "child-x" not in str(logs)
    assert keys.UNDECRYPTABLE._value.get() == before + 1


def test_without_a_key_or_a_column_there_is_a_gap_and_nothing_to_tell() -> None:
    with capture_logs() as logs:
        assert Decryptor(KEYRING, "child-x", None).open(CLOSED, PLACE) is None
        assert Decryptor(KEYRING, "child-x", WRAPPED).open(None, PLACE) is None
    assert logs == []


def test_under_another_master_key_nothing_is_taken_for_a_gap() -> None:
    other = Keyring(b64encode(b"o" * 32).decode(), b64encode(b"p" * 32).decode())
    with pytest.raises(InvalidTag):
        Decryptor(other, "child-x", WRAPPED)
