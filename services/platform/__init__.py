"""The floors that every service stands on: the process, the database, the bus, the register's reads, delivery."""
