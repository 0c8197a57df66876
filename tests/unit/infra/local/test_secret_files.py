"""Each service can read its own secrets and no other's."""

from pathlib import Path

from infra.local.settings.secret_files import SecretFiles, key, write

SERVICES = ("casework", "carers", "protocol", "police", "strategy", "professionals", "clock", "console")


def test_only_services_that_read_personal_words_hold_a_key(tmp_path: Path) -> None:
    SecretFiles(tmp_path).deal(SERVICES)
    holders = {service for service in SERVICES if (tmp_path / service / "master_key").exists()}
    assert holders == {"casework", "carers", "police", "strategy", "professionals", "console"}


def test_each_service_has_a_database_password_of_its_own(tmp_path: Path) -> None:
    SecretFiles(tmp_path).deal(SERVICES)
    assert len({(tmp_path / service / "database_password").read_text() for service in SERVICES}) == len(SERVICES)


def test_nobody_but_their_owner_can_read_them(tmp_path: Path) -> None:
    SecretFiles(tmp_path / "secrets").deal(SERVICES)
    files = [path for path in (tmp_path / "secrets").rglob("*") if path.is_file()]
    assert len(files) > len(SERVICES)
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_a_second_run_finds_the_first_ones_secrets(tmp_path: Path) -> None:
    SecretFiles(tmp_path).deal(SERVICES)
    before = (tmp_path / "carers" / "phone_key").read_text()
    SecretFiles(tmp_path).deal(SERVICES)
    assert (tmp_path / "carers" / "phone_key").read_text() == before


def test_only_who_sends_links_can_sign_one(tmp_path: Path) -> None:
    SecretFiles(tmp_path).deal(SERVICES)
    assert {each.parent.name for each in tmp_path.glob("*/link_key")} == {"made", "police", "strategy", "professionals"}


def test_no_service_can_sign_the_links_of_another_while_a_key_is_changed_too(tmp_path: Path) -> None:
    write(tmp_path / "made" / "link_key", f"{key()}\n{key()}")
    SecretFiles(tmp_path).deal(SERVICES)
    dealt = [file.read_text().split() for file in tmp_path.glob("*/link_key")]
    assert {len(each) for each in dealt} == {2}
    assert len({each for keys in dealt for each in keys}) == 2 * 4
