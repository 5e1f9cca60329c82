"""A new project of the user's own: what ``tarry init`` writes."""

from tarry_dev.init.project import Project

__all__ = ["Project"]
