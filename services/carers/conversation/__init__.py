"""Conversations: read each text once, in its sender's order, and write down what it brings about."""
