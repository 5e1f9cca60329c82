"""The timers: they send due steps to their runs, and deadlines to the matcher."""
