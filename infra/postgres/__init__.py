"""Provides a real PostgreSQL 18 on loopback, from a wheel's binaries: SCRAM passwords for all, no socket."""
