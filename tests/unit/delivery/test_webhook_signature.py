"""A webhook is taken by any of the secrets that its sender may sign with, and by no other; what is odd breaks nothing."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from services.platform.delivery.webhook_signature import generate_key, is_signed, sign

pytestmark = pytest.mark.usefixtures("each_moment")

OURS, NEXT, OTHERS = ("whsec_" + b64encode(each * 32).decode() for each in (b"a", b"b", b"c"))
BODY = '{"name": "é"}'
SIX_MINUTES = timedelta(minutes=6)


def headers(secret: str = OURS, body: str = BODY, at: timedelta = timedelta(0)) -> dict[str, str]:
    now = datetime.now(UTC) + at
    return {
        "webhook-id": "1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("1", now, body),
    }


@pytest.mark.parametrize("secret", [OURS, NEXT])
def test_each_of_several_secrets_signs(secret: str) -> None:
    assert is_signed(BODY.encode(), headers(secret) | {"host": "here"}, (OURS, NEXT))


@pytest.mark.parametrize("given", [{"secret": OTHERS}, {"body": "{}"}, {"at": -SIX_MINUTES}, {"at": SIX_MINUTES}])
def test_another_secret_body_or_time_is_not_signed(given: dict[str, Any]) -> None:
    assert not is_signed(BODY.encode(), headers(**given), (OURS, NEXT))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("webhook-timestamp", each) for each in ("", "inf", "nan", "-1e300", "9" * 5000, "soon")),
        *(("webhook-signature", each) for each in ("", "v1", "v1,", "v1,%", "v1,a,b", "v2,YQ==", "v1,é")),
        *(("webhook-id", each) for each in ("", "2", "\udc80")),
    ],
)
def test_what_is_odd_in_a_header_is_not_signed_and_breaks_nothing(name: str, value: str) -> None:
    whole = headers()
    assert is_signed(BODY.encode(), whole, (OURS,))
    assert not is_signed(BODY.encode(), whole | {name: value}, (OURS, NEXT))
    del whole[name]
    assert not is_signed(BODY.encode(), whole, (OURS, NEXT))


def test_bytes_that_are_no_text_are_not_signed() -> None:
    assert not is_signed(b"\xff", headers(body="\ufffd"), (OURS,))


def test_a_signature_that_cannot_be_read_does_not_hide_a_right_one() -> None:
    private, public = generate_key()
    whole = headers()
    right = sign(private, "1", datetime.fromtimestamp(int(whole["webhook-timestamp"]), UTC), BODY)
    assert is_signed(BODY.encode(), whole | {"webhook-signature": f"v1a,abc {right}"}, (public,))
    assert not is_signed(BODY.encode(), whole | {"webhook-signature": "v1a,abc"}, (public,))


@pytest.mark.parametrize("before", ["v1,abc", "v1", "v1,a,b", "v1,%", "", "v2,YQ=="])
def test_what_is_no_signature_of_a_secret_does_not_hide_one(before: str) -> None:
    whole = headers()
    assert is_signed(BODY.encode(), whole | {"webhook-signature": f"{before} {whole['webhook-signature']}"}, (OURS,))


def test_without_a_secret_nobody_signs() -> None:
    assert not is_signed(BODY.encode(), headers(), ())
