"""Consumers: they take messages from Kafka and give each to the message processor."""
