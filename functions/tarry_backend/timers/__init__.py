"""The timers: what is due goes to whom it belongs."""
