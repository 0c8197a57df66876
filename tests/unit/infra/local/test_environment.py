"""What a service is told of its engines, alone or in a cluster, is what it takes."""

from sqlalchemy import make_url

from infra.local.settings.environment import bus, database
from services.platform.runtime.settings import Settings, is_loopback

ALONE = {"kafka": 1, "kafka-controller": 2, "postgres": 3}
CLUSTER = ALONE | {"kafka-2": 4, "kafka-3": 5, "postgres-2": 6, "postgres-2-api": 7}


def test_one_of_each_is_named_by_its_address() -> None:
    assert (bus(ALONE), database(ALONE)) == ("127.0.0.1:1", "postgresql://127.0.0.1:3/safe_return")


def test_of_a_cluster_all_are_named_and_the_primary_is_asked_for() -> None:
    assert bus(CLUSTER) == "127.0.0.1:1,127.0.0.1:4,127.0.0.1:5"
    given = Settings.model_validate(
        {
            "sandbox": True,
            "kafka": bus(CLUSTER),
            "database": database(CLUSTER),
            "database_password": "x",
            "http_port": 1,
        }
    )
    assert make_url(given.database).query == {
        "host": "127.0.0.1,127.0.0.1",
        "port": "3,6",
        "target_session_attrs": "read-write",
    }


def test_a_sandbox_reaches_no_host_elsewhere_among_several() -> None:
    assert is_loopback(database(CLUSTER))
    assert not is_loopback(database(CLUSTER).replace("127.0.0.1,127", "10.0.0.1,127"))
