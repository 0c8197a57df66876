"""Makes a PostgreSQL cluster once, and says how its server is started."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psycopg

from infra.postgres.backup import DATABASE, Tools
from infra.postgres.place import Place, binaries

ADMIN = "postgres"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Statements carry encrypted columns and ids only, yet none belongs in a log. Nor does the row or the value that the
    # details of an error quote.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}
CHECKPOINTS = {"max_wal_size": "4GB", "checkpoint_timeout": "15min"}
"""Of a single server. After a checkpoint each page that changes is logged whole: with PostgreSQL's own 1 GB that was
four fifths of the log at four reports a second, and so a checkpoint came every 80 s.
"""
INITDB = {"encoding": "UTF8", "locale": "C.UTF-8", "locale-provider": "builtin"}


class Server:
    """The cluster at `place`. Starting and stopping its process is the supervisor's work. With `others`, it is reached
    at whichever of the ports is the primary's.
    """

    def __init__(self, place: Place, port: int, admin_password: str, others: Sequence[int] = ()) -> None:
        self.place = place
        self.port = port
        self._ports = (port, *others)
        self._admin_password = admin_password

    @property
    def admin_url(self) -> str:
        """The superuser's URL to the application's database. Holds a password: never log it."""
        user = f"{ADMIN}:{self._admin_password}"
        if len(self._ports) == 1:
            return f"postgresql://{user}@127.0.0.1:{self.port}/{DATABASE}"
        return primary_url(self._ports).replace("///", f"//{user}@/", 1)

    def tools(self) -> Tools:
        """PostgreSQL's own, of the wheel; they run as whoever runs us."""
        ports = ",".join(map(str, self._ports))
        connection = ("--host=" + ",".join(["127.0.0.1"] * len(self._ports)), f"--port={ports}", f"--username={ADMIN}")
        only = {"PGPASSWORD": self._admin_password, "PGTARGETSESSIONATTRS": "read-write"}
        return Tools(folder=f"{binaries()}/", connection=connection, environment=only)

    @property
    def command(self) -> tuple[str, ...]:
        """The server's command line; fsync stays on, since crash tests must mean something."""
        settings = [part for name, value in (SETTINGS | CHECKPOINTS).items() for part in ("-c", f"{name}={value}")]
        return (str(self.place.binaries / "postgres"), "-D", str(self.place.files), "-p", str(self.port), *settings)

    def make_cluster(self) -> None:
        """Makes the files if there are none. initdb works in a draft folder that is renamed: no half of them stays."""
        if self._is_ours():
            return
        self._put_aside()
        draft = self.place.files.with_name("making")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        self.place.own(draft)
        with tempfile.NamedTemporaryFile("w", dir=self.place.reachable) as password:
            password.write(self._admin_password)
            password.flush()
            self.place.own(Path(password.name))
            self._initdb(draft, password.name)
        self._mark.write_bytes(self._password_hash)
        draft.rename(self.place.files)

    def adopt(self) -> None:
        """Takes files that were restored to the place for its own: they know the same password."""
        self._mark.write_bytes(self._password_hash)

    def clear_stale_pid_file(self) -> None:
        """After kill -9 it may name a process that is no longer PostgreSQL, which then refuses to start."""
        import psutil  # the archive's image does without

        pid_file = self.place.files / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
            pid = int(pid_file.read_text().splitlines()[0])
            try:
                alive = psutil.Process(pid).name().startswith("postgres")
            except psutil.NoSuchProcess:
                alive = False
            if not alive:
                pid_file.unlink()

    def answers(self) -> bool:
        """True when it takes the administrator's login; makes the application's database the first time."""
        try:
            with psycopg.connect(self.admin_url, dbname="postgres", autocommit=True, connect_timeout=2) as connection:
                if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.OperationalError:
            return False
        return True

    def has_standby(self) -> bool:
        """True when a commit waits for a second copy."""
        with psycopg.connect(self.admin_url, connect_timeout=2) as connection:
            found = connection.execute(
                "SELECT 1 FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"
            ).fetchone()
        return found is not None

    @property
    def _mark(self) -> Path:
        return self.place.reachable / "made-under"

    @property
    def _password_hash(self) -> bytes:
        return hashlib.sha256(self._admin_password.encode()).hexdigest().encode()

    def _is_ours(self) -> bool:
        return self.place.files.exists() and self._mark.exists() and self._mark.read_bytes() == self._password_hash

    def _put_aside(self) -> None:
        """A deleted `.local` took the cluster's password and master key with it: nobody can use or read it."""
        if self.place.files.exists():
            aside = self.place.files.with_name("password-lost")
            shutil.rmtree(aside, ignore_errors=True)
            self.place.files.rename(aside)

    def _initdb(self, draft: Path, password_file: str) -> None:
        options = [
            "--auth=scram-sha-256",
            *(f"--{name}={value}" for name, value in INITDB.items()),
            f"--username={ADMIN}",
        ]
        command = [str(self.place.binaries / "initdb"), "-D", str(draft), f"--pwfile={password_file}", *options]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            user=self.place.login,
            cwd="/",
            env=plain_environment(),
            check=False,
        )
        if done.returncode != 0:
            print(done.stderr, file=sys.stderr)
            raise RuntimeError("initdb failed (see above)")


def primary_url(ports: Sequence[int]) -> str:
    """The URL of whichever PostgreSQL on this machine takes writes, in a form that SQLAlchemy and libpq both read.
    Without user and password.
    """
    hosts = ",".join(["127.0.0.1"] * len(ports))
    return f"postgresql:///{DATABASE}?host={hosts}&port={','.join(map(str, ports))}&target_session_attrs=read-write"


def plain_environment() -> dict[str, str]:
    """The caller's path alone: its PG... variables would mislead initdb."""
    return {"PATH": os.environ.get("PATH", os.defpath)}
