"""Camera-to-action latency and memory over thirty undisturbed minutes: python -m benchmarks.latency

The run of `benchmarks.soak` with other defaults; its result is benchmarks/results/latency.json.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.soak import main

if __name__ == "__main__":
    main("latency", 30, Path(__file__).parent / "results" / "latency.json")
