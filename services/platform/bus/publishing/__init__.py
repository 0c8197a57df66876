"""Publishes what a service says, and again what Kafka has lost."""
