"""HTTP to a force: verified certificates, public addresses alone."""
