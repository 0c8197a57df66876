"""A cluster, hurt on purpose: a short form runs in `make test`, the long one by `make faults`."""
