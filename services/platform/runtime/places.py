"""Puts files in a place and fetches them: a folder, a bucket, or an address that takes PUT and gives GET.

What leaves for a place is signed (Ed25519, in base64), and what comes from there is believed only then. A file in a
folder is written so that nobody ever reads half of it, and a power cut does not lose it.
"""

import os
import shutil
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Any, Protocol
from urllib.parse import unquote

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import HttpUrl, UrlConstraints
from pydantic_core import Url


def write_durably(target: Path, source: IO[bytes]) -> None:
    """Replaces any file of that name. Returns once the disk has it. Raises OSError, and leaves nothing half written."""
    unfinished = target.with_name(f".{target.name}.{os.urandom(4).hex()}")
    try:
        with unfinished.open("wb") as file:
            shutil.copyfileobj(source, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # without this a power cut may lose the name itself
    finally:
        os.close(folder)


DIRECTLY: Any = {"timeout": 20.0, "trust_env": False}
"""Seconds; and by no proxy that the environment names."""
FileUrl = Annotated[Url, UrlConstraints(allowed_schemes=["file"])]
BucketUrl = Annotated[Url, UrlConstraints(allowed_schemes=["s3"], host_required=True)]
Place = FileUrl | BucketUrl | HttpUrl
"""A folder that is mounted here (`file:///mnt/north/packs`), a bucket (`s3://north/packs`: endpoint and credentials as
boto3 finds them), or what takes a PUT under this address.
"""


class PlaceAway(Exception):
    """The place did not take, give or list. The text names no address and no file."""


class NotThere(PlaceAway):
    """The place answers, and has no such file."""


class OpenPlace(Protocol):
    """Blocks, so call it in a thread. Names may have folders in them. Every method raises PlaceAway."""

    def put(self, name: str, source: IO[bytes]) -> None:
        """Replaces any file of that name. Nobody ever reads half of it."""

    def fetch(self, name: str, into: IO[bytes]) -> None:
        """Raises NotThere too."""

    def names(self, folder: str = "") -> list[str]:
        """Of all files in the folder and below, in order; none where nothing was ever put. An address cannot be listed:
        then PlaceAway.
        """

    def remove(self, name: str) -> None: ...


def open_place(place: Place) -> OpenPlace:
    """Connects to nothing yet. Raises PlaceAway for a bucket where boto3 is not installed."""
    if place.scheme == "file":
        return _Folder(Path(unquote(place.path or "/")))
    if place.scheme == "s3":
        return _Bucket(str(place.host), (place.path or "").strip("/"))
    return _Address(httpx.URL(str(place)))


@dataclass(frozen=True)
class _Folder:
    path: Path

    def put(self, name: str, source: IO[bytes]) -> None:
        with _away(OSError):
            target = self.path / name
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_durably(target, source)

    def fetch(self, name: str, into: IO[bytes]) -> None:
        with _away(OSError), (self.path / name).open("rb") as file:
            shutil.copyfileobj(file, into)

    def names(self, folder: str = "") -> list[str]:
        with _away(OSError):
            found = [each for each in (self.path / folder).rglob("*") if each.is_file() and each.name[0] != "."]
            return sorted(each.relative_to(self.path).as_posix() for each in found)

    def remove(self, name: str) -> None:
        with _away(OSError):
            (self.path / name).unlink(missing_ok=True)


@dataclass(frozen=True)
class _Address:
    url: httpx.URL

    def put(self, name: str, source: IO[bytes]) -> None:
        with _away(httpx.HTTPError):
            httpx.put(self._below(name), content=source, **DIRECTLY).raise_for_status()

    def fetch(self, name: str, into: IO[bytes]) -> None:
        with _away(httpx.HTTPError), httpx.stream("GET", self._below(name), **DIRECTLY) as answer:
            into.writelines(answer.raise_for_status().iter_bytes())

    def names(self, folder: str = "") -> list[str]:  # noqa: ARG002 the other places' way
        raise PlaceAway("an address cannot be listed: name a folder or a bucket")

    def remove(self, name: str) -> None:
        with _away(httpx.HTTPError):
            httpx.delete(self._below(name), **DIRECTLY).raise_for_status()

    def _below(self, name: str) -> httpx.URL:
        """A query, such as a token of an object store, stays where it is."""
        return self.url.copy_with(path=f"{self.url.path.rstrip('/')}/{name}")


class _Bucket:
    def __init__(self, bucket: str, prefix: str) -> None:
        try:
            import boto3
            from boto3.exceptions import Boto3Error
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError:
            raise PlaceAway("boto3 is not installed: build the image with key-services.lock") from None
        self._bucket, self._prefix = bucket, prefix and f"{prefix}/"
        self._client = boto3.client("s3")
        self._errors = (Boto3Error, BotoCoreError, ClientError)

    def put(self, name: str, source: IO[bytes]) -> None:
        with _away(*self._errors):
            self._client.upload_fileobj(source, self._bucket, self._prefix + name)

    def fetch(self, name: str, into: IO[bytes]) -> None:
        with _away(*self._errors):
            self._client.download_fileobj(self._bucket, self._prefix + name, into)

    def names(self, folder: str = "") -> list[str]:
        with _away(*self._errors):
            below = self._prefix + (folder and f"{folder}/")
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=below)
            return sorted(each["Key"].removeprefix(self._prefix) for page in pages for each in page.get("Contents", ()))

    def remove(self, name: str) -> None:
        with _away(*self._errors):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)


@contextmanager
def _away(*errors: type[Exception]) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise NotThere("there is no such file") from None
    except errors as error:
        answer: Any = getattr(error, "response", None)
        said = (
            str(answer.status_code)
            if isinstance(answer, httpx.Response)
            else (answer or {}).get("Error", {}).get("Code")
        )
        if said in {"404", "NoSuchKey"}:
            raise NotThere("there is no such file") from None
        raise PlaceAway(" ".join(filter(None, [type(error).__name__, said]))) from None


class NotOurs(Exception):
    """It was not signed by this installation, or was changed since."""


def signer(key: str) -> Ed25519PrivateKey:
    """`key`: 32 bytes in base64."""
    return Ed25519PrivateKey.from_private_bytes(b64decode(key, validate=True))


def public_key(key: Ed25519PrivateKey) -> str:
    """As whoever checks has to keep it, on paper too."""
    return b64encode(key.public_key().public_bytes_raw()).decode()


def sign(content: bytes, key: Ed25519PrivateKey) -> bytes:
    return b64encode(key.sign(content))


def require_signed(content: bytes, signature: bytes, public: str) -> None:
    """Raises NotOurs."""
    try:
        known = Ed25519PublicKey.from_public_bytes(b64decode(public, validate=True))
        known.verify(b64decode(signature, validate=True), content)
    except (InvalidSignature, ValueError):
        raise NotOurs from None
