"""The outside world as a test sees it: phones to text from, desks to look at, over the sandbox's API, in the field's words."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import httpx
import pytest

from infra.local.example import authority as example_authority
from infra.local.settings.layout import ROOT
from infra.local.settings.secret_files import SecretFiles
from infra.local.stack import Stack
from services.safeguarding.notice_fields import NoticeField
from tests.support.in_process.console import sign_in_blocking
from tests.support.outside.confirmation import CONFIRM

TOWN = "testshire"


def towns_number(carer: int) -> str:
    """The town's carers have +447700900600 and the numbers that follow; the examples have lower ones."""
    return f"+447700{900600 + carer}"


PROFESSIONALS = {
    "police.missing-coordinator": "coordinator",
    "child.social-worker": "social-worker",
    "child.independent-reviewing-officer": "reviewing-officer",
    "child.health-practitioner": "health-practitioner",
    "home-office.missing-desk": "home-office",
}
"""The town's, by role: one each, with a mailbox of their own."""

AGREED = [{"reference": "all", "force": "northmoor-police", "from": "2026-01-01", "fields": list(NoticeField)}]
"""An authority's agreement with a force of the example: the whole notice."""
TOWN_STAFF = ("+447700900590", "+447700900591")
"""The telephones of its duty worker and its manager."""
T = TypeVar("T")


@dataclass(frozen=True)
class Carer:
    number: str
    child_code: str


class World:
    """Everything blocks. `within_seconds` is wall time."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._sandbox = httpx.Client(base_url=stack.endpoints["sandbox"], timeout=90, trust_env=False)

    @cached_property
    def console(self) -> httpx.Client:
        """Signed in, as the example authorities' duty manager."""
        address, operator = self.stack.endpoints["console"], self.stack.operators[0]
        opened = httpx.Client(base_url=address, timeout=120, trust_env=False, follow_redirects=True)
        sign_in_blocking(opened, operator.sign_in, operator.password)
        return opened

    def close(self) -> None:
        self._sandbox.close()
        if "console" in vars(self):
            self.console.close()

    def text(self, number: str, body: str, to: str | None = None) -> None:
        """The phone network keeps it until the webhook has been answered. `to`: another number of ours than the usual one."""
        self._sandbox.post("/texts", json={"from": number, "to": to, "body": body}).raise_for_status()

    def confirm(self, number: str, claim: str, within_seconds: float = 90) -> None:
        """Texts a claim such as BACK, waits for the code that the reply asks for, and sends it back."""
        before = len(self.texts_to(number))
        self.text(number, claim)

        def asked() -> str | None:
            found = [CONFIRM.search(body) for body in self.texts_to(number)[before:]]
            return next((each[0] for each in found if each is not None), None)

        answer = self.eventually(asked, within_seconds)
        assert answer is not None
        self.text(number, answer)

    def texts_to(self, number: str) -> list[str]:
        texts = self._got("/texts", number=number)
        return [text["body"] for text in texts if text["direction"].startswith("outbound") and text["to"] == number]

    def texts(self, since: int = 0) -> list[dict[str, Any]]:
        """All, in and out, whose number `n` is higher than `since`."""
        return self._got("/texts", since=str(since))

    def invitations(self) -> list[dict[str, Any]]:
        """What came by mail to any calendar."""
        return self._got("/invitations")

    def notices(self, about: str | None = None, since: int = 0) -> list[dict[str, Any]]:
        """What the desks hold, verified; `about` a carer's number gives those that name it as the placement's telephone."""
        held = [notice for notice in self._got("/notices", since=str(since)) if notice["verified"]]
        return [notice for notice in held if about is None or about in self.carers_numbers(notice)]

    @staticmethod
    def carers_numbers(notice: dict[str, Any]) -> list[str]:
        """The telephones of the placement that the notice names: the tests' way to tell whose it is."""
        placement = notice["body"]["data"].get("placement") or {}
        return [carer["telephone"] for carer in placement.get("carers", [])]

    def desk(self, force: str, **behaviour: object) -> None:
        self._sandbox.put(f"/behaviours/desks/{force}", json=behaviour).raise_for_status()

    def phone_network(self, **behaviour: object) -> None:
        self._sandbox.put("/behaviours/phone-network", json=behaviour).raise_for_status()

    def mailbox(self, address: str, **behaviour: object) -> None:
        self._sandbox.put(f"/behaviours/mailboxes/{address}", json=behaviour).raise_for_status()

    def mails_to(self, address: str) -> list[dict[str, Any]]:
        return [mail for mail in self._got("/mails") if address in mail["to"]]

    def invitations_to(self, address: str) -> list[dict[str, Any]]:
        return [each for each in self._got("/invitations") if address in each["to"]]

    def phone_answers(self, number: str, *, answers: bool) -> None:
        self._sandbox.put(f"/phones/{number}", json={"answers": answers}).raise_for_status()

    def mailbox_answers(self, address: str, *, answers: bool) -> None:
        self._sandbox.put(f"/mailboxes/{address}", json={"answers": answers}).raise_for_status()

    def forward(self, by: str) -> None:
        """Moves story time."""
        command = [sys.executable, "-m", "services", "forward", by]
        subprocess.run(command, cwd=ROOT, env=self.stack.environment("clock"), check=True, capture_output=True)

    def eventually(self, what: Callable[[], T], within_seconds: float = 180) -> T:
        """The first answer that is true. Fails the test when none comes."""
        until = time.monotonic() + within_seconds
        while True:
            answer = what()
            if answer:
                return answer
            if time.monotonic() > until:
                pytest.fail(f"not within {within_seconds} s; last answer: {answer!r}")
            time.sleep(0.1)

    def _got(self, path: str, **only: str) -> list[dict[str, Any]]:
        answer = self._sandbox.get(path, params=only)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return found


