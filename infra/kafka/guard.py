"""Guards a broker: TLS on every listener, a password for each client, and no right that was not given."""

from collections.abc import Mapping
from dataclasses import dataclass

ADMINISTRATOR = "admin"
"""Logs in with a password too, and may do everything: it sets the services' logins and rights."""


@dataclass(frozen=True)
class Guard:
    """The paths are the broker's own. `broker_pem`: its key and certificate, whose name is `broker`, for `host` and for
    127.0.0.1, where it calls itself. `ca_pem`: the authority that vouches for it.
    """

    broker_pem: str
    ca_pem: str
    inner_port: int

    def properties(self, host: str, port: int, controller_port: int, *, at: str) -> Mapping[str, str]:
        """In place of the listeners of a broker without a guard. It listens at the address `at` (any, if empty), and
        clients reach it as `host`.
        """
        inner = {name: {"ssl.client.auth": "required"} for name in ("internal", "controller")}
        return {
            "listeners": f"SASL_SSL://{at}:{port},INTERNAL://127.0.0.1:{self.inner_port},CONTROLLER://127.0.0.1:{controller_port}",
            "advertised.listeners": f"SASL_SSL://{host}:{port},INTERNAL://127.0.0.1:{self.inner_port}",
            "listener.security.protocol.map": "SASL_SSL:SASL_SSL,INTERNAL:SSL,CONTROLLER:SSL",
            "inter.broker.listener.name": "INTERNAL",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.broker_pem,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.ca_pem,
            "ssl.principal.mapping.rules": "RULE:^.*CN=([^,]+).*$/$1/,DEFAULT",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": f"User:broker;User:{ADMINISTRATOR}",
        } | {f"listener.name.{name}.{key}": value for name, given in inner.items() for key, value in given.items()}


def first_login(password: str) -> str:
    """The administrator's, for `kafka-storage format --add-scram`."""
    return f"SCRAM-SHA-512=[name={ADMINISTRATOR},password={password}]"
