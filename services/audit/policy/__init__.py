"""What a chain is and what breaks it, what must follow a message, and what belongs to an episode. Pure."""
