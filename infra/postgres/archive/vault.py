"""Seals files to age recipients and signs them before a place takes them, and opens only what is ours and whole."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pyrage import x25519

from infra.postgres.archive.contents import SIGNATURE
from services.platform.runtime.places import NotOurs, NotThere, OpenPlace, require_signed, sign


class CannotRestore(Exception):
    """The text says why, in a sentence for whoever restores."""


@dataclass(frozen=True)
class Writer:
    """Has no key that opens what it writes. `work`: a folder for what is sealed and not yet taken."""

    place: OpenPlace
    recipients: Sequence[str]
    key: Ed25519PrivateKey
    work: Path

    @contextmanager
    def sealed(self, source: IO[bytes]) -> Iterator[IO[bytes]]:
        """A file of the work folder with the source, encrypted as it is read."""
        with tempfile.TemporaryFile(dir=self.work) as file:
            pyrage.encrypt_io(source, file, [x25519.Recipient.from_str(each) for each in self.recipients])
            yield file

    def put(self, name: str, sealed: IO[bytes]) -> None:
        """Puts the file, then its signature: without that it does not count. Raises PlaceAway."""
        signature = sign(_statement(name, sealed), self.key)
        self.place.put(name, sealed)
        self.place.put(name + SIGNATURE, BytesIO(signature))

    def has(self, name: str) -> bool:
        """Whether the place still gives it and its signature: reads both. Raises PlaceAway."""
        try:
            for each in (name, name + SIGNATURE):
                self.place.fetch(each, BytesIO())
        except NotThere:
            return False
        return True


@dataclass(frozen=True)
class Reader:
    """`identity`: an age identity. `signer`: the public key of whoever wrote."""

    place: OpenPlace
    identity: str
    signer: str

    def open(self, name: str, into: IO[bytes]) -> None:
        """Checks the signature, then decrypts `into`. Raises CannotRestore, PlaceAway."""
        signature = BytesIO()
        with tempfile.TemporaryFile() as sealed:
            try:
                self.place.fetch(name + SIGNATURE, signature)
                self.place.fetch(name, sealed)
                require_signed(_statement(name, sealed), signature.getvalue(), self.signer)
                pyrage.decrypt_io(sealed, into, [x25519.Identity.from_str(self.identity.strip())])
            except NotThere:
                raise CannotRestore(f"{name} is not there any more") from None
            except NotOurs:
                raise CannotRestore(
                    f"{name} was not signed by this installation under this name, or was changed since"
                ) from None
            except (pyrage.DecryptError, pyrage.IdentityError):
                raise CannotRestore(f"this identity does not open {name}: it was sealed to another") from None


def _statement(name: str, sealed: IO[bytes]) -> bytes:
    """What is signed: the name too, or one segment could be passed off as another. Leaves the file at its beginning."""
    sealed.seek(0)
    digest = hashlib.file_digest(sealed, "sha256")  # type: ignore[arg-type] # its type wants more than a file need have
    sealed.seek(0)
    return f"{name} {digest.hexdigest()}".encode()
