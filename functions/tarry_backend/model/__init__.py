"""The data that all of the backend shares. It is frozen, and it uses no AWS."""
