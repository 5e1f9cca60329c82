"""The shape of a deployed stack: its settings, queues and outputs."""
