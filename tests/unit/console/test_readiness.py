"""What an authority still lacks before it can go live."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.console.policy.readiness import NEEDED, Facts, ForceFacts, checks
from services.safeguarding.duty.rota import RotaLine
from services.safeguarding.working_time import Days, Turn
from tests.unit.console.test_directory import listed

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
FORCE = ForceFacts("northmoor", is_reached=True, has_api=True, is_agreed=True)
READY = Facts(
    has_duty_line=True,
    credentials=1,
    imported=dict.fromkeys(NEEDED, NOW - timedelta(hours=50)),
    rota=(),
    managers=2,
    is_signed_in_by_provider=False,
    forces=(FORCE,),
    exercised={"text", "email", "webhook"},
)
