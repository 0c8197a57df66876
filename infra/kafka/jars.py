"""Fetches Kafka's jars once into the clone's cache: those of jars.lock, each checked against its hash.

`python -m infra.kafka.jars` writes jars.lock anew, from what KAFKA and LOGGING depend on; `make lock` does so.
"""

import fcntl
import hashlib
import os
import shutil
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import jgo
from jgo.constants import MAVEN_CENTRAL_URL

from infra.local import trust

KAFKA = "org.apache.kafka:kafka_2.13:4.4.0"
LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.5"
"""Binds Kafka's logging to the log4j that it brings; without it the broker says nothing, not even why it stops."""
LOCK = Path(__file__).with_name("jars.lock")
MIRROR = "SAFE_RETURN_MAVEN"
"""The environment's name for a Maven repository to fetch from instead of Maven Central."""


class CannotFetch(Exception):
    """The jars could not be had; the text says what to try."""


@dataclass(frozen=True)
class Jar:
    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    @property
    def path(self) -> str:
        """Where each Maven repository has it."""
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.file}"

    def is_whole(self, file: Path) -> bool:
        return file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() == self.sha256


def locked(lock: Path = LOCK) -> list[Jar]:
    return [Jar(*line.replace(" ", ":").split(":")) for line in lock.read_text().splitlines()]


def fetch(cache: Path, lock: Path = LOCK) -> Path:
    """The folder that holds the jars, fetched if it is not there. About 10 s, 43 MB, once a clone and lock.

    They are fetched into a draft folder, which is renamed once each is whole. A fetch that was cut off goes on with
    what it lacks. Raises CannotFetch.
    """
    whole = cache / f"{KAFKA.replace(':', '-')}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:8]}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "fetching.lock").open("w") as taken:
        fcntl.flock(taken, fcntl.LOCK_EX)
        if not whole.exists():
            draft = cache / "fetching"
            draft.mkdir(exist_ok=True)
            wanted = locked(lock)
            with ThreadPoolExecutor(8) as several:
                list(several.map(lambda jar: _fetch_one(jar, draft / jar.file), wanted))
            for stray in {each.name for each in draft.iterdir()} - {jar.file for jar in wanted}:
                (draft / stray).unlink()
            draft.rename(whole)
    return whole


def _fetch_one(jar: Jar, into: Path) -> None:
    if jar.is_whole(into):
        return
    repository = os.environ.get(MIRROR, MAVEN_CENTRAL_URL).rstrip("/")
    host = urlsplit(repository).hostname
    try:
        if not repository.startswith(("https://", "http://")):
            raise CannotFetch(f"{MIRROR} must be an http address, and is {repository}")
        asked = urllib.request.Request(f"{repository}/{jar.path}")  # noqa: S310 - checked above
        with urllib.request.urlopen(asked, timeout=60, context=trust.context()) as answer, into.open("wb") as file:  # noqa: S310
            shutil.copyfileobj(answer, file)
    except OSError as problem:
        why = trust.UNTRUSTED if trust.is_untrusted(problem) else f"{problem}; run again when the network is there"
        raise CannotFetch(f"{jar.file} of Kafka could not be fetched from {host}: {why}") from problem
    if not jar.is_whole(into):
        into.unlink()
        raise CannotFetch(f"{host} sent another {jar.file} than the one in {LOCK.name}: nothing of it is used")


def _resolved() -> Iterator[Jar]:
    """What Kafka needs, as its own build file says. Of LOGGING the one jar: its build file would have older others."""
    # Apart, because log4j's own build file would choose an older client library for the broker.
    for each in (*jgo.resolve(KAFKA), *(each for each in jgo.resolve(LOGGING) if each.artifactId in LOGGING)):
        sha256 = hashlib.sha256(Path(each.resolve()).read_bytes()).hexdigest()
        yield Jar(each.groupId, each.artifactId, each.version, sha256)


if __name__ == "__main__":
    lines = sorted(f"{jar.group}:{jar.artifact}:{jar.version} {jar.sha256}\n" for jar in _resolved())
    LOCK.write_text("".join(lines))
