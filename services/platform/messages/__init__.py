"""Holds messages as they travel: the envelope around each, and the bytes that Kafka gives."""
