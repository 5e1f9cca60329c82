"""Tarry's loggers, which the user's configuration of ``logging`` does not switch off by accident."""

from __future__ import annotations

import logging

__all__ = ["steady_logger"]


class _SteadyLogger(logging.Logger):
    """A logger that cannot be disabled. Its level says what it logs.

    ``logging.config.dictConfig`` and ``fileConfig`` disable each logger that exists already and that they do not name,
    unless their caller asks otherwise. An app that calls them, or Django, would hide why its runs fail.
    """

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - logging's name, which each line asks first
        self.disabled = False
        return super().isEnabledFor(level)


def steady_logger(name: str) -> logging.Logger:
    """Return the logger of this name, which cannot be disabled."""
    logger = logging.getLogger(name)
    if type(logger) is logging.Logger:  # else a tool has put a class of its own there
        logger.__class__ = _SteadyLogger
    return logger
