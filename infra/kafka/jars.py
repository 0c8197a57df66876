"""Fetches Kafka's jars once into the clone's cache."""

import fcntl
import shutil
from pathlib import Path

import jgo

KAFKA = "org.apache.kafka:kafka_2.13:4.4.0"
LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.5"
"""Binds Kafka's logging to the log4j that it brings; without it the broker says nothing, not even why it stops."""


class CannotFetch(Exception):
    """The jars could not be had; the text says what to try."""


def fetch(cache: Path) -> Path:
    """The folder that holds the jars, fetched from Maven Central if it is not there. About 15 s, 43 MB, once a clone.

    Copied to a draft folder that is renamed, so a fetch that was cut off starts again. Raises CannotFetch.
    """
    whole = cache / KAFKA.replace(":", "-")
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "fetching.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            _fetch_into(whole, cache)
    return whole


def _fetch_into(whole: Path, cache: Path) -> None:
    draft = cache / "fetching"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    # Apart, because log4j's own build file would choose an older client library for the broker.
    for coordinate, wanted in ((KAFKA, "*.jar"), (LOGGING, "log4j-slf4j-impl-*.jar")):
        for jar in _resolved(coordinate, wanted, cache / "jgo"):
            shutil.copy2(jar, draft / jar.name)
    shutil.rmtree(cache / "jgo", ignore_errors=True)
    draft.rename(whole)


def _resolved(coordinate: str, wanted: str, cache: Path) -> list[Path]:
    try:
        environment = Path(jgo.build(coordinate, cache_dir=cache).path)
    except Exception as problem:
        advice = "run again when the network is there"
        raise CannotFetch(f"{coordinate} could not be fetched from Maven Central ({problem}); {advice}") from problem
    # jgo sorts modular jars apart; Kafka's class path wants both kinds.
    found = [jar for kind in ("jars", "modules") for jar in (environment / kind).glob(wanted)]
    if not found:
        raise CannotFetch(f"what Maven Central sent for {coordinate} lacks its jar; run again")
    return found
