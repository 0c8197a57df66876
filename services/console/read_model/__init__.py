"""The console's read model: what it keeps of each message."""
