"""What one room says another hears: no kind without a handler, no rule whose duty nobody carries out or has no words for."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from infra.kafka import __file__ as infra_kafka
from services.options.register_upkeep.policy.register_import import read
from services.platform.bus.administration import DECLARATION, read_declaration
from services.protocol.loader import Library, files
from services.protocol.policy.duties.tellings import kind_of_duty
from services.safeguarding.contracts import contracts
from services.safeguarding.duty.duties import CarerAlert, Duty, PoliceNotify, ProfessionalNotify, StrategyInvite
from services.safeguarding.message import Message, Topic
from services.safeguarding.roles import PLAN_OWNERS, Channel, Deed, Role, Wording, lines_of
from services.schemas.messages import HEARS
from tests.support.cases import try_each

SERVICES = Path(__file__).parents[2] / "services"
HEARD_BY = {
    PoliceNotify: "police",
    ProfessionalNotify: "professionals",
    CarerAlert: "carers",
    StrategyInvite: "strategy",
}
Telling = tuple[str, Role, Channel | None, Wording, Deed | None]


def tellings() -> Iterator[Telling]:
    """Whom the default rules tell what, each step included."""
    for rule in Library(files(None)).current("default").rules:
        yield rule.id, rule.tell, rule.by, rule.message, rule.deed
        for step in rule.otherwise:
            yield rule.id, step.tell or rule.tell, step.by or rule.by, step.message or rule.message, rule.deed


def kinds_of(role: Role, channel: Channel | None, deed: Deed | None) -> list[type[Duty]]:
    if role is Role.EVERYONE_TOLD or channel is None:
        return [PoliceNotify, ProfessionalNotify]
    return [kind_of_duty(role, channel, deed)]


TELLINGS = sorted(set(tellings()))
SENDERS = sorted(each for each in SERVICES.glob("*/app.py") if "DeliveryLoop(" in each.read_text())


@pytest.mark.parametrize("contract", contracts().values(), ids=lambda each: each.kind)
def test_every_kind_has_a_handler(contract: type[Message]) -> None:
    """Beside the audit, which keeps everything: somebody whom it tells something."""
    assert [service for service, heard in HEARS.items() if contract in heard and service != "audit"]


def test_every_duty_of_a_rule_is_carried_out_by_a_service() -> None:
    def unheard(telling: Telling) -> list[type[Duty]]:
        _, role, channel, _, deed = telling
        return [kind for kind in kinds_of(role, channel, deed) if kind not in HEARS[HEARD_BY[kind]]]

    try_each(TELLINGS, unheard)


def test_every_duty_of_a_rule_has_its_words_in_every_language() -> None:
    def wordless(telling: Telling) -> list[type[Duty]]:
        _, role, channel, wording, deed = telling
        return [kind for kind in kinds_of(role, channel, deed) if wording not in _has_words(kind)]

    try_each(TELLINGS, wordless)


def test_the_topics_file_declares_the_topics_of_the_code_and_no_other() -> None:
    assert {topic.name for topic in read_declaration()} == set(Topic)
    assert DECLARATION.parent == Path(infra_kafka).parent


@cache
def _has_words(kind: type[Duty]) -> set[str]:
    if kind is PoliceNotify:
        return set(Wording)  # a notice names whatever it is not made for as a request to the force
    section = {ProfessionalNotify: "texts", CarerAlert: "alerts", StrategyInvite: "invitations"}[kind]
    messages = SERVICES / HEARD_BY[kind] / "messages"
    written = [set(yaml.safe_load((messages / f"{language}.yaml").read_text())[section]) for language in ("en", "cy")]
    return set.intersection(*written)


@pytest.mark.parametrize("role", sorted({told for _, told, *_ in TELLINGS} & PLAN_OWNERS), ids=str)
def test_whomever_a_rule_tells_by_the_directory_can_be_listed_there(role: Role) -> None:
    for line in lines_of(role):
        given, faults = read({"directory": [{"role": line, "person": "somebody"}]}, "kestrel")
        assert (len(given.directory or {}), faults) == (1, [])


@pytest.mark.parametrize("app", SENDERS, ids=lambda path: path.parent.name)
def test_whoever_sends_keeps_exercises_from_the_real(app: Path) -> None:
    assert "prepare=settings.block_real_recipients(" in app.read_text()


def test_whoever_texts_shows_when_it_no_longer_reads_which_way_fails() -> None:
    texts = [each.read_text() for each in SENDERS if "settings.texts(" in each.read_text()]
    assert len(texts) > 2
    assert [each for each in texts if 'host.health.watch("text ways", texts.obstacle)' not in each] == []


def test_one_module_makes_every_client_of_kafka() -> None:
    made = {
        path.relative_to(SERVICES).as_posix()
        for path in SERVICES.rglob("*.py")
        if re.search(
            r"(AIO)?Kafka(Consumer|Producer|AdminClient|\w*Client)\(|bootstrap_servers|broker=", path.read_text()
        )
    }
    assert made == {"platform/bus/connection.py"}


def test_no_client_of_http_goes_by_a_proxy_of_the_environment() -> None:
    """What is sent, and by which key, is for the other side alone."""
    asks = [
        (path.name, {word.arg: ast.unparse(word.value) for word in node.keywords}.get("trust_env"))
        for path in SERVICES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "httpx.AsyncClient"
    ]
    assert {each for _, each in asks} == {"False"}, asks
