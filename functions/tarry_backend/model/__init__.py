"""The data that all of the backend shares. Frozen, and without any AWS."""
