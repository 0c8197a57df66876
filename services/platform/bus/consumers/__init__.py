"""Takes messages from Kafka and gives each to the message processor."""
