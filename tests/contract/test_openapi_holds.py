"""Every OpenAPI document against the running service: schemathesis makes the requests, signed as their senders would sign them."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from twilio.request_validator import RequestValidator

from infra.local.example import authority as example_authority
from infra.local.settings.secret_files import SecretFiles, token
from infra.local.stack import Stack
from services.schemas.documents import FOLDER
from services.schemas.openapi import DECLARED
from tests.support.engines.stack import running_stack
from tests.support.in_process.console import sign_in_blocking

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ENDLESS = {"/changes"}
"""Server-sent events: the answer has no end that could be checked."""
REQUESTS = 6


def operations(*, that_can_be_wrong: bool = False) -> list[tuple[str, str]]:
    found = []
    for service in DECLARED:
        document = json.loads((FOLDER / "openapi" / f"{service}.json").read_text())
        for path, methods in document["paths"].items():
            for method, about in methods.items():
                if path not in ENDLESS and (not that_can_be_wrong or _can_be_wrong(about)):
                    found.append((service, f"{method.upper()} {path}"))
    return found


def _can_be_wrong(operation: dict[str, Any]) -> bool:
    """Any string is a right string, and a request without anything in it is right."""
    shapes = [each["schema"] for each in operation.get("parameters", ())]
    return "requestBody" in operation or any(shape.keys() - {"type", "title"} for shape in shapes)


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Signing"]:
    """With a stack of its own: hundreds of reports about nobody would drown the shared one's duty workers."""
    with running_stack(tmp_path_factory.mktemp("hammered")) as stack:
        yield Signing(stack)


@pytest.mark.stack
@pytest.mark.parametrize(("service", "label"), operations(), ids=lambda each: each)
def test_a_service_answers_a_right_request_as_its_document_says(signing: "Signing", service: str, label: str) -> None:
    _holds(signing, service, label, GenerationMode.POSITIVE)


@pytest.mark.stack
@pytest.mark.parametrize(("service", "label"), operations(that_can_be_wrong=True), ids=lambda each: each)
def test_a_service_answers_a_wrong_request_as_its_document_says(signing: "Signing", service: str, label: str) -> None:
    _holds(signing, service, label, GenerationMode.NEGATIVE)


@pytest.mark.stack
def test_what_is_signed_here_is_taken_there(signing: "Signing") -> None:
    """Else everything above would only show how a wrong signature is answered."""
    event = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": signing.source,
        "type": "child.reported-missing.v1",
        "subject": "somebody",
        "time": "2026-11-24T09:00:00Z",
        "data": {},
    }
    url = f"{signing.stack.endpoints['casework']}/events"
    request = requests.Request("POST", url, data=json.dumps(event)).prepare()
    request.headers["content-type"] = "application/cloudevents+json"
    assert signing.session.send(signing.signed("casework", request)).status_code == 202


def _holds(signing: "Signing", service: str, label: str, mode: GenerationMode) -> None:
    method, _, path = label.partition(" ")
    operation = _document(service)[path][method]
    signing.sign_in()
    answered: set[int] = set()

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=REQUESTS,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def holds(case: schemathesis.Case[Any]) -> None:
        response = signing.send(service, case)
        answered.add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    holds()
    assert answered


@cache
def _document(service: str) -> Any:
    return schemathesis.openapi.from_dict(json.loads((FOLDER / "openapi" / f"{service}.json").read_text()))


class Signing:
    """Signs the bytes that travel, as an agency, a force, Twilio or whoever imports the register would."""

    def __init__(self, stack: Stack) -> None:
        secrets = SecretFiles(stack.layout.secrets)
        self.stack = stack
        organisations = example_authority.organisations(secrets, stack.ports)
        self.agency, self.force = organisations["agencies"][0], organisations["forces"][0]
        self.source = next(iter(self.agency["sources"]))
        self._token = secrets.value("twilio_auth_token", token)
        self._bearer = example_authority.import_bearer("kestrel", secrets, stack.ports)
        self.session = requests.Session()
        self.session.trust_env = False
        self._console = ""

    def sign_in(self) -> None:
        """At the console, if nobody is signed in, or a request has ended their session. Signing in is slow on purpose."""
        manager = self.stack.operators[0]
        with httpx.Client(base_url=self.stack.endpoints["console"], trust_env=False, timeout=60) as browser:
            if browser.get("/", headers={"cookie": self._console}).status_code != httpx.codes.OK:
                sign_in_blocking(browser, manager.sign_in, manager.password)
                self._console = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())

    def send(self, service: str, case: schemathesis.Case[Any]) -> requests.Response:
        if service == "casework" and isinstance(case.body, dict) and case.body.get("source"):
            case.body["source"] = self.source
        if service == "casework" and "authority" in (case.path_parameters or {}):
            case.path_parameters["authority"] = "kestrel"
        if service == "police" and "force_id" in (case.path_parameters or {}):
            case.path_parameters["force_id"] = self.force["id"]
        kwargs = case.as_transport_kwargs(base_url=self.stack.endpoints[service])
        kwargs.pop("cookies", None)
        return self.session.send(self.signed(service, requests.Request(**kwargs).prepare()), timeout=60)

    def signed(self, service: str, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        raw = body.encode() if isinstance(body, str) else body
        assert isinstance(raw, bytes), "a body that is made while it is sent cannot be signed"
        url = str(request.url)
        if "/texts/" in url:
            form = dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
            request.headers["X-Twilio-Signature"] = RequestValidator(self._token).compute_signature(url, form)
        elif service == "console":
            request.headers["cookie"] = self._console
        elif service == "casework":
            request.headers.update(self._bearer)
            _sign(request, self.agency["secrets"][0], raw)
        elif service == "police":
            _sign(request, self.force["reply_secrets"][0], raw)
        return request


def _sign(request: requests.PreparedRequest, secret: str, body: bytes) -> None:
    """By hand, as bytes: the library would refuse what is not UTF-8 before the service could."""
    name, at = str(uuid4()), str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    seal = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(seal).decode()}"
    request.headers.update({"webhook-id": name, "webhook-timestamp": at, "webhook-signature": signature})
