"""What happens to the running graph when something breaks, fault by fault.

    python -m benchmarks.faults [--only NAME ...] [--out benchmarks/results/faults.json]
    python -m benchmarks.fault_table        # docs/faults.md from that file

Real processes on a ROS domain of their own (started and restarted by `recognize --respawn`), a
camera process that misbehaves on demand, 640x480 pictures of a drawn person who holds one gesture,
30 a second. Each fault begins while the gesture is being recognised.

- back after: from the end of the fault (of a kill: from the kill) to the arrival of the first
  actions that rest on an image sent after it.
- recognised after: until the gesture is recognised again.
- wrong: what benchmarks/verdict.py looks for, in every message from the fault on.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.fault_cases import CASES, NS, Case
from benchmarks.fault_worlds import WORLDS
from benchmarks.films import HELD, RATE_HZ, FilmScript, film
from benchmarks.graph_world import DOMAIN, GraphWorld, WorldError
from benchmarks.heard import longest_gap_s, told
from benchmarks.process_meter import busy_share, cpu_clock, machine
from benchmarks.soak import write
from benchmarks.verdict import STALE_S, check

RECOVERY_S = 40.0
AFTER_S = 2.0


def steady(world: GraphWorld) -> None:
    """Until the gesture has been recognised for a second without a pause."""

    def stable() -> bool:
        since = time.time_ns() - NS
        recent = [a for a in reversed(world.heard.actions[-60:]) if a.received_ns > since]
        return len(recent) >= 2 and all(a.shows(HELD) for a in recent)

    world.wait(stable, f"a second of {HELD}", 60.0)


def try_case(
    world: GraphWorld, case: Case, after_s: float = AFTER_S, stale_s: float = STALE_S
) -> dict[str, Any]:
    """Do it to a world that runs steadily; what happened. after_s: how long to watch afterwards."""
    steady(world)
    begin, busy = time.time_ns(), cpu_clock()
    complaints, kills = len(world.heard.complaints), len(world.kills)
    result: dict[str, Any] = {"name": case.name, "fault": case.fault, "expected": case.expected}
    try:
        notes = case.inject(world)
        fresh_kills = [at for at, _ in world.kills[kills:]]
        end = fresh_kills[0] if fresh_kills else time.time_ns()

        def since_end(name: str = "") -> bool:
            return any(
                world.sent.get(a.stamp_ns, 0) >= end and (not name or a.shows(name))
                for a in world.heard.actions[-60:]
                if a.received_ns >= end
            )

        world.wait(since_end, "actions again", RECOVERY_S)
        back = time.time_ns()
        world.wait(lambda: since_end(HELD), f"{HELD} again", RECOVERY_S)
        again = time.time_ns()
        world.run_for(after_s)
    except WorldError as error:
        return {**result, "wrong": [str(error).splitlines()[0]], "crashes": world.crashes()}
    really = None if case.others is None else (HELD, *case.others)
    verdict = check(
        world.heard.actions, world.sent, really=really, begin_ns=begin,
        restarts_ns=[at for at, name in world.kills if name in ("action_recognizer", "composed")],
        time_restarts=case.time_restarts, stale_s=stale_s,
    )  # fmt: skip
    gap = longest_gap_s(world.heard.actions, again, time.time_ns())
    return {
        **result,
        "notes": notes,
        "diagnostics": told(world.heard.complaints[complaints:]),
        "back_after_s": round((back - end) / NS, 2),
        "recognised_after_s": round((again - end) / NS, 2),
        "longest_silence_s": round(longest_gap_s(world.heard.actions, begin, again), 2),
        "pause_afterwards_s": round(gap, 2),
        "left_open": verdict.left_open,
        "joined_late": verdict.joined_late,
        "messages": verdict.messages,
        "wrong": verdict.faults(),
        "crashes": world.crashes(),
        "machine_busy": round(busy_share(busy, cpu_clock()), 2),
    }


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every chosen fault; what happened."""
    work = Path(options.work)
    chosen = [case for case in CASES if not options.only or case.name in options.only]
    results = []
    if chosen:
        path = film(FilmScript("held"), work / "films")
        with GraphWorld(work, options.domain) as world:
            world.start_graph()
            world.start_camera(path, rate_hz=RATE_HZ)
            for case in chosen:
                results.append(try_case(world, case))
                tell(results[-1])
    for name, (fault, expected, trial) in WORLDS.items():
        if options.only and name not in options.only:
            continue
        result = {"name": name, "fault": fault, "expected": expected}
        try:
            result = {**result, **trial(work, options.domain)}
        except WorldError as error:
            result["wrong"] = [str(error).splitlines()[0]]
        results.append(result)
        tell(result)
    return results


def tell(result: dict[str, Any]) -> None:
    """A result for people to read."""
    bad = [*result.get("wrong", ()), *result.get("crashes", ())]
    print(
        f"{'WRONG' if bad else 'ok   '} {result['name']:<20} back after "
        f"{result.get('back_after_s', '-')} s, recognised after "
        f"{result.get('recognised_after_s', '-')} s",
        flush=True,
    )
    for text in [*bad, *result.get("notes", ()), *result.get("diagnostics", ())]:
        print(f"        {text}", flush=True)


def merged(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """New results in place of old ones of the same fault; the order of the cases."""
    found = {result["name"]: result for result in [*old, *new]}
    names = [*(case.name for case in CASES), *WORLDS]
    return [found[name] for name in names if name in found]


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="names of faults; default all")
    parser.add_argument("--domain", type=int, default=DOMAIN, help="ROS_DOMAIN_ID of the run")
    parser.add_argument("--out", type=Path, default=None, help="JSON file to write or to amend")
    parser.add_argument(
        "--beside", default="nothing else ran", help="what else ran on the machine, for the result"
    )
    with tempfile.TemporaryDirectory() as folder:
        parser.add_argument("--work", default=folder, help="folder of films and logs")
        options = parser.parse_args()
        results = run(options)
    if options.out is not None:
        old = json.loads(options.out.read_text())["faults"] if options.out.is_file() else []
        write(
            {
                "command": "python -m benchmarks.faults",
                "machine": f"{machine()}; {options.beside}",
                "faults": merged(old, results),
            },
            options.out,
        )


if __name__ == "__main__":
    main()
