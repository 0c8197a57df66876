"""Strategy discussions: scheduled, moved, called off, attended."""
