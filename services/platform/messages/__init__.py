"""Messages as they travel: the envelope around each, and what Kafka gives."""
