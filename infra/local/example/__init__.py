"""The example authorities: their files, who may sign in for them, and how they are loaded."""
