"""What stands around the services: the real Kafka and PostgreSQL, and the outside world, played."""
