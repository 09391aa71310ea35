"""`... | head`: a reader that has seen enough is no error."""

from __future__ import annotations

import os
import select
import sys

READER_GONE = 141
"""The exit status that shells give to what ended because nobody reads its output any more."""


def end_quietly() -> int:
    """While BrokenPipeError is handled: READER_GONE, and nothing is written at the end of the
    process. Raises it again where it is of another pipe than standard output."""
    output = sys.stdout.fileno()
    watched = select.poll()
    watched.register(output, 0)
    if not any(event & select.POLLERR for _, event in watched.poll(0)):
        raise
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, output)
    os.close(nowhere)
    return READER_GONE
