"""What wraps authorities' keys: a file, a hardware security module (SoftHSM), a cloud's key service (moto plays it)."""

import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest
from cryptography.exceptions import InvalidTag
from pydantic import ValidationError

from services.platform.runtime.commands import explain_error
from services.platform.store.encryption import (
    OF_NO_AUTHORITY,
    FileWrapper,
    KeyFile,
    KeyMissing,
    Keyring,
    KeyringSettings,
    KeyServiceAway,
    KeyWrapper,
)
from services.platform.store.engine import is_transient

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PHONE = b64encode(b"p" * 32).decode()
OLD, NEW = (b64encode(each * 32).decode() for each in (b"o", b"n"))
KEY = b"k" * 32


@pytest.fixture(params=["file", "hsm", "kms"])
def wrappers(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[KeyWrapper, KeyWrapper]]:
    """Two, by different keys."""
    if request.param == "file":
        yield FileWrapper(b"a" * 32), FileWrapper(b"b" * 32)
    elif request.param == "hsm":
        yield _hsm(tmp_path, monkeypatch, "one"), _hsm(tmp_path, monkeypatch, "two")
    else:
        boto3, moto = pytest.importorskip("boto3"), pytest.importorskip("moto")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
        with moto.mock_aws():
            kms = boto3.client("kms")
            # A key for each authority: moto denies access where AWS would say that another key is named.
            for name in ("one-kestrel", "one-harrier", "two-kestrel"):
                made = kms.create_key()["KeyMetadata"]["KeyId"]
                kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=made)
            from services.options.key_wrappers.cloud import KmsWrapper

            yield KmsWrapper("alias/one-{authority}"), KmsWrapper("alias/two-{authority}")


