"""What is published is set beside what was read: each change is named, with the rules that rest on it."""

from datetime import date
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from services.options.law_watch.commands import law
from services.options.law_watch.comparison import Provision, compare, read_provisions
from services.options.law_watch.publication import NotPublished, read_publication
from services.protocol.law.law import shipped
from services.protocol.loader import files

TODAY = date(2026, 12, 3)
AT = "uksi/2010/959/regulation/13"
WORDS = "the responsible authority must give written notification"


def publication(words: str = WORDS, since: str = "2014-01-27", status: str = "", effects: str = "") -> bytes:
    """In the form that the publisher describes: the day on the group, the address on the provision."""
    day = f'RestrictStartDate="{since}"' if since else ""
    state = f'Status="{status}" Match="false"' if status else ""
    return f"""<Legislation xmlns="http://www.legislation.gov.uk/namespaces/legislation"
        xmlns:ukm="http://www.legislation.gov.uk/namespaces/metadata"
        DocumentURI="http://www.legislation.gov.uk/uksi/2010/959" RestrictExtent="E+W">
      <ukm:Metadata><ukm:UnappliedEffects>{effects}</ukm:UnappliedEffects></ukm:Metadata>
      <Secondary><Body DocumentURI="http://www.legislation.gov.uk/uksi/2010/959/body">
        <P1group {day} {state}><Title>Notification of placement</Title>
          <P1 DocumentURI="http://www.legislation.gov.uk/uksi/2010/959/regulation/13/2014-01-27"
              IdURI="http://www.legislation.gov.uk/id/uksi/2010/959/regulation/13" id="regulation-13">
            <Pnumber>13</Pnumber><P1para><P2><P2para><Text>{words}</Text></P2para></P2></P1para></P1></P1group>
      </Body></Secondary></Legislation>""".encode()


READ = read_publication(publication())[AT]


def said(published: bytes, **read: object) -> str:
    row = {"cite": "CPR 13", "at": AT, "read-on": TODAY, "version": READ.version, "text": READ.text, **read}
    rules = {"placement-notice-is-given": ["CPR 13", "LEE"], "another": ["LEE"]}
    [finding] = compare([Provision.model_validate(row)], read_publication(published), rules, shipped(), TODAY)
    assert finding.rests == ("placement-notice-is-given",)
    assert finding.good == (finding.says == "as it was read")
    return finding.says


def test_the_same_text_of_the_same_day_is_as_it_was_read() -> None:
    assert said(publication()) == "as it was read"
    assert said(publication(words=f"\n   {WORDS.replace(' ', '  ')}")) == "as it was read"


@pytest.mark.parametrize(
    ("published", "says"),
    [
        (publication(since="2026-09-01"), "has changed: read in its text of 2014-01-27, it holds since 2026-09-01"),
        (publication(words="somebody may give notice"), "has other words than were read, of the same day"),
        (publication(status="Repealed"), "is repealed"),
        (publication(status="Prospective"), "is not in force yet"),
        (publication(since=""), "is here as it was made"),
        (publication().replace(b"regulation/13", b"regulation/13A"), "is no longer in it"),
        (publication(effects='<ukm:UnappliedEffect AffectedSectionRef="regulation-13"/>'), "1 that the publisher knows are not in the text yet"),
        (publication(effects='<ukm:UnappliedEffect><ukm:Section Ref="regulation-13"/></ukm:UnappliedEffect>'), "changes: 1"),
    ],
    ids=["another day", "other words", "repealed", "not in force", "as made", "gone", "pending", "pending, by element"],
)  # fmt: skip
def test_each_difference_is_named(published: bytes, says: str) -> None:
    assert says in said(published)


def test_a_change_of_another_regulation_is_none_of_this_one() -> None:
    assert said(publication(effects='<ukm:UnappliedEffect AffectedSectionRef="regulation-131"/>')) == "as it was read"


def test_what_nobody_has_compared_is_never_called_unchanged() -> None:
    says = said(publication(), version=None, text=None)
    assert says == f"was never compared; read it, and write version: 2014-01-27, text: {READ.text}, read-on: 2026-12-03"


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (b"<html><body>Not found</body></html>", "its root is not Legislation"),
        (b"no xml at all", "it is no XML"),
        (publication().replace(b"P1 ", b"P7 ").replace(b"</P1>", b"</P7>"), "no section and no regulation"),
        (b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 999 + b'">' + b"".join(
            b'<!ENTITY %c "%s">' % (98 + each, b"&%c;" % (97 + each) * 99) for each in range(8)
        ) + b"]><x>&i;</x>", "it is no XML"),
    ],
    ids=["a page", "no xml", "a table of contents", "entities that grow without end"],
)  # fmt: skip
def test_what_is_no_publication_is_refused_by_its_cause(written: bytes, why: str) -> None:
    with pytest.raises(NotPublished, match=why):
        read_publication(written)


def test_every_provision_is_of_a_source_that_rules_may_cite_and_each_cited_regulation_is_watched() -> None:
    watched = {each.cite for each in read_provisions()}
    assert all(shipped().sources.of(each) is not None for each in watched)
    cited = {
        cite for file in files() for rule in file.rules for cite in rule["because"]["cite"] if cite.startswith("CPR")
    }
    assert cited <= watched


def test_the_command_names_the_rules_and_ends_with_1_where_a_person_must_look(tmp_path: Path) -> None:
    file, own = tmp_path / "cpr.xml", tmp_path / "read.yaml"
    file.write_bytes(publication())
    ran = CliRunner().invoke(law, ["check", str(file)])
    assert ran.exit_code == 1
    assert "CPR 13, regulation 13: was never compared" in ran.output
    assert "  placement-notice-is-given\n" in ran.output
    row = f"{{ cite: CPR 13, at: {AT}, version: {READ.version}, text: '{READ.text}', read-on: 2026-12-03 }}"
    own.write_text(f"provisions:\n  - {row}\n")
    only = [each for each in read_provisions() if each.instrument == "uksi/2010/959" and each.cite != "CPR 13"]
    ran = CliRunner().invoke(law, ["check", str(file), "--read", str(own)])
    assert "CPR 13, regulation 13: as it was read\n" in ran.output
    assert ran.output.count("is no longer in it") == len(only)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["check", "nothing.xml"], "No such file"),
        (["check", "page.xml"], "its root is not Legislation"),
        (["check", "other.xml"], "no rule rests on any of it"),
        (["check", "cpr.xml", "--read", "wrong.yaml"], "`provisions` is a list"),
    ],
)
def test_the_command_refuses_what_it_cannot_use_and_names_it(
    arguments: list[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("page.xml").write_text("<html/>")
    Path("cpr.xml").write_bytes(publication())
    Path("other.xml").write_bytes(publication().replace(b"uksi/2010/959", b"uksi/1999/1"))
    Path("wrong.yaml").write_text("[]")
    ran = CliRunner().invoke(law, arguments)
    assert (ran.exit_code, why in ran.output) == (2, True), ran.output


def test_what_cannot_be_fetched_is_named_and_the_others_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(404) if "ukpga/2026" in request.url.path else httpx.Response(200, content=publication())

    client = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **_: client(transport=httpx.MockTransport(answer)))
    ran = CliRunner().invoke(law, ["fetch", str(tmp_path)])
    assert ran.exit_code == 2
    assert "ukpga/2026/21/data.xml cannot be had" in ran.output
    assert {each.name for each in tmp_path.iterdir()} == {
        *("uksi-2010-959.xml", "ukpga-1971-77.xml", "ukpga-1989-41.xml", "ukpga-2016-19.xml"),
    }
