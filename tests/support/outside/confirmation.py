"""Finds what a reply asks a carer to text back, such as BACK K7M2."""

import re

CONFIRM = re.compile(r"(?:BACK|FALSE ALARM) (?=\w*\d)(?=\w*[A-Z])[2-9B-DF-HJ-NP-TV-XZ]{4}\b")
