"""Shows Kafka to an operator: how far each service is behind, and where it reads on after a restore."""
