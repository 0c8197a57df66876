"""Lets Java keep a broker's classes as it has read and linked them: it then starts with half the time and processor."""

import fcntl
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.kafka import jars
from infra.kafka.broker import Broker, class_cache
from infra.local.processes.ports import any_free
from infra.local.settings.environment import bare

LEARNT_WITHIN_SECONDS = 120


def fetch(cache: Path) -> Path:
    """As `jars.fetch`, with the cache beside the jars. That takes 15 s and 70 MB more, once for each clone and Java.
    Raises CannotFetch.
    """
    found = jars.fetch(cache)
    with (cache / "learning.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not class_cache(found).exists():
            draft = class_cache(found).with_suffix(".draft")
            draft.touch()
            _learn(found, draft)
            # Where nothing could be learnt it stays empty: Java ignores it, and nobody tries again at each start.
            draft.rename(class_cache(found))
    return found


def _learn(found: Path, draft: Path) -> None:
    """Starts a broker and ends it once it answers: it then writes the draft."""
    with TemporaryDirectory() as folder:
        port = any_free([])
        broker = Broker(Path(folder) / "kafka", found, port, any_free([port]))
        broker.make_log()
        until = time.monotonic() + LEARNT_WITHIN_SECONDS
        command, nowhere = broker.learning_command(draft), subprocess.DEVNULL
        with subprocess.Popen(command, env=bare(), stdout=nowhere, stderr=nowhere, start_new_session=True) as learning:
            try:
                while not broker.answers() and learning.poll() is None and time.monotonic() < until:
                    time.sleep(0.1)
                learning.terminate()
                learning.wait(LEARNT_WITHIN_SECONDS)
            finally:
                learning.kill()
