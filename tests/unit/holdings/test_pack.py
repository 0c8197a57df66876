"""What is given to a person says how long each record is kept."""

from base64 import b64encode
from datetime import UTC, datetime

import pytest

from services.holdings.subject_access import Row, build_pack
from services.platform.register.keys import Decryptor
from services.platform.store.disposal import holdings
from services.platform.store.encryption import Keyring

KEYRING = Keyring(b64encode(b"m" * 32).decode(), b64encode(b"p" * 32).decode())
ERASED = Decryptor(KEYRING, "", None)


@pytest.mark.parametrize(
    ("table", "kept"),
    [
        ("police.reading_codes", "70 minutes"),
        ("console.sessions", "24 hours"),
        ("carers.texts_in", "400 days"),
    ],
)
def test_a_period_is_said_as_in_the_records_of_processing(table: str, kept: str) -> None:
    row = Row(table, dict.fromkeys(holdings()[table].fields), ERASED)
    pack = build_pack([row], "account-1", "kestrel", datetime(2026, 6, 1, tzinfo=UTC))
    assert [each["kept"] for each in pack.held] == [kept]
