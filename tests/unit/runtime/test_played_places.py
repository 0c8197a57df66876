"""Where a process that is told SAFE_RETURN_SANDBOX may start: on this machine, and in containers whose addresses no real machine has."""

import pytest
from pydantic import SecretStr, ValidationError

from services.platform.runtime.settings import EVERYWHERE, Settings, is_played

IN_CONTAINERS = "postgresql://192.0.2.3:5432/safe_return?sslmode=verify-full&channel_binding=require"
HERE = "postgresql://127.0.0.1:5432/safe_return"


def settings(**said: object) -> Settings:
    return Settings(sandbox=True, database_password=SecretStr("x"), http_port=1, **said)  # type: ignore[arg-type]


@pytest.mark.parametrize("place", ["127.0.0.1:9092", "192.0.2.2:9092", "http://192.0.2.4:8200", IN_CONTAINERS, HERE])
def test_a_place_where_nobody_real_can_be_is_played(place: str) -> None:
    assert is_played(place)


@pytest.mark.parametrize("place", ["kafka:9092", "192.0.3.2:9092", "postgresql://10.0.0.1/x", "192.0.2.4.example", ""])
def test_any_other_place_may_be_real(place: str) -> None:
    assert not is_played(place)


def test_a_sandbox_listens_everywhere_only_in_a_container_of_its_own() -> None:
    assert settings(database=IN_CONTAINERS, http_host=EVERYWHERE).http_host == EVERYWHERE
    with pytest.raises(ValidationError, match="http_host"):
        settings(database=HERE, http_host=EVERYWHERE)


def test_a_database_that_somebody_else_has_is_refused() -> None:
    with pytest.raises(ValidationError, match="database"):
        settings(database=IN_CONTAINERS.replace("192.0.2.3", "192.0.3.3"))
