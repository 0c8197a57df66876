"""Keeps the console's read model of episodes, duties and messages."""
