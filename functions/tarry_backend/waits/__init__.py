"""How a wait is written, and what ends it."""
