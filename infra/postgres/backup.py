"""Copies the database into a file and back, with PostgreSQL's own tools and Python's standard library alone.

The copy is of one moment, all services' schemas together, taken while everything runs. The secrets are not in it:
without `master_key` and `phone_key` its personal columns stay shut, so keep those apart from it. Given a public key,
the program `age` encrypts it as it is written: it never lies on the disk in the clear.
"""

import contextlib
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

DATABASE = "safe_return"
NEWEST_ANCHOR = "SELECT number || ' ' || encode(hash, 'hex') FROM audit.anchors ORDER BY number DESC LIMIT 1"
KEYS = ("master_key", "phone_key")
SHUT = f"ALTER DATABASE {DATABASE} CONNECTION LIMIT 0"
"""Shut to every login but an administrator's. A statement of its own: psql commits several together, and whoever is
sent out before that comes back.
"""
SENT_OUT = (
    f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{DATABASE}' AND pid <> pg_backend_pid()"  # noqa: S608 our own words
)
OPEN = f"ALTER DATABASE {DATABASE} CONNECTION LIMIT -1"
ARE_THERE_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
DESTROYED = "SELECT owner || ' ' || replace((at AT TIME ZONE 'UTC')::text, ' ', 'T') || 'Z' FROM disposal.destroyed ORDER BY at, owner"
DESTROYED_LINE = re.compile(r"(child|person|authority)-[a-z0-9-]+ [0-9T:.-]+Z")
WALLS = "walls"
"""The role that owns the views, whom no service logs in as."""
BACKUPS = "backups"
"""The role that keeps the database elsewhere (`infra.postgres.archive`)."""
MAKE_ROLE = "DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$"


class CannotBackUp(Exception):
    """The text says why, in a sentence for whoever runs the backup."""


class SqlClient(Protocol):
    """Puts a statement, or several, to the database."""

    def ask(self, statement: str) -> str: ...


