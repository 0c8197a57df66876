"""Keeps the database elsewhere as it changes, sealed to a key that is not on this machine, and restores it to a moment.

A place (folder or bucket) holds, below the database's system identifier, base backups and the WAL since the oldest of
them: `base/MOMENT-SEGMENT.tar.gz.age`, `wal/SEGMENT.gz.age`, beside each `.sig`, which signs the name with the file.
`age -d` opens each; PostgreSQL's own tools made them and read them.
"""
