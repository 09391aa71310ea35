"""TensorRT's messages: warnings and errors kept for our sentences, the rest to Python's logging."""

from __future__ import annotations

import logging
from collections import deque
from typing import Any

_LOGGER = logging.getLogger("bharnet_ros.tensorrt")


class Log:
    """The last errors the library told."""

    def __init__(self) -> None:
        self._errors: deque[str] = deque(maxlen=5)

    def add(self, level: int, text: str) -> None:
        """level: one of logging's."""
        if level >= logging.ERROR:
            self._errors.append(text.strip())
        _LOGGER.log(min(level, logging.INFO), "%s", text)  # ours is the voice that users hear

    def errors(self) -> str:
        """In one line; "" if there were none."""
        return "; ".join(self._errors)


def make_logger(trt: Any) -> tuple[Any, Log]:
    """A logger for the library, and where it writes. Keep it as long as what was made with it."""
    log = Log()
    severity = trt.ILogger.Severity
    levels = {
        severity.INTERNAL_ERROR: logging.ERROR,
        severity.ERROR: logging.ERROR,
        severity.WARNING: logging.WARNING,
        severity.INFO: logging.INFO,
    }
    base = trt.ILogger

    class Logger(base):  # type: ignore[misc, valid-type]  # known at run time only
        def __init__(self) -> None:
            base.__init__(self)

        def log(self, severity: Any, msg: str) -> None:
            log.add(levels.get(severity, logging.DEBUG), msg)

    return Logger(), log
