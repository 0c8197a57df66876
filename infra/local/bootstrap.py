"""Makes `.venv` from requirements.lock. It runs before anything is installed, so it uses only the standard library.

A stamp with the lock's hash is written last: an environment without it was left half-finished and is made again.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local import trust
from infra.local.pip_wheel import unpack_pip

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
BUILD_LOCK = Path(__file__).with_name("build.lock")
"""What builds the packages that come as source alone: pip would fetch it by itself, unpinned."""
STAMP = VENV / "installed-from"
PYTHON = VENV / "bin" / "python"

LINES_SHOWN = 20


class CannotBootstrap(Exception):
    """Says in one sentence what to install or free before `make run` can go on."""


def wanted_stamp() -> str:
    """Identifies what the environment must hold: these locks, for this Python."""
    locks = hashlib.sha256(BUILD_LOCK.read_bytes() + LOCK.read_bytes()).hexdigest()
    return f"{locks} {sys.version_info.major}.{sys.version_info.minor}"


def is_ready() -> bool:
    """True when `.venv` was installed to the end from the present lock and its interpreter still exists."""
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == wanted_stamp()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two targets started together must not both install."""
    with (ROOT / ".venv.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def make_environment() -> None:
    """Makes an empty environment that has pip, on Pythons that lack ensurepip too (Debian's, without python3-venv)."""
    shutil.rmtree(VENV, ignore_errors=True)
    whole = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
    if whole.returncode == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    bare = [sys.executable, "-m", "venv", "--without-pip", str(VENV)]
    if subprocess.run(bare, capture_output=True, text=True, check=False).returncode != 0:
        raise CannotBootstrap(
            f"{sys.executable} cannot make a virtual environment: install python3-venv (Debian, Ubuntu) or another Python 3.11+."
        )
    site_packages = "import sysconfig; print(sysconfig.get_path('purelib'))"
    unpack_pip(Path(subprocess.check_output([str(PYTHON), "-c", site_packages], text=True).strip()))


def install() -> None:
    """Installs exactly what the locks name, each file checked against its hash."""
    for lock in (BUILD_LOCK, LOCK):
        _install_from(lock)
    STAMP.write_text(wanted_stamp())


def _install_from(lock: Path) -> None:
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    pinned = ["--require-hashes", "--use-pep517", "--no-build-isolation", "-r", str(lock)]
    # What pip says is kept for when it fails: else it is what will change in pip some day, in red.
    done = subprocess.run(
        [*command, *pinned],
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return
    print("".join(done.stdout.splitlines(keepends=True)[-LINES_SHOWN:]), end="", file=sys.stderr)
    if "CERTIFICATE_VERIFY_FAILED" in done.stdout:
        raise CannotBootstrap(f"pip could not fetch from the package index: {trust.UNTRUSTED}.")
    raise CannotBootstrap(
        f"pip could not install {lock.name} (see above); run the same target again when that is mended."
    )


def _environment() -> dict[str, str]:
    """PYTHONPATH or an activated environment of the caller's must not reach into ours.

    pip trusts whom the machine does, unless its own settings say whom.
    """
    foreign = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    given = {name: value for name, value in os.environ.items() if name not in foreign}
    trusted = trust.store()
    return given if trusted is None else {"REQUESTS_CA_BUNDLE": trusted} | given


def main() -> int:
    """Makes or mends `.venv`; 0 when it is ready, 1 with a sentence on stderr when it cannot be, 130 after Ctrl-C."""
    try:
        if not is_ready():
            with one_at_a_time():
                if not is_ready():
                    print(f"Installing what Safe Return needs into {VENV} (about a minute, once) ...", flush=True)
                    make_environment()
                    install()
    except KeyboardInterrupt:
        print("\nStopped before all was installed: the next `make` begins anew.", file=sys.stderr)
        return 130
    except (CannotBootstrap, OSError) as problem:
        print(f"Safe Return cannot start: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
