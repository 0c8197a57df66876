"""Packs Safe Return into containers: one image for every service, and the secrets that `docker compose up` needs."""
