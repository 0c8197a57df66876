"""Makes the secrets that docker-compose.yml mounts, once, and keeps those that exist: `python -m infra.docker.prepare`,
in the image, as docs/operating.md says.

Each service has a folder of what it alone may read; `made` holds everything, and each run deals it out. Put the Twilio
account's own token into `made/twilio_auth_token` and run this again. Beside it go, if there are any,
`twilio_auth_token_alternate`, GOV.UK Notify's `notify_api_key-SERVICE` and `notify_bearer-SERVICE`, the relay's
`smtp_user` and `smtp_password`, and `aws_credentials` or `hsm_pin` of whatever wraps the keys.
"""

from collections.abc import Callable
from pathlib import Path

from infra.docker.certificates import Authority, bears_strictness
from infra.docker.layout import ADMINISTRATOR, FOLDER, PLAYED, SERVICES
from infra.kafka.guard import ADMINISTRATOR as KAFKA_ADMINISTRATOR
from infra.kafka.guard import Guard
from infra.kafka.node import node, written
from infra.local.settings.secret_files import SecretFiles, key, token, write
from infra.postgres.backup import BACKUPS
from infra.postgres.logins import EXPORTER


def prepare(folder: Path = FOLDER) -> None:
    """Every file is readable by its owner alone: the containers run as that user (SAFE_RETURN_USER)."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    secrets = SecretFiles(folder)
    secrets.deal(SERVICES)
    password = secrets.database_password("administrator")
    write(folder / "administrator" / "password", password)
    write(folder / "administrator" / "pgpass", f"postgres:5432:*:{ADMINISTRATOR}:{password}\n")
    for role in (*SERVICES, EXPORTER):
        write(folder / "logins" / role, secrets.database_password(role))
    write(folder / EXPORTER / "database_password", secrets.database_password(EXPORTER))
    _guard_engines(folder, secrets)
    password = secrets.database_password(BACKUPS)
    write(folder / "logins" / BACKUPS, password)
    write(folder / BACKUPS / "pgpass", f"postgres:5432:*:{BACKUPS}:{password}\n")
    write(folder / BACKUPS / "backup_key", secrets.value("backup_key", key))
    if (plan := secrets.made / "backup_plan").exists():
        write(folder / BACKUPS / "backup_plan", plan.read_text())
    for receiver in ("operators_url", "watchdog_url"):
        if not (folder / "alertmanager" / receiver).exists():
            write(folder / "alertmanager" / receiver, "")
    for name in ("protocols", "doors", "fallback"):
        (folder.parent / name).mkdir(exist_ok=True)


def _guard_engines(folder: Path, secrets: SecretFiles) -> None:
    """TLS for both engines, and a Kafka login for each service and the administrator."""
    authority = Authority.read(secrets.value("ca.pem", lambda: Authority.make().whole))
    if not bears_strictness(authority.certificate):
        authority = authority.renewed()
        write(secrets.made / "ca.pem", authority.whole)
    for holder in (*SERVICES, BACKUPS, EXPORTER, "administrator", "kafka"):
        write(folder / holder / "ca.pem", authority.certificate)
    broker = _certificate(
        secrets, "kafka.pem", lambda: authority.issue("broker", "kafka", "127.0.0.1", PLAYED["kafka"])
    )
    write(folder / "kafka" / "broker.pem", broker)
    server = _certificate(secrets, "postgres.pem", lambda: authority.issue("postgres", "postgres", PLAYED["postgres"]))
    write(folder / "administrator" / "postgres.pem", server)
    guard = Guard("/var/lib/kafka/secrets/broker.pem", "/var/lib/kafka/secrets/ca.pem", inner_port=9094)
    properties = {**node("/var/lib/kafka/data", {1: 9093}), **guard.properties("kafka", 9092, 9093, at="")}
    write(folder / "kafka" / "server.properties", written(properties))
    for service in SERVICES:
        password = secrets.value(f"kafka-{service}", token)
        write(folder / service / "kafka_password", password)
        write(folder / "kafka-logins" / service, password)
    password = secrets.value(f"kafka-{KAFKA_ADMINISTRATOR}", token)
    for holder in ("kafka", "kafka-administrator"):
        write(folder / holder / "kafka_password", password)
    write(folder / "kafka-administrator" / "ca.pem", authority.certificate)
    login = f'org.apache.kafka.common.security.scram.ScramLoginModule required username="{KAFKA_ADMINISTRATOR}" password="{password}";'
    client = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": login,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": "/var/lib/kafka/secrets/ca.pem",
    }
    write(folder / "kafka" / "client.properties", written(client))


def _certificate(secrets: SecretFiles, name: str, issue: Callable[[], str]) -> str:
    kept = secrets.value(name, issue)
    if not bears_strictness(kept):
        kept = issue()
        write(secrets.made / name, kept)
    return kept


if __name__ == "__main__":
    prepare()
    print(
        f"the secrets are in {FOLDER}; put the Twilio account's own token into made/twilio_auth_token and run this again"
    )
