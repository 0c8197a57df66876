"""Kafka: envelope, topics, two consumers, the publisher, dead letters. Decides nothing and names no agency.

Promises: a message's effects commit with its inbox mark; what they say is published in each child's order until Kafka
has acknowledged it; a message is acknowledged only after both. Passing failures hold their own partition and are
waited out; everything else becomes a dead letter. Nothing is ever raised into Faust, and no Faust table exists.
"""
