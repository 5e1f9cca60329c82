"""How the step tools reach the engine that performs them. Not for users."""