@pytest.fixture
def world(stack: Stack) -> Iterator[World]:
    """The shared stack's. Each test takes phones of its own and puts back the behaviours that it changes."""
    one = World(stack)
    yield one
    one.close()


def settle_town(
    stack: Stack,
    carers: int,
    holders: Mapping[str, Sequence[str]] | None = None,
    *,
    town: str = TOWN,
    first: int = 0,
    staff: tuple[str, str] = TOWN_STAFF,
) -> list[Carer]:
    """An authority of its own with that many foster carers, one child each, all with one force.

    `holders` names who holds which professional role, deputies after them; left out, one person each. Another `town` than the
    first needs carers of its own, from the `first` on, and the telephones of its own duty worker and manager.
    """
    held = holders or {role: (person,) for role, person in PROFESSIONALS.items()}
    people = [Carer(towns_number(first + each), f"T{100 + each}") for each in range(carers)]
    document = {
        "authority": {"id": town, "name": f"{town.title()} County Council", "duty_line": "+441632960190"},
        "sharing_agreements": AGREED,
        "placements": [_placement(each, town) for each in range(carers)],
        "people": [
            *(_person(f"carer-{each}", carer.number) for each, carer in enumerate(people)),
            _person("duty-1", staff[0]),
            _person("manager-1", staff[1]),
            *(
                _person(each, None, f"{each}@{town}.example")
                for each in sorted({person for persons in held.values() for person in persons})
            ),
        ],
        "carers": [{"person": f"carer-{each}", "placement": f"foster-{each}"} for each in range(carers)],
        "children": [_child(each, carer.child_code) for each, carer in enumerate(people)],
        "directory": [
            _duty("duty.emergency-team", "duty-1"),
            _duty("duty.senior-manager", "manager-1"),
            *(_duty(role, each, order) for role, people in held.items() for order, each in enumerate(people, 1)),
        ],
        "agencies": [],
    }
    settle(stack, document)
    return people


def settle(stack: Stack, document: Mapping[str, Any]) -> None:
    """Puts an authority into the register, as its nightly file does."""
    secrets = SecretFiles(stack.layout.secrets)
    answer = httpx.put(
        f"{stack.endpoints['casework']}/register/{document['authority']['id']}",
        json=document,
        headers=example_authority.import_bearer(document["authority"]["id"], secrets, stack.ports),
        timeout=180,
        trust_env=False,
    )
    assert answer.is_success, answer.text


def _placement(each: int, town: str) -> dict[str, object]:
    address = f"{each} Test Street, Testford"
    return {
        "reference": f"foster-{each}",
        "kind": "foster",
        "address": address,
        "force": "northmoor-police",
        "host_authority": town,
    }


def _person(reference: str, mobile: str | None, email: str | None = None) -> dict[str, object]:
    return {"reference": reference, "name": f"Test {reference}", "mobile": mobile, "email": email, "language": "en"}


def _child(each: int, code: str) -> dict[str, object]:
    return {
        "reference": f"child-{each}",
        "code": code,
        "name": f"Testchild Number{each}",
        "known_as": [],
        "sex": "female",
        "date_of_birth": "2010-05-01",
        "placement": f"foster-{each}",
        "unaccompanied": True,
        "modern_slavery_concern": None,
        "subject_to_immigration_control": True,
        "age_disputed": False,
        "guardian_allocated": False,
        "entered_care_at": "2026-09-02T14:20:00Z",
        "language": "ti",
        "description": None,
    }


def _duty(role: str, person: str, order: int = 1) -> dict[str, object]:
    hours = {"days": "every-day", "from": "00:00", "to": "00:00", "bank_holidays": True}
    return {"role": role, "person": person, "order": order, "child": None} | hours
