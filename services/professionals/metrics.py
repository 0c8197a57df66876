"""What professionals measures beside the delivery floor."""

from prometheus_client import Counter

ANSWERS = Counter("professionals_answers", "Buttons pressed behind mails, by what they say", ["answer"])
