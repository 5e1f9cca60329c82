"""The transport of events and signals. Not for users."""
