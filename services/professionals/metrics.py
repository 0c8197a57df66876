"""Counts mails from professionals and their presses of a mail's button."""

from prometheus_client import Counter

MAILS_IN = Counter("professionals_mails_in", "Mails to our mailbox, by result", ["result"])
ANSWERS = Counter("professionals_answers", "Buttons pressed on the page behind a mail, by answer", ["answer"])
