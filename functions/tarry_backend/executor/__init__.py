"""The executor: it applies a run's messages, replays the function, and stores its steps."""
