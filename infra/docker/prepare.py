"""Makes the secrets that docker-compose.yml mounts, once, and keeps those that exist: `python -m infra.docker.prepare`.

A folder a service holds what that service alone may read; `made` holds everything, and is dealt out from at each run.
Put the Twilio account's own token into `made/twilio_auth_token`, and run it again; beside it, where there are such,
`twilio_auth_token_alternate`, and the relay's `smtp_user` and `smtp_password`.
"""

import os
from pathlib import Path

from infra.local.secret_files import SecretFiles

SERVICES = ("casework", "carers", "protocol", "police", "strategy", "professionals", "clock", "audit", "console")
FOLDER = Path(__file__).parents[2] / ".docker" / "secrets"
ADMINISTRATOR = "postgres"


def prepare(folder: Path = FOLDER) -> None:
    """Every file is readable by its owner alone: the containers run as that user (SAFE_RETURN_USER)."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    secrets = SecretFiles(folder)
    secrets.deal(SERVICES)
    password = secrets.database_password("administrator")
    _write(folder / "administrator" / "password", password)
    _write(folder / "administrator" / "pgpass", f"postgres:5432:*:{ADMINISTRATOR}:{password}\n")
    for service in SERVICES:
        _write(folder / "logins" / service, secrets.database_password(service))
    for receiver in ("operators_url", "watchdog_url"):
        if not (folder / "alertmanager" / receiver).exists():
            _write(folder / "alertmanager" / receiver, "")
    (folder.parent / "protocols").mkdir(exist_ok=True)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(text)


if __name__ == "__main__":
    prepare()
    print(
        f"the secrets are in {FOLDER}; put the Twilio account's own token into made/twilio_auth_token and run this again"
    )
