"""Starts PostgreSQL and Kafka, alone or as a cluster."""
