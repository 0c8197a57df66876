"""Takes messages from Kafka and brings them to it: topics, consumers, outbox relay, dead letters. Names no agency.

Promises: a message's effects commit with its inbox mark. Events are published in each child's order, and again until
Kafka has acknowledged them. A message is acknowledged only after both. A transient failure holds its own partition
until it has passed; a message that fails otherwise becomes a dead letter. Nothing is raised into Faust, and there is no
Faust table.
"""
