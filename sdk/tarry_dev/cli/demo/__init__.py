"""``tarry demo``: files of events, played to apps on an embedded cloud, and told."""

from tarry_dev.cli.demo.acts import show

__all__ = ["show"]
