"""The app of a stack that hosts remote apps alone: it has no functions of its own."""

from tarry import App

__all__ = ["app"]

app = App("remote")
