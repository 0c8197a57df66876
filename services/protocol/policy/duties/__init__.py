"""The life of a duty: its steps, its tellings, and what comes of them."""
