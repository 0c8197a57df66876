"""Builds each program's environment: where its database, its bus and the outside world are."""

import os
from collections.abc import Mapping

from infra.local.settings.layout import BROKERS, DATABASES, Layout
from infra.local.settings.secret_files import TEXTS, SecretFiles, identifier, token
from infra.postgres.backup import BACKUPS
from infra.postgres.server import primary_url
from infra.sandbox.authentication import AUTHSERV_ID

SAFE_RETURN_NUMBER = "+447700900500"
"""One of Ofcom's numbers for drama; no real phone has it."""
NOTIFY_NUMBERS = {"carers": "+447700900501", "professionals": "+447700900502", "police": "+447700900503"}
"""As above. Each service that texts is a service at GOV.UK Notify too."""
MAILBOXES = {
    "police": "police-notices@kestrel.example",
    "strategy": "safe-return@kestrel.example",
    "professionals": "notices@kestrel.example",
}
"""Each service's mails come from its own, and answers and bounces go back there."""
MAIL_PORTS = {"police": "bounces", "strategy": "replies", "professionals": "answers"}


def bare() -> dict[str, str]:
    """The caller's environment without settings of another Safe Return.

    Nor does it forbid compiled modules: without them each process would start two seconds later.
    """
    left_out = ("SAFE_RETURN_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)}


def bus(ports: Mapping[str, int]) -> str:
    """The brokers' addresses."""
    return ",".join(f"127.0.0.1:{ports[each]}" for each in BROKERS if each in ports)


def database_ports(ports: Mapping[str, int]) -> list[int]:
    """The port of the one database, or of each member of a cluster."""
    return [ports[each] for each in DATABASES if each in ports]


def database(ports: Mapping[str, int]) -> str:
    """The database's URL, without user and password."""
    found = database_ports(ports)
    return f"postgresql://127.0.0.1:{found[0]}/safe_return" if len(found) == 1 else primary_url(found)


def of_backups(layout: Layout, ports: Mapping[str, int]) -> dict[str, str]:
    """The environment of the archive's keeper, with libpq's settings: it finds the primary of a cluster by itself."""
    secrets, found = SecretFiles(layout.secrets), database_ports(ports)
    return bare() | {
        "PGHOST": ",".join(["127.0.0.1"] * len(found)),
        "PGPORT": ",".join(map(str, found)),
        "PGTARGETSESSIONATTRS": "read-write",
        "PGUSER": BACKUPS,
        "PGPASSWORD": secrets.database_password(BACKUPS),
        "PGDATABASE": "safe_return",
        "SAFE_RETURN_BACKUP_PLAN": str(layout.archive / "plan.yaml"),
        "SAFE_RETURN_BACKUP_KEY": str(secrets.made / "backup_key"),
        "SAFE_RETURN_BACKUP_WORK": str(layout.folder / "received"),
        "SAFE_RETURN_HTTP_PORT": str(ports["backups"]),
    }


def account_sid(secrets: SecretFiles) -> str:
    """The sandbox's Twilio account."""
    return "AC" + secrets.value("twilio_account", token)


def of_service(layout: Layout, ports: Mapping[str, int], service: str, slot: int) -> dict[str, str]:
    """`slot` tells replicas apart, and stays with a process over its restarts."""
    secrets = SecretFiles(layout.secrets)
    settings = {
        "DATABASE": database(ports),
        "KAFKA": bus(ports),
        "HTTP_PORT": str(ports[service]),
        "PUBLIC_URL": f"http://127.0.0.1:{ports[service]}",
        "SLOT": str(slot),
        "SANDBOX": "1",
        "SECRETS_DIR": str(secrets.folder_of(service)),
    }
    if service in TEXTS:
        settings |= {
            "TWILIO_ACCOUNT_SID": account_sid(secrets),
            "TWILIO_FROM": SAFE_RETURN_NUMBER,
            "TWILIO_BASE_URL": f"http://127.0.0.1:{ports['sandbox']}",
            "NOTIFY_BASE_URL": f"http://127.0.0.1:{ports['sandbox']}",
            "NOTIFY_TEMPLATE": secrets.value("notify_template", identifier),
            "NOTIFY_NUMBER": NOTIFY_NUMBERS[service],
        }
    if service in MAILBOXES:
        settings |= {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(ports["smtp"]),
            "SMTP_FROM": MAILBOXES[service],
            "SMTP_LISTEN_PORT": str(ports[MAIL_PORTS[service]]),
            "SMTP_AUTHSERV_ID": AUTHSERV_ID,
        }
    if service == "carers":
        settings["SPOOL_DIR"] = str(layout.spool / str(slot))
    if service in {"protocol", "console"}:
        settings["PROTOCOL_DIR"] = str(layout.protocols)
    if service == "audit":
        settings["ANCHOR_PLACES"] = layout.anchors.as_uri()
    if service == "professionals":
        settings["CONSOLE_URL"] = f"http://127.0.0.1:{ports['console']}"
    if service == "console":
        settings["CASEWORK_URL"] = f"http://127.0.0.1:{ports['casework']}"
    if service == "console" and layout.fallback_plan.exists():
        settings["FALLBACK_PLAN"] = str(layout.fallback_plan)
    return bare() | {f"SAFE_RETURN_{name}": value for name, value in settings.items()}
