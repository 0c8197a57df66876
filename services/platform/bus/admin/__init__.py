"""Kafka as an operator sees it: how far each service is behind, and where it reads on after a restore."""
