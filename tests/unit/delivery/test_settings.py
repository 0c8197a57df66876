"""A secret whose file was emptied opens no door: the service does not start, or goes without it where it can."""

import hashlib
import hmac
from base64 import b64encode
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import ValidationError

from services.carers.settings import CarersSettings
from services.casework.settings import CaseworkSettings
from services.console.settings import ConsoleSettings
from services.platform.delivery.channels.sms import signature_is_valid
from services.platform.delivery.links import Purpose
from services.platform.delivery.settings.correspondence import CorrespondenceSettings
from services.platform.delivery.settings.keys import KeySettings
from services.platform.delivery.settings.sms import TextSettings
from services.platform.runtime.commands import explain_error
from services.platform.runtime.settings import Settings

KEY = b64encode(bytes(range(32))).decode()
SECRETS = {
    "database_password": "secret",
    "master_key": KEY,
    "phone_key": KEY,
    "link_key": KEY,
    "twilio_auth_token": "real",
    "smtp_password": "secret",
}
REST = {
    "HTTP_PORT": "1",
    "PUBLIC_URL": "https://p.example",
    "SMTP_HOST": "relay.example",
    "SMTP_FROM": "a@p.example",
    "SMTP_LISTEN_PORT": "2",
    "SMTP_AUTHSERV_ID": "mx.p.example",
    "TWILIO_ACCOUNT_SID": "AC1",
    "TWILIO_FROM": "+447700900500",
    "SPOOL_DIR": "/nowhere",
}
SANDBOX = {
    "SANDBOX": "1",
    "PUBLIC_URL": "http://127.0.0.1:8105",
    "SMTP_HOST": "127.0.0.1",
    "TWILIO_BASE_URL": "http://localhost:8100",
}
CALLBACK = "https://p.example/texts/status?delivery=5e25dfd0-c380-5175-ae29-2c122553f19d"
FORM = {"MessageSid": "SM1", "MessageStatus": "delivered"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in REST.items():
        monkeypatch.setenv(f"SAFE_RETURN_{name}", value)
    monkeypatch.setenv("SAFE_RETURN_SECRETS_DIR", str(tmp_path))
    for name, value in SECRETS.items():
        (tmp_path / name).write_text(value)
    return tmp_path


@pytest.mark.parametrize("empty", ["", "\n", "  \n"])
@pytest.mark.parametrize(
    ("settings", "secret"),
    [
        (Settings, "database_password"),
        (CaseworkSettings, "phone_key"),
        (CorrespondenceSettings, "link_key"),
        (CorrespondenceSettings, "smtp_password"),
        (TextSettings, "twilio_auth_token"),
    ],
)
def test_an_emptied_secret_is_named_and_nothing_starts(
    folder: Path, settings: type[Settings], secret: str, empty: str
) -> None:
    settings()
    (folder / secret).write_text(empty)
    with pytest.raises(ValidationError, match=secret):
        settings()


@pytest.mark.parametrize("secret", ["master_key", "phone_key"])
@pytest.mark.parametrize("settings", [ConsoleSettings, CorrespondenceSettings])
def test_an_emptied_key_is_named_and_nothing_starts(folder: Path, settings: type[KeySettings], secret: str) -> None:
    assert settings().keyring.number_hash("+447700900100")
    (folder / secret).write_text("")
    with pytest.raises(ValueError, match=secret):
        _ = settings().keyring


def test_links_are_signed_by_the_key_that_is_in_its_file(folder: Path) -> None:
    links, delivery = CorrespondenceSettings().links, UUID(int=1)
    old = links.short_url(Purpose.DEED, delivery)
    draft = folder / "draft"
    draft.write_text(f"{b64encode(b'n' * 32).decode()}\n{KEY}")
    draft.replace(folder / "link_key")
    assert links.short_url(Purpose.DEED, delivery) != old
    assert links.is_short(Purpose.DEED, old.rpartition("/")[2], delivery)


def test_tokens_are_read_again_as_they_change_and_an_alternate_that_was_emptied_or_removed_is_none(
    folder: Path,
) -> None:
    alternate = folder / "twilio_auth_token_alternate"
    tokens = TextSettings().twilio_tokens
    assert tokens() == ("real",)
    for name, content, wanted in (
        (alternate.name, "other", ("real", "other")),
        ("twilio_auth_token", "newer", ("newer", "other")),
        ("twilio_auth_token", "", ("newer", "other")),
        (alternate.name, "", ("newer",)),
    ):
        draft = folder / "draft"
        draft.write_text(content)
        draft.replace(folder / name)
        assert tokens() == wanted
    assert signature_is_valid(CALLBACK, FORM, signed("newer"), tokens())
    assert not signature_is_valid(CALLBACK, FORM, signed(""), tokens())
    alternate.unlink()
    assert tokens() == ("newer",)


@pytest.mark.parametrize("lacking", ["NOTIFY_TEMPLATE", "notify_bearer", None])
def test_a_key_of_notify_needs_a_template_and_the_token_of_its_callbacks(
    folder: Path, monkeypatch: pytest.MonkeyPatch, lacking: str | None
) -> None:
    assert TextSettings().notify_api_key.get_secret_value() == ""
    (folder / "notify_api_key").write_text("key")
    if lacking != "NOTIFY_TEMPLATE":
        monkeypatch.setenv("SAFE_RETURN_NOTIFY_TEMPLATE", "f33517ff-2a88-4f6e-b855-c550268ce08a")
    if lacking != "notify_bearer":
        (folder / "notify_bearer").write_text("token")
    if lacking is None:
        TextSettings()
        return
    with pytest.raises(ValidationError, match="notify_api_key") as refused:
        TextSettings()
    assert "SAFE_RETURN_NOTIFY_TEMPLATE" in str(explain_error(refused.value))


def signed(token: str) -> str:
    """As Twilio signs."""
    said = CALLBACK + "".join(name + FORM[name] for name in sorted(FORM))
    return b64encode(hmac.new(token.encode(), said.encode(), hashlib.sha1).digest()).decode()


@pytest.mark.parametrize("settings", [CorrespondenceSettings, CarersSettings, CaseworkSettings])
def test_a_whole_sandbox_and_a_whole_world_both_start(
    settings: type[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings()
    for name, value in SANDBOX.items():
        monkeypatch.setenv(f"SAFE_RETURN_{name}", value)
    settings()


@pytest.mark.parametrize(
    ("setting", "real"),
    [
        ("DATABASE", "postgresql://postgres:5432/safe_return"),
        ("KAFKA", "127.0.0.1:9092,kafka.example:9092"),
        ("HTTP_HOST", "10.0.0.1"),
        ("PUBLIC_URL", "https://p.example"),
        ("SMTP_HOST", "relay.example"),
        ("TWILIO_BASE_URL", "https://api.twilio.com"),
        ("TWILIO_BASE_URL", None),
        ("NOTIFY_BASE_URL", "https://api.notifications.service.gov.uk"),
    ],
)
def test_a_sandbox_beside_something_of_the_real_world_does_not_start(
    monkeypatch: pytest.MonkeyPatch, setting: str, real: str | None
) -> None:
    for name, value in SANDBOX.items():
        monkeypatch.setenv(f"SAFE_RETURN_{name}", value)
    monkeypatch.delenv(f"SAFE_RETURN_{setting}", raising=False)
    if real is not None:
        monkeypatch.setenv(f"SAFE_RETURN_{setting}", real)
    with pytest.raises(ValidationError, match=setting.lower()):
        CorrespondenceSettings()


VERIFIED = "sslmode=verify-full&channel_binding=require"


@pytest.mark.parametrize(
    ("setting", "value", "starts"),
    [
        ("DATABASE", "postgresql://db:5432/safe_return", False),
        ("DATABASE", "postgresql://db:5432/safe_return?sslmode=require&channel_binding=require", False),
        ("DATABASE", "postgresql://db:5432/safe_return?sslmode=verify-full", False),
        ("DATABASE", "postgresql:///safe_return?host=127.0.0.1,db&port=1,2", False),
        ("DATABASE", f"postgresql://db:5432/safe_return?{VERIFIED}", True),
        ("DATABASE", f"postgresql:///safe_return?host=one,two&port=1,2&{VERIFIED}", True),
        ("DATABASE", "postgresql:///safe_return?host=127.0.0.1,127.0.0.1&port=1,2", True),
        ("DATABASE", "postgresql:///safe_return?host=/run/postgresql", True),
        ("KAFKA", "kafka:9092", False),
        ("KAFKA", "127.0.0.1:9092,kafka:9092", False),
        ("KAFKA", "127.0.0.1:9092,127.0.0.1:9093", True),
    ],
)
def test_an_engine_beyond_this_machine_is_reached_over_verified_tls_or_nothing_starts(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: str, starts: bool
) -> None:
    monkeypatch.setenv(f"SAFE_RETURN_{setting}", value)
    if starts:
        CorrespondenceSettings()
        return
    with pytest.raises(ValidationError) as refused:
        CorrespondenceSettings()
    said = " ".join(explain_error(refused.value) or [])
    assert f"SAFE_RETURN_{setting}" in said
    assert "is beyond this machine and not over verified TLS" in said
    assert value not in said


@pytest.mark.parametrize("setting", ["TWILIO_BASE_URL", "PUBLIC_URL"])
def test_the_real_world_beside_something_of_a_sandbox_does_not_start(
    monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setenv(f"SAFE_RETURN_{setting}", SANDBOX[setting])
    with pytest.raises(ValidationError, match=setting.lower()):
        CorrespondenceSettings()


def test_mail_is_taken_beyond_this_machine_over_tls_or_where_somebody_says_that_others_are_kept_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAFE_RETURN_SMTP_LISTEN_HOST", "10.0.0.1")
    with pytest.raises(ValidationError, match="smtp_listen_host"):
        CorrespondenceSettings()
    for setting, value in (("PLAIN", "1"), ("CERTIFICATE", str(folder / "link_key"))):
        with monkeypatch.context() as said:
            said.setenv(f"SAFE_RETURN_SMTP_LISTEN_{setting}", value)
            assert CorrespondenceSettings().smtp_listen_host == "10.0.0.1"


def test_the_networks_of_the_relays_are_read_and_a_wrong_one_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert CorrespondenceSettings().smtp_listen_networks == ()
    monkeypatch.setenv("SAFE_RETURN_SMTP_LISTEN_NETWORKS", "10.20.0.5/32 fd00:20::/64")
    assert [str(each) for each in CorrespondenceSettings().smtp_listen_networks] == ["10.20.0.5/32", "fd00:20::/64"]
    monkeypatch.setenv("SAFE_RETURN_SMTP_LISTEN_NETWORKS", "relay.kestrel.example")
    with pytest.raises(ValidationError) as refused:
        CorrespondenceSettings()
    assert "SAFE_RETURN_SMTP_LISTEN_NETWORKS" in " ".join(explain_error(refused.value) or [])
