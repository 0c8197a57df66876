"""Says where a stack's files lie, its secrets, and the environment of each of its processes."""
