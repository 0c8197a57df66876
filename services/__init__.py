"""Safe Return's services and the floors they share. Layers, lowest first: safeguarding, runtime, store, bus, register, delivery, a service."""
