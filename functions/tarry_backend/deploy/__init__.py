"""What a deployed stack looks like: its settings, its queues, its outputs."""
