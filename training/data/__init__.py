"""Recorded skeleton data: one storage format, converters into it, protocols, batches.

`store` and `writer` are the format, `converters` and `converting` fill it, `protocols` says who
trains and who tests, `loading` makes batches. docs/data.md shows all of it at work.
"""

from training.data.clips import Clips, sample_clips, span_clips
from training.data.loading import Batch, BatchLoader, LoaderConfig
from training.data.protocols import (
    Protocol,
    Split,
    available_protocols,
    load_protocol,
    split_clips,
)
from training.data.sample import Person, Sample, Span
from training.data.sheet import DataSheet
from training.data.store import Store, open_store
from training.data.writer import StoreWriter

__all__ = [
    "Batch",
    "BatchLoader",
    "Clips",
    "DataSheet",
    "LoaderConfig",
    "Person",
    "Protocol",
    "Sample",
    "Span",
    "Split",
    "Store",
    "StoreWriter",
    "available_protocols",
    "load_protocol",
    "open_store",
    "sample_clips",
    "span_clips",
    "split_clips",
]
