"""A real PostgreSQL 18 on loopback, from a wheel's binaries: passwords (SCRAM) for everyone, no socket, no trust."""
