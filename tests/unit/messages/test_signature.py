"""Keys change while messages lie on the bus: both are believed, until the old one is taken away."""

from contextlib import suppress
from datetime import UTC, datetime
from functools import cache, partial
from itertools import product
from pathlib import Path

import pytest

from infra.docker.layout import SERVICES
from infra.docker.prepare import prepare
from infra.docker.rotate import rotate
from services.platform.messages.envelope import compose, read
from services.platform.messages.signature import (
    SAYS,
    Doubt,
    KnownSpeakers,
    Refused,
    Signer,
    read_public_keys,
    read_signing_key,
)
from services.platform.runtime.settings import SecretFile, SigningKeys
from services.safeguarding.child_events.events import ChildReturned
from services.safeguarding.message import CONTRACTS
from tests.support.signatures import signer_of, speakers_of

KIND = ChildReturned.kind
SAID = compose(
    ChildReturned(authority="kestrel"), said_by="police", subject="child-1", at=datetime(2026, 3, 2, tzinfo=UTC)
)


def test_a_signature_is_no_part_of_what_is_said(tmp_path: Path) -> None:
    prepare(tmp_path)
    signed = _signer(tmp_path).sign(SAID)
    assert read(signed).content_hash == read(SAID).content_hash
    assert _signer(tmp_path).sign(signed) == signed


def test_old_messages_are_believed_until_the_old_key_is_dropped(tmp_path: Path) -> None:
    prepare(tmp_path)
    old = _signer(tmp_path).sign(SAID)
    rotate(tmp_path, "signing_key-police", "add")
    assert _signer(tmp_path).sign(SAID) == old
    rotate(tmp_path, "signing_key-police", "lead")
    new = _signer(tmp_path).sign(SAID)
    assert new != old
    assert [_speakers(tmp_path).speaker_of(each, KIND) for each in (old, new)] == ["police", "police"]
    rotate(tmp_path, "signing_key-police", "drop")
    assert _speakers(tmp_path).speaker_of(new, KIND) == "police"
    with pytest.raises(Refused) as refused:
        _speakers(tmp_path).speaker_of(old, KIND)
    assert refused.value.doubt is Doubt.UNKNOWN_KEY


@pytest.mark.parametrize(("last", "verifies"), [("drop", True), ("disown", False)])
def test_the_record_is_verified_by_a_dropped_key_and_not_by_a_disowned_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str, verifies: bool
) -> None:
    """As `audit verify` does, and `authority-exit` with casework's secrets."""
    prepare(tmp_path)
    signed = [_signer(tmp_path).sign(SAID)]
    for _twice in range(2):
        for step in ("add", "lead", last):
            rotate(tmp_path, "signing_key-police", step)
        signed.append(_signer(tmp_path).sign(SAID))
    for service in ("audit", "casework"):
        monkeypatch.setenv("SAFE_RETURN_SECRETS_DIR", str(tmp_path / service))
        speakers = KnownSpeakers(cache(lambda: read_public_keys(SigningKeys().all_keys)))
        assert [_is_believed(speakers, each) for each in signed] == [verifies, verifies, True]
        assert [_is_believed(_speakers(tmp_path), each) for each in signed] == [False, False, True], "on the bus"


def test_who_runs_signs_by_the_new_key_and_believes_it_from_then_on(tmp_path: Path) -> None:
    prepare(tmp_path)
    own, listed = tmp_path / "police" / "signing_key", tmp_path / "audit" / "bus_keys"
    signer = Signer(SecretFile(own.read_text(), partial(read_signing_key, "police"), own).value)
    speakers = KnownSpeakers(SecretFile(listed.read_text(), read_public_keys, listed).value)
    old = signer.sign(SAID)
    for step in ("add", "lead"):
        rotate(tmp_path, "signing_key-police", step)
    new = signer.sign(SAID)
    assert new != old
    assert [speakers.speaker_of(each, KIND) for each in (old, new)] == ["police", "police"]
    own.write_text("no key")
    listed.write_text("")
    assert speakers.speaker_of(signer.sign(SAID), KIND) == "police", "the former stay"


def test_no_service_reads_anothers_private_key(tmp_path: Path) -> None:
    prepare(tmp_path)
    keys = {service: (tmp_path / service / "signing_key").read_text() for service in SERVICES}
    assert len(set(keys.values())) == len(SERVICES)
    for service in SERVICES:
        held = "".join(file.read_text() for file in (tmp_path / service).iterdir())
        assert [other for other, key in keys.items() if key in held] == [service]


def test_each_service_is_believed_in_the_kinds_that_it_says_and_in_no_other(tmp_path: Path) -> None:
    """Each service with each kind: a signature alone opens nothing."""
    prepare(tmp_path)
    speakers, believed = _speakers(tmp_path), set()
    for service, kind in product(SERVICES, CONTRACTS):
        signed = signer_of(service, (tmp_path / service / "signing_key").read_text()).sign(SAID)
        with suppress(Refused):
            believed.add((speakers.speaker_of(signed, kind), kind))
    assert believed == {(service, kind.kind) for service, kinds in SAYS.items() for kind in kinds}
    assert ("clock", KIND) not in believed


def _is_believed(speakers: KnownSpeakers, signed: bytes) -> bool:
    with suppress(Refused):
        return speakers.speaker_of(signed, KIND) == "police"
    return False


def _signer(folder: Path) -> Signer:
    return signer_of("police", (folder / "police" / "signing_key").read_text())


def _speakers(folder: Path) -> KnownSpeakers:
    return speakers_of((folder / "audit" / "bus_keys").read_text())
