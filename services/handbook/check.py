"""All that `python -m services check` proves: the rules, and every word that they send."""

from pathlib import Path

from services.handbook import words
from services.protocol.check import check as faults_of_rules
from services.protocol.findings import Finding
from services.protocol.loading import files


def check(folder: Path | None = None) -> list[Finding]:
    """Everything wrong with the default rules, the authorities' own in `folder`, and the texts and mails. Empty: fit for use."""
    findings = faults_of_rules(folder)
    if not any(each.unreadable for each in findings):
        findings += words.not_written(files(folder))
    return findings + words.faults()
