"""`python -m services audit ...`: what it says, and with which exit code."""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from infra.local.settings.layout import ROOT
from services.audit import store as kept
from services.safeguarding.child_events.events import ChildLocated, ChildReportedMissing
from services.safeguarding.duty.decisions import ProtocolDecided, RegisterLookedUp, Verdict
from services.safeguarding.duty.duties import DutyAcknowledged
from services.safeguarding.identifiers import code_of, new_id, telling
from services.safeguarding.operators import OperatorAct, OperatorActed, OperatorRole
from services.safeguarding.roles import Channel, Role
from tests.support.engines.database import Database
from tests.support.in_process.audit import heard, opened, record, tamper
from tests.support.in_process.console import duty_changed, episode_changed, step


class Case:
    """One child with two episodes, of which the second is the one asked for."""

    def __init__(self) -> None:
        self.child = new_id("child")
        self.earlier, self.episode, self.duty = uuid4(), uuid4(), uuid4()

    async def happen(self, database: Database) -> None:
        child, duty, episode = self.child, self.duty, self.episode
        told, answered = step(0, Role.POLICE_CONTROL_ROOM, "told"), step(0, Role.POLICE_CONTROL_ROOM, "acknowledged")
        acted = OperatorActed(
            authority="kestrel", act=OperatorAct.PHONED, account=f"account-{uuid4()}", role=OperatorRole.DUTY_MANAGER,
            episode=episode, duty=duty, said=("answer-2",),
        )  # fmt: skip
        looked = RegisterLookedUp(
            authority="kestrel", purpose="police-notice", fields=("name",), delivery=telling(duty, 0)
        )
        async with opened(database) as store:
            await record(
                store,
                heard(ChildReportedMissing(authority="kestrel"), child, id_="report-1"),
                heard(_decided("report-1", self.earlier), child),
                heard(episode_changed(self.earlier, state="closed"), child),
                heard(ChildReportedMissing(authority="kestrel"), child, id_="report-2"),
                heard(_decided("report-2", episode, duty), child),
                heard(episode_changed(episode), child),
                heard(duty_changed(episode, told, duty=duty), child),
                heard(looked, child),
                heard(ChildLocated(authority="kestrel"), child, id_="located"),
                heard(episode_changed(self.earlier, revision=2, state="closed"), child),
                heard(acted, child),
                heard(DutyAcknowledged(duty=duty, step=0, authority="kestrel", how="phoned"), child, id_="answer-2"),
                heard(
                    duty_changed(
                        episode, answered, duty=duty, revision=2, state="acknowledged", ended_because="answered"
                    ),
                    child,
                ),
                heard(episode_changed(episode, revision=2, state="located"), child),
            )
            async with store.transaction() as uow:
                await kept.anchor(uow, datetime.now(UTC))


def _decided(about: str, episode: UUID, duty: UUID | None = None) -> ProtocolDecided:
    verdict = Verdict.CHANGED if duty is None else Verdict.TOLD
    return ProtocolDecided(
        authority="kestrel", episode=episode, about="child.reported-missing.v1", about_id=about, verdict=verdict,
        rule="tell-police-missing", protocol="missing-from-care 2026.1", cites=("S13", "S57"), duty=duty,
    )  # fmt: skip


@pytest.fixture
def case(database: Database) -> Case:
    case = Case()
    asyncio.run(case.happen(database))
    return case


