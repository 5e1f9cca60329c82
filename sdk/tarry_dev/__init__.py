"""Tarry on a person's machine: the embedded cloud, the command line, the pytest plugin."""
