"""How many decisions a second the protocol's engine makes on one core: `python -m tests.bench.deciding`.

One history a child: report, tellings accepted, delivered and acknowledged, reference, return, check, interview, closing.
"""

import gc
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta

from services.protocol.loader import Library, files
from services.protocol.policy.case import Case, Facts
from services.protocol.policy.decide import decide
from services.protocol.policy.draft import Decision, Happened, Protocols
from services.safeguarding.child_events import events
from services.safeguarding.duty.duties import DutyAccepted, DutyAcknowledged, DutyDelivered
from services.safeguarding.message import Message
from services.safeguarding.roles import Channel

CHILDREN = 150
START = datetime(2026, 11, 24, 18, tzinfo=UTC)
CARER = "person-00000000-0000-4000-8000-000000000001"
SAID = {"authority": "kestrel"}
FACTS = Facts(authority="kestrel", force="northmoor-police", unaccompanied=True, guardian_allocated=True)


class History:
    """Only the decisions themselves are timed, in time of one core: what else runs on the machine does not count."""

    def __init__(self, protocols: Protocols, number: int) -> None:
        self.took: dict[str, list[float]] = defaultdict(list)
        self._protocols = protocols
        self._case = Case(child=f"child-00000000-0000-4000-8000-{number:012d}")
        self._count = 0

    def run(self) -> None:
        report = self._hears(events.ChildReportedMissing(**SAID, said_by=CARER, channel="text"), 0)
        self._answered(report, minutes=1)
        force = {**SAID, "force": "northmoor-police", "reply": "reply"}
        self._hears(events.PoliceReferenceGiven(**force, reference_kind=events.ReferenceKind.INCIDENT), 2)
        back = self._hears(events.ChildReturned(**SAID, said_by=CARER, channel="text", proof=events.Proof.HANDSET), 40)
        self._answered(back, minutes=41)
        self._hears(events.SafeAndWellCheckRecorded(**SAID), 180)
        self._hears(events.ReturnInterviewRecorded(**SAID, state="completed"), 1200)
        self._hears(events.PoliceClosed(**force), 1300)

    def _hears(self, content: Message, minutes: int) -> Decision:
        self._count += 1
        now = START + timedelta(minutes=minutes)
        happened = Happened(content, f"message-{self._count}", self._case.child, now)
        started = time.thread_time()
        decision = decide(self._case, happened, FACTS, self._protocols, now)
        self.took[content.kind].append(time.thread_time() - started)
        self._case = decision.case
        return decision

    def _answered(self, decision: Decision, minutes: int) -> None:
        for duty in (each for each in decision.duties if each.act == "tell"):
            about = {"duty": duty.duty, "step": duty.step, "authority": duty.authority}
            self._hears(DutyAccepted.model_validate(about), minutes)
            if duty.channel == Channel.TEXT:
                self._hears(DutyDelivered.model_validate(about), minutes)
            self._hears(DutyAcknowledged.model_validate({**about, "how": "text"}), minutes)


def main() -> None:
    protocols = Protocols(Library(files()).current("kestrel"))
    gc.collect()
    gc.freeze()  # as a service does once it runs (services/platform/runtime/process.py)
    took: dict[str, list[float]] = defaultdict(list)
    for number in range(CHILDREN):
        history = History(protocols, number)
        history.run()
        for kind, each in history.took.items():
            took[kind].extend(each)
    seconds, count = sum(map(sum, took.values())), sum(map(len, took.values()))
    print(f"{count} decisions, {count / seconds:,.0f} a second")
    for kind, each in sorted(took.items()):
        print(f"  {kind:36} {len(each) // CHILDREN:3} a history, {1e6 * sum(each) / len(each):5.0f} microseconds each")


if __name__ == "__main__":
    main()
