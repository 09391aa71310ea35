"""The graph for an hour: latency, memory, threads and file descriptors, minute by minute.

    python -m benchmarks.soak [--minutes 60] [--out benchmarks/results/soak.json]
    python -m benchmarks.latency      thirty minutes on a machine that does nothing else

A camera process plays a film of a drawn person who makes gesture after gesture, drawn before
(640x480, 30 images a second); the estimator, the recogniser and their middleware are the real
ones, each process on its own. Camera-to-action is the time from the camera handing an image to
its middleware (that moment is also the stamp) to the arrival, in another process, of the actions
that rest on that image. What happens in the picture between two judgements waits up to one stride
(1 / rate_hz of the recogniser) longer; that is why the stride is told beside it.

The result is written anew after every minute.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.films import RATE_HZ, FilmScript, film
from benchmarks.graph_world import DOMAIN, GraphWorld
from benchmarks.heard import told
from benchmarks.longrun import minutes
from benchmarks.process_meter import machine
from benchmarks.run_summary import line, summary


def run(options: argparse.Namespace) -> dict[str, Any]:
    """The whole measurement; its result as it is written."""
    scripts = Path(options.work)
    script = FilmScript(options.film, options.film_s, people=options.people, seed=options.seed)
    result: dict[str, Any] = {
        "command": f"python -m benchmarks.{options.command} --minutes {options.minutes}"
        f"{' --composed' if options.composed else ''} --film {options.film}",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": f"{machine()}; {options.beside}",
        "input": f"{script.width}x{script.height}, {RATE_HZ:g} images/s, {options.film}, "
        f"{options.people} person(s)",
        "minutes": [],
    }
    print(f"drawing {script.seconds:g} s of film", flush=True)
    path = film(script, scripts / "films")
    with GraphWorld(scripts / "logs", options.domain) as world:
        nodes = ("pose_estimator", "action_recognizer")
        for group in [nodes] if options.composed else [(node,) for node in nodes]:
            world.start_nodes(*group, respawn=False)
        world.start_camera(path, rate_hz=RATE_HZ)
        world.wait(lambda: world.heard.actions, "the first actions", 120.0)

        def each(figures: dict[str, Any]) -> None:
            result["minutes"].append(figures)
            result["summary"] = summary(result["minutes"])
            write(result, options.out)
            print(line(figures), flush=True)

        checker = minutes(world, options.minutes, each, options.minute_s)
        result["wrong"] = checker.verdict.faults() + world.crashes()
        result["complaints"] = told(world.heard.complaints)
    write(result, options.out)
    return result


def write(result: dict[str, Any], out: Path | None) -> None:
    """As JSON, whole or not at all."""
    if out is None:
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_suffix(".part")
    unfinished.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(out)


def main(command: str = "soak", minutes: int = 60, out: Path | None = None) -> None:
    """Command line; see the module's docstring. The arguments are its defaults."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{command}", description=__doc__)
    parser.add_argument("--minutes", type=int, default=minutes)
    parser.add_argument("--minute_s", type=float, default=60.0, help="shorter ones for a try")
    parser.add_argument("--composed", action="store_true", help="both nodes in one process")
    parser.add_argument("--film", choices=("lively", "held", "empty"), default="lively")
    parser.add_argument("--film_s", type=float, default=20.0, help="length before it turns round")
    parser.add_argument("--people", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--domain", type=int, default=DOMAIN, help="ROS_DOMAIN_ID of the run")
    parser.add_argument("--out", type=Path, default=out, help="JSON file to write")
    parser.add_argument(
        "--beside", default="nothing else ran", help="what else ran on the machine, for the result"
    )
    with tempfile.TemporaryDirectory() as folder:
        parser.add_argument("--work", default=folder, help="folder of films and logs")
        parser.set_defaults(command=command)
        result = run(parser.parse_args())
    print(json.dumps(result["summary"], indent=1))
    for text in result["wrong"]:
        print(f"wrong: {text}")


if __name__ == "__main__":
    main()
