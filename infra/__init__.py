"""Surrounds the services: starts a real Kafka and PostgreSQL, and plays the outside world."""