def _hsm(folder: Path, monkeypatch: pytest.MonkeyPatch, label: str) -> KeyWrapper:
    pkcs11 = pytest.importorskip("pkcs11", reason="needs the extra hsm")
    if shutil.which("softhsm2-util") is None:
        pytest.skip("needs SoftHSM: apt-get install softhsm2")
    if not (folder / "softhsm2.conf").exists():
        (folder / "tokens").mkdir()
        (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\n")
        monkeypatch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        order = ["softhsm2-util", "--init-token", "--free", "--label", "safe-return", "--pin", "1234", "--so-pin", "1"]
        subprocess.run([*order[:-1], "12345678"], check=True, capture_output=True)
        pkcs11.lib(str(MODULE)).reinitialize()
    with pkcs11.lib(str(MODULE)).get_token(token_label="safe-return").open(rw=True, user_pin="1234") as session:
        session.generate_key(pkcs11.KeyType.AES, 256, label=label, store=True)
    from services.options.key_wrappers.hsm import HsmWrapper

    return HsmWrapper(MODULE, "safe-return", "1234", label)


def test_what_one_key_wrapped_for_one_authority_no_other_key_and_no_other_authority_unwraps(
    wrappers: tuple[KeyWrapper, KeyWrapper],
) -> None:
    one, two = wrappers
    wrapped = one.wrap("kestrel", KEY)
    assert KEY not in wrapped
    assert one.unwrap("kestrel", wrapped) == KEY
    for other, authority, spoilt in (
        (two, "kestrel", wrapped),
        (one, "harrier", wrapped),
        (one, "kestrel", wrapped[:-1]),
    ):
        with pytest.raises(InvalidTag):
            other.unwrap(authority, spoilt)
    assert one.unwrap("kestrel", wrapped) == KEY, "a refusal stops nothing"


def test_from_a_file_to_another_place_and_back_nothing_is_lost(wrappers: tuple[KeyWrapper, KeyWrapper]) -> None:
    before = Keyring(OLD, PHONE)
    under = before.new_authority_key("kestrel")
    wrapped = before.wrapped_new_key("child-x", under)
    closed = before.unwrap("child-x", wrapped).close("hello", "a.b")
    both = Keyring(OLD, PHONE, wrappers[0])
    anew = both.authority_key_anew(under)
    assert anew is not None
    assert both.authority_key_anew(anew) is None
    moved = anew + wrapped[len(under) :]
    after = Keyring(None, PHONE, wrappers[0])
    assert after.unwrap("child-x", moved).open(closed, "a.b") == "hello"
    with pytest.raises(InvalidTag):
        after.unwrap("child-x", wrapped)
    with pytest.raises(InvalidTag):
        before.unwrap("child-x", moved)


def test_an_unwrapped_key_is_asked_for_once(wrappers: tuple[KeyWrapper, KeyWrapper]) -> None:
    asked = []

    class Counting:
        def wrap(self, authority: str, key: bytes) -> bytes:
            return wrappers[0].wrap(authority, key)

        def unwrap(self, authority: str, wrapped: bytes) -> bytes:
            asked.append(authority)
            return wrappers[0].unwrap(authority, wrapped)

    keyring = Keyring(None, PHONE, Counting())
    under = keyring.new_authority_key("kestrel")
    for owner in ("child-x", "child-y", "child-z"):
        keyring.unwrap(owner, keyring.wrapped_new_key(owner, under))
    assert asked == ["kestrel"]


@pytest.mark.parametrize("name", ["key-{authority}", "none"])
def test_a_key_may_be_one_an_authority_and_one_that_is_not_there_is_waited_for(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hsm(tmp_path, monkeypatch, "key-kestrel")
    from services.options.key_wrappers.hsm import HsmWrapper

    wrapper = HsmWrapper(MODULE, "safe-return", "1234", name)
    if name == "none":
        with pytest.raises(KeyServiceAway) as away:
            wrapper.wrap("kestrel", KEY)
        assert (is_transient(away.value), isinstance(away.value, KeyMissing)) == (True, False), "all wait for it"
    else:
        assert wrapper.unwrap("kestrel", wrapper.wrap("kestrel", KEY)) == KEY
        with pytest.raises(KeyMissing) as missing:
            wrapper.unwrap("harrier", wrapper.wrap("kestrel", KEY))
        assert not is_transient(missing.value), "nobody else waits for it"


def test_the_key_of_what_belongs_to_no_authority_has_a_name_that_aws_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    boto3, moto = pytest.importorskip("boto3"), pytest.importorskip("moto")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    with moto.mock_aws():
        kms = boto3.client("kms")
        made = kms.create_key()["KeyMetadata"]["KeyId"]
        for name in ("alias/key-_", "alias/key-kestrel"):
            kms.create_alias(AliasName=name, TargetKeyId=made)
        from services.options.key_wrappers.cloud import KmsWrapper

        wrapper = KmsWrapper("alias/key-{authority}")
        for authority in (OF_NO_AUTHORITY, "kestrel"):
            assert wrapper.unwrap(authority, wrapper.wrap(authority, KEY)) == KEY


def test_a_module_that_is_at_fault_is_away_and_shuts_nothing_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = _hsm(tmp_path, monkeypatch, "key")
    wrapped = wrapper.wrap("kestrel", KEY)
    with monkeypatch.context() as broken:
        broken.setattr(
            wrapper,
            "_key",
            Mock(**{f"return_value.{each}.side_effect": _general_error for each in ("encrypt", "decrypt")}),
        )
        with pytest.raises(KeyServiceAway):
            wrapper.unwrap("kestrel", wrapped)
    assert wrapper.unwrap("kestrel", wrapped) == KEY


def _kms_that_refuses(name: str, monkeypatch: pytest.MonkeyPatch, code: str, says: str = "") -> KeyWrapper:
    pytest.importorskip("boto3")
    from botocore.exceptions import ClientError

    from services.options.key_wrappers.cloud import KmsWrapper

    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    wrapper = KmsWrapper(name)
    refusal = ClientError({"Error": {"Code": code, "Message": says}}, "Encrypt or Decrypt")
    wrapper._kms = Mock(**{"encrypt.side_effect": refusal, "decrypt.side_effect": refusal})
    return wrapper


@pytest.mark.parametrize(
    ("name", "code", "says", "raised"),
    [
        ("alias/common", "AccessDeniedException", "User: x is not authorized to perform: kms:Decrypt", KeyServiceAway),
        ("alias/common", "AccessDeniedException", "The ciphertext refers to a customer master key that", InvalidTag),
        (
            "alias/{authority}",
            "AccessDeniedException",
            "User: x is not authorized to perform: kms:Decrypt",
            KeyServiceAway,
        ),
        ("alias/common", "DisabledException", "", InvalidTag),
        ("alias/common", "ThrottlingException", "", KeyServiceAway),
    ],
)
def test_a_right_that_we_lack_is_waited_for_and_a_key_that_is_disabled_is_gone(
    name: str, code: str, says: str, raised: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = _kms_that_refuses(name, monkeypatch, code, says)
    under = Keyring(OLD, PHONE).new_authority_key("kestrel")
    with pytest.raises(raised):
        Keyring(None, PHONE, wrapper).authority_key_anew(under)
    wrapped = Keyring(OLD, PHONE).wrapped_new_key("child-x", under)
    closed = Keyring(OLD, PHONE).unwrap("child-x", wrapped).close("hello", "a.b")
    assert Keyring(OLD, PHONE, wrapper).unwrap("child-x", wrapped).open(closed, "a.b") == "hello"


@pytest.mark.parametrize(
    ("name", "whose", "code", "raised"),
    [
        ("alias/{authority}", "kestrel", "DisabledException", KeyMissing),
        ("alias/{authority}", "kestrel", "AccessDeniedException", KeyServiceAway),
        ("alias/{authority}", OF_NO_AUTHORITY, "DisabledException", KeyServiceAway),
        ("alias/common", "kestrel", "DisabledException", KeyServiceAway),
    ],
)
def test_one_authoritys_own_key_is_missed_by_its_own_messages_alone(
    name: str, whose: str, code: str, raised: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What belongs to no authority, such as texts that come in, is everybody's, and waits."""
    wrapper = _kms_that_refuses(name, monkeypatch, code)
    with pytest.raises(KeyServiceAway) as away:
        wrapper.wrap(whose, KEY)
    assert type(away.value) is raised


@pytest.mark.parametrize("said", [(KeyServiceAway(), KeyMissing()), (KeyMissing(), KeyServiceAway())])
def test_a_key_is_not_missing_while_another_that_may_open_is_away(said: tuple[Exception, Exception]) -> None:
    under = Keyring(OLD, PHONE).new_authority_key("kestrel")
    with pytest.raises(KeyServiceAway) as away:
        Keyring(None, PHONE, *(Mock(**{"unwrap.side_effect": each}) for each in said)).open_authority_key(under)
    assert type(away.value) is KeyServiceAway


def test_a_key_service_that_does_not_answer_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("boto3")
    from botocore.exceptions import ReadTimeoutError

    from services.options.key_wrappers import cloud

    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    wrapper = cloud.KmsWrapper("alias/common")
    wrapper._kms = Mock(**{"decrypt.side_effect": ReadTimeoutError(endpoint_url="kms")})
    for _ in range(3):
        with pytest.raises(KeyServiceAway):
            wrapper.unwrap("kestrel", b"")
    assert wrapper._kms.decrypt.call_count == 1
    monkeypatch.setattr(wrapper, "_rests_until", 0.0)
    with pytest.raises(KeyServiceAway):
        wrapper.unwrap("kestrel", b"")
    assert wrapper._kms.decrypt.call_count == 2


def _general_error(*_: object, **__: object) -> None:
    raise pytest.importorskip("pkcs11").exceptions.GeneralError


def test_a_service_has_what_its_settings_name_with_the_file_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for label in ("new", "old"):
        _hsm(tmp_path, monkeypatch, label)
    given = {"database_password": "x", "http_port": 1, "phone_key": PHONE, "master_key": OLD}
    hsm = {"key_wrapper": "hsm", "hsm_module": MODULE, "hsm_token": "safe-return", "hsm_pin": "1234"}
    by_file, old, both = (
        KeyringSettings.model_validate(given | more).keyring
        for more in ({}, hsm | {"key_name": "old"}, hsm | {"key_name": "new old"})
    )
    for before in (by_file, old):
        under = before.new_authority_key("kestrel")
        anew = both.authority_key_anew(under)
        assert anew is not None
        assert both.authority_key_anew(anew) is None


def test_a_key_file_is_read_again_when_it_changes_and_what_is_no_key_leaves_the_former(tmp_path: Path) -> None:
    file = tmp_path / "phone_key"
    file.write_text(OLD)
    held = KeyFile(OLD, file)
    keyring = Keyring(OLD, held)
    by_old = keyring.number_hash("+447700900100")
    for content, hashes in ((f"{NEW}\n{OLD}", 2), ("no key", 2), (NEW, 1)):
        draft = tmp_path / "draft"
        draft.write_text(content)
        draft.replace(file)
        assert len(keyring.number_hashes("+447700900100")) == hashes
    file.unlink()
    assert keyring.number_hash("+447700900100") != by_old


def test_a_service_without_a_key_does_not_start_and_says_which_is_missing() -> None:
    given = {"phone_key": PHONE, "database_password": "x", "http_port": 1}
    with pytest.raises(ValidationError) as missing:
        KeyringSettings.model_validate(given)
    assert "master_key" in (explain_error(missing.value) or [""])[0]
    assert KeyringSettings.model_validate(given | {"key_wrapper": "kms"}).master_key is None
    with pytest.raises(ValidationError):
        KeyringSettings.model_validate(given | {"master_key": "short"})
