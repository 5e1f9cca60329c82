"""How events and signals travel. Not for users."""
