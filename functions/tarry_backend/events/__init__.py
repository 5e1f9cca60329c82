"""Incoming and outgoing events."""
