"""Builds of engines, one at a time: they time what they build, and each other's work disturbs."""

from __future__ import annotations

import threading

one_at_a_time = threading.Lock()
"""Nodes of one process build while they hold it."""
