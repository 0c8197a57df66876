"""Settings: keys and links, mail, and texts, each read by the services that need it."""