def audit(database: Database, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings = database.settings("audit")
    environment = os.environ | {
        "SAFE_RETURN_DATABASE": settings.database,
        "SAFE_RETURN_DATABASE_PASSWORD": settings.database_password.get_secret_value(),
        "SAFE_RETURN_HTTP_PORT": "1",
    }
    command = [sys.executable, "-m", "services", "audit", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_child_an_episode_and_its_code_each_name_the_chain_to_verify(database: Database, case: Case) -> None:
    for named in (case.child, str(case.episode), code_of(case.episode), code_of(case.episode).lower()):
        said = audit(database, "verify", named)
        assert "1 chains, 14 entries" in said.stdout + said.stderr, said


def test_verify_says_what_it_knows_nothing_of(database: Database) -> None:
    for order in ("verify", "pack"):
        said = audit(database, order, "C16")
        assert said.returncode == 2
        assert said.stderr.startswith("the record knows no episode and no child C16. It goes by our reference")
    refused = audit(database, "verify", "--anchor", "xyz")
    assert refused.returncode == 2
    assert "64 hexadecimal digits" in refused.stderr


def test_a_record_that_does_not_hold_ends_with_a_sentence_and_one(database: Database, case: Case) -> None:
    asyncio.run(tamper(database, "DELETE FROM audit.entries WHERE chain = :c AND position = 5", c=case.child))
    said = audit(database, "verify", case.child)
    assert said.returncode == 1
    assert f"{case.child}: removed: entry 5 is not there" in said.stderr
    assert "the record does not hold" in said.stderr


def test_a_pack_holds_the_whole_episode_and_of_another_only_what_the_chain_needs(
    database: Database, case: Case, tmp_path: Path
) -> None:
    audit(database, "pack", str(case.episode), "--folder", str(tmp_path))
    pack = json.loads((tmp_path / f"evidence-{code_of(case.episode)}.json").read_text())
    whole = {each["position"] for each in pack["entries"] if "envelope" in each}
    assert whole == {4, 5, 6, 7, 8, 9, 11, 12, 13, 14}
    assert pack["standing"]["episode"] == json.loads(
        episode_changed(case.episode, revision=2, state="located").model_dump_json()
    )
    assert [each["state"] for each in pack["standing"]["duties"]] == ["acknowledged"]


def test_whoever_has_the_pack_alone_can_reckon_the_chain_anew(database: Database, case: Case, tmp_path: Path) -> None:
    audit(database, "pack", str(case.episode), "--folder", str(tmp_path))
    pack = json.loads((tmp_path / f"evidence-{code_of(case.episode)}.json").read_text())
    before = "0" * 64
    for number, each in enumerate(pack["entries"], start=1):
        digest = each.get("envelope_sha256") or hashlib.sha256(each["envelope"].encode()).hexdigest()
        lines = ["safe-return audit entry 1", pack["child"], str(number), each["recorded_at"], before, digest]
        before = hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
        assert each["hash"] == before
    assert {"position": 14, "hash": before} in pack["heads"]


def test_the_page_says_who_had_to_be_told_who_answered_and_whether_the_record_holds(
    database: Database, case: Case, tmp_path: Path
) -> None:
    audit(database, "pack", case.child, "--folder", str(tmp_path))
    page = (tmp_path / f"evidence-{code_of(case.episode)}.html").read_text()
    for said in (
        "tell police missing",
        "acknowledged",
        "personal details read",
        "operator acted",
        "S13, S57",
        "phoned",
    ):
        assert said in page
    assert str(case.earlier) not in page


def test_a_pack_of_a_record_that_does_not_hold_says_so_on_its_page(
    database: Database, case: Case, tmp_path: Path
) -> None:
    asyncio.run(tamper(database, "DELETE FROM audit.entries WHERE chain = :c AND position = 9", c=case.child))
    said = audit(database, "pack", str(case.episode), "--folder", str(tmp_path))
    assert said.returncode == 1
    assert "removed: entry 9" in (tmp_path / f"evidence-{code_of(case.episode)}.html").read_text()


def test_gaps_are_listed_with_a_sentence_each(database: Database) -> None:
    child = new_id("child")
    asyncio.run(_a_step_an_hour_late(database, child))
    said = audit(database, "gaps")
    assert said.returncode == 1
    (line,) = [line for line in said.stdout.splitlines() if child in line]
    assert line.startswith("step-not-taken  since 2026-11-23 22:15:00 UTC")


async def _a_step_an_hour_late(database: Database, child: str) -> None:
    late = datetime(2026, 11, 23, 22, 15, tzinfo=UTC)
    async with opened(database) as store:
        await record(
            store, heard(duty_changed(None, step(0, Role.DUTY_WORKER, channel=Channel.TEXT), next_step_at=late), child)
        )
