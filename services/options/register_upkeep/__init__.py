"""Keeps the register: imports, photographs, and what forces and agencies say of themselves."""
