"""The registration of waits, and the events that end them."""
