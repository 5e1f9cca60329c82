"""The executor: a run's messages, its replay, and what is kept of it."""