@dataclass(frozen=True)
class Tools:
    """How PostgreSQL's tools are called: `before` is a command that runs them, such as `docker compose exec`."""

    before: Sequence[str] = ()
    folder: str = ""
    connection: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def command(self, tool: str, *arguments: str) -> list[str]:
        return [*self.before, f"{self.folder}{tool}", *self.connection, *arguments]

    def ask(self, statement: str) -> str:
        """What psql prints, without headers. Raises CannotBackUp."""
        command = self.command("psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1")
        command += [f"--dbname={DATABASE}", "--command", statement]
        done = subprocess.run(command, env=self.whole_environment(), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CannotBackUp(f"PostgreSQL did not answer: {done.stderr.strip()}")
        return done.stdout.strip()

    def write(self, file: Path, *arguments: str, recipient: str | None = None) -> None:
        """Writes a tool's output into a file that only its owner can read, encrypted for `recipient` (an age key)."""
        sealed = [["age", "--encrypt", f"--recipient={recipient}"]] if recipient else []
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            _pipe([self.command(*arguments), *sealed], self.whole_environment(), out=out)

    def read(self, file: Path, *arguments: str, identity: Path | None = None) -> None:
        """Gives a tool the file as input. `identity`: the file with the private key, for an encrypted copy."""
        opened = [["age", "--decrypt", f"--identity={identity}"]] if identity else []
        try:
            with file.open("rb") as source:
                _pipe([*opened, self.command(*arguments)], self.whole_environment(), source=source)
        except CannotBackUp as why:
            raise CannotBackUp(f"nothing was restored: {why}") from why

    def whole_environment(self) -> dict[str, str]:
        return {**os.environ, **self.environment}


def _pipe(
    commands: Sequence[Sequence[str]],
    environment: Mapping[str, str],
    source: IO[bytes] | None = None,
    out: IO[bytes] | int = subprocess.DEVNULL,
) -> None:
    """Pipes each command's output into the next. Raises CannotBackUp with the words of the one that failed."""
    if absent := [command[0] for command in commands if shutil.which(command[0]) is None]:
        raise CannotBackUp(f"the program {absent[0]} is not installed here")
    with contextlib.ExitStack() as files:
        running: list[tuple[str, subprocess.Popen[bytes], IO[bytes]]] = []
        for number, command in enumerate(commands, 1):
            said = files.enter_context(tempfile.TemporaryFile())
            into = out if number == len(commands) else subprocess.PIPE
            process = subprocess.Popen(command, env=environment, stdin=source, stdout=into, stderr=said)
            if running and source is not None:
                source.close()  # so that one notices when the next has ended
            source = process.stdout
            running.append((command[0], process, said))
        failed = []
        for program, process, errors in running:
            if process.wait() != 0:
                errors.seek(0)
                failed.append((Path(program).name, errors.read().decode().strip()))
    if failed:
        # One whose reader has ended fails too, without a word.
        name, words = next((each for each in failed if each[1]), failed[0])
        raise CannotBackUp(f"{name} failed: {words}")


def dump(tools: Tools, file: Path, made: Path, recipient: str | None = None) -> dict[str, str]:
    """Writes the copy, for `recipient` alone if one is given. Beside it goes `<file>.json`, which is returned: its
    SHA-256, the newest anchor that must be in it, and a fingerprint of each key of the secrets in `made`.

    A copy that was broken off is not left behind. Raises CannotBackUp.
    """
    anchor = tools.ask(NEWEST_ANCHOR).split()
    draft = file.with_name(f".{file.name}.making")
    try:
        tools.write(draft, "pg_dump", "--format=custom", "--no-owner", f"--dbname={DATABASE}", recipient=recipient)
        about = {"sha256": _hash_of(draft)} | {name: " ".join(_fingerprints(made / name)) for name in KEYS}
        if anchor:
            about |= {"anchor": anchor[0], "anchor_hash": anchor[1]}
        list_destroyed(tools, file.parent)
        beside(file).write_text(json.dumps(about, indent=1) + "\n")
        draft.rename(file)
    finally:
        draft.unlink(missing_ok=True)
    return about


def restore(tools: Tools, file: Path, roles: Sequence[str], made: Path, identity: Path | None = None) -> None:
    """Into an empty database: all of it or nothing. What was erased since the copy was made is erased again before any
    service is let in; a restoration that stops earlier lets none in. The roles have no password yet, and the shape is
    the copy's: migrate next.

    Raises CannotBackUp if the database is not empty, the file is not what `dump` wrote, its keys are not in `made`, or
    the list of what was erased is not beside it.
    """
    _require_both(file)
    destroyed = _read_destroyed(file.parent)
    if json.loads(beside(file).read_text())["sha256"] != _hash_of(file):
        raise CannotBackUp(f"{file} is not the file that was written: it was cut short or changed")
    if tools.ask(ARE_THERE_TABLES) != "0":
        raise CannotBackUp("the database is not empty: a copy is restored into an empty one alone")
    require_its_keys(file, made)
    for role in (*roles, WALLS, BACKUPS):
        tools.ask(MAKE_ROLE.format(role=role))
    order = ("pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", f"--dbname={DATABASE}")
    tools.ask(SHUT)
    tools.ask(SENT_OUT)
    tools.read(file, *order, identity=identity)
    erase_again(tools, destroyed)
    tools.ask(OPEN)


def erase_again(client: SqlClient, destroyed: Sequence[str]) -> int:
    """Erases everything on the list that the restored database does not know to be erased, and says how many it was."""
    known = client.ask(DESTROYED).splitlines()
    since = [each.split() for each in destroyed if each not in known]
    if since:
        client.ask("; ".join(f"SELECT disposal.erase('{owner}', '{at}')" for owner, at in since))
    return len(since)


def keep_destroyed(client: SqlClient, folder: Path) -> int:
    """Erases again what an older copy of the database has brought back, and brings the list in the folder up to date.
    Says how many it erased. Raises CannotBackUp.
    """
    again = erase_again(client, _read_destroyed_so_far(folder))
    list_destroyed(client, folder)
    return again


def list_destroyed(client: SqlClient, folder: Path) -> None:
    """Adds what the database says was erased to the list that lies beside its copies. Raises CannotBackUp."""
    lines = [*_read_destroyed_so_far(folder), *client.ask(DESTROYED).splitlines()]
    draft = folder / ".destroyed.making"
    draft.write_text("".join(f"{each}\n" for each in dict.fromkeys(lines)))
    draft.rename(_destroyed_in(folder))


def _read_destroyed_so_far(folder: Path) -> list[str]:
    """Nothing where no list has been begun."""
    return _read_destroyed(folder) if _destroyed_in(folder).exists() else []


def _read_destroyed(folder: Path) -> list[str]:
    file = _destroyed_in(folder)
    if not file.exists():
        raise CannotBackUp(f"{file} is not there: it lists what was erased since, which this copy would bring back")
    return read_destroyed(file.read_text(), str(file))


def read_destroyed(listed: str, named: str) -> list[str]:
    """Raises CannotBackUp for a line that names nothing erased."""
    lines = listed.splitlines()
    if wrong := [number for number, each in enumerate(lines, 1) if not DESTROYED_LINE.fullmatch(each)]:
        raise CannotBackUp(f"{named}: line {wrong[0]} names nothing that was erased")
    return lines


def _destroyed_in(folder: Path) -> Path:
    return folder / "destroyed"


def require_its_keys(file: Path, made: Path) -> None:
    """Raises CannotBackUp if a key by which the copy was written is not among the secrets: nobody could read it."""
    _require_both(file)
    about = json.loads(beside(file).read_text())
    for name in KEYS:
        # A copy of an older Safe Return does not say.
        lacking = {*about.get(name, "").split()} - {*_fingerprints(made / name)}
        if lacking:
            here = f"the {name} in {made} is another" if (made / name).exists() else f"there is no {name} in {made}"
            raise CannotBackUp(
                f"this copy belongs to other secrets: {here}. Restore it where neither a database nor secrets are yet, and put"
                f" its own secrets into {made} first"
            )


def _require_both(file: Path) -> None:
    if not file.is_file():
        raise CannotBackUp(f"there is no file {file}")
    if not beside(file).exists():
        raise CannotBackUp(f"{beside(file).name} is not beside it: it says what the copy must hold")


def _fingerprints(keys: Path) -> list[str]:
    """A keyed hash of each key in the file: it tells whether a key is the same, and nothing else of it."""
    written = keys.read_text().split() if keys.exists() else []
    return [hmac.new(key.encode(), b"of a copy of the database", hashlib.sha256).hexdigest() for key in written]


def beside(file: Path) -> Path:
    return file.with_name(f"{file.name}.json")


def _hash_of(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
