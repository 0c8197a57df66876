"""What professionals measures beside the delivery floor."""

from prometheus_client import Counter

MAILS_IN = Counter("professionals_mails_in", "Mails to our mailbox, by what was made of them", ["result"])
ANSWERS = Counter("professionals_answers", "Buttons pressed behind mails, by what they say", ["answer"])
