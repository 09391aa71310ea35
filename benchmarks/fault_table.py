"""docs/faults.md from the measured results: python -m benchmarks.fault_table

Reads benchmarks/results/faults.json (python -m benchmarks.faults), soak.json and latency.json
(python -m benchmarks.soak) and load.json (python -m benchmarks.load); what is missing is left out.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from benchmarks.run_summary import summary

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "faults.md"

_HEAD = """# When something breaks

Made by `python -m benchmarks.fault_table` from the results in `benchmarks/results/`; do not edit.

{machine}

Each fault was done to a real graph (processes over Fast DDS, started and restarted by
`python -m bharnet_ros recognize --respawn true`) while a drawn person's gesture was being
recognised from 640x480 images, 30 a second: `python -m benchmarks.faults`.

- **back**: from the end of the fault (of a kill: from the kill, so with the pause before a
  restart, the start of Python and the loading of networks) to the first actions that rest on an
  image sent afterwards.
- **recognised**: until the gesture is recognised again; its window has to fill.
- **wrong**: in all messages from the fault on: a state that rests on an image older than a
  second, never sent or older than the one before; an action without its STARTED or ENDED; an
  action that nobody did; a process that ended unasked or printed a traceback.

| fault | expected | back | recognised | wrong |
|---|---|---|---|---|
"""


_TAIL = """## What follows for whoever uses it

- **An action whose recogniser was killed gets no ENDED.** Take a second of silence on `actions`,
  or a STARTED of the same `track_id` and bundle, for its end. In every other fault each STARTED has
  its ENDED, also when camera or estimator fall silent (after `input_timeout_s`, 2 s).
- **Who subscribes late may hear ONGOING first.** Messages that a new process sends before the
  middlewares have found each other are lost; take an ONGOING of an unknown action for its start.
- **Track ids count from 0 again after the estimator was restarted.** The recogniser has forgotten
  everybody by then; remember ids no longer than the actions they belong to.
- **Below 2 images a second nothing is recognised**, whether the camera is that slow or the machine:
  images more than 0.6 s apart are not joined. People are reported as unknown then; `/diagnostics`
  tells the rates. What a few images a second cost is in docs/tuning.md.
- **A stamp far off restarts time**: actions end, windows and track ids begin anew. One wrong stamp
  costs as much as a window takes to fill. Images stamped 0 are dropped, and named.
- **A node that hung** (a suspended machine, a debugger, heavy swapping) drops the image it was at
  work on or finds waiting, if that is more than a second late; the recogniser takes what has waited
  into its windows but judges only the newest.
- **4K images** are too large for the shared memory of config/fastdds.xml (16 MB): let the camera
  scale them down (the networks look at far less), or raise `segment_size`.
- **Shared memory of killed processes** (17 MB each in /dev/shm) is given back when the next node
  starts. A container's default of 64 MB is small: start it with `--shm-size=512m` or `--ipc=host`.
- **A killed publisher stays visible for up to 20 s** (`ros2 topic info`), the lease of Fast DDS.
"""


def fault_row(fault: dict[str, Any]) -> str:
    """A line of the table."""
    bad = [*fault.get("wrong", ()), *fault.get("crashes", ())]
    open_ = fault.get("left_open", 0)
    if open_:
        bad.append(f"({open_} action in progress in the killed process stayed without ENDED)")
    if fault.get("joined_late", 0):
        bad.append("(its first STARTED came before the listener's middleware had found it)")
    return (
        f"| {fault['fault']} | {fault['expected']} | {_seconds(fault, 'back_after_s')} | "
        f"{_seconds(fault, 'recognised_after_s')} | {'; '.join(map(_cell, bad)) or 'nothing'} |"
    )


def _seconds(fault: dict[str, Any], name: str) -> str:
    return f"{fault[name]:.1f} s" if name in fault else "-"


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")


def fault_notes(faults: list[dict[str, Any]]) -> list[str]:
    """What else was seen, and what the diagnostics said meanwhile, fault by fault."""
    lines = ["", "## What was seen", ""]
    for fault in faults:
        notes = [n for n in fault.get("notes", ()) if n]
        said = fault.get("diagnostics", ())
        if not notes and not said:
            continue
        lines.append(f"**{fault['fault']}**")
        lines += [f"- {_cell(note)}" for note in notes]
        lines += [f'- diagnostics: "{_cell(text)}"' for text in said[:4]]
        lines.append("")
    return lines


def load_part(load: dict[str, Any]) -> list[str]:
    """CPU and memory of the graph."""
    lines = [
        "## CPU and memory", "", f"`{load['command']}`, {load['machine']}. CPU in percent of one "
        "core; memory is the proportional set size.", "",
        "| view | skeletons/s | actions/s | estimator | recogniser | visualizer, nobody looks |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for row in load["rows"]:
        cells = [_usage(row["processes"].get(name)) for name in (
            "pose_estimator", "action_recognizer", "visualizer",
        )]  # fmt: skip
        lines.append(
            f"| {row['view']} | {row['skeletons_hz']} | {row['actions_hz']} | {' | '.join(cells)} |"
        )
    idle = load["idle_recogniser"]
    lines += [
        "", f"Recogniser with nobody in view: {idle['cpu_percent']} % of a core (goal: below "
        f"{idle['goal']:g} %, {'met' if idle['met'] else 'missed'}).", "",
    ]  # fmt: skip
    return lines


def _usage(process: dict[str, Any] | None) -> str:
    if process is None:
        return "-"
    return f"{process['cpu_percent']} %, {process['pss_mib']:.0f} MiB"


def long_part(title: str, run: dict[str, Any]) -> list[str]:
    """A run of `benchmarks.soak`."""
    told = summary(run["minutes"])
    age = told["camera_to_action_ms"]
    lines = [
        f"## {title}", "", f"`{run['command']}`: {run['input']}; {run['machine']}; the machine was "
        f"{100 * told['machine_busy']:.0f} % busy.", "",
        f"- {len(run['minutes'])} minutes, the first {told['warm_up_minutes']} are warm-up",
        f"- camera to action, p95 of a minute: {age['median_of_p95']} ms (median of the minutes), "
        f"worst {age['worst_p95']} ms; {age['minutes_within_goal']} of {age['minutes']} minutes "
        f"within the goal ({age['goal']}); first third {age['p95_first_third']} ms, last third "
        f"{age['p95_last_third']} ms",
        f"- wrong: {'; '.join(run['wrong']) or 'nothing'}" if "wrong" in run else "- still running",
        "", "| process | resident memory, first and last | growth | of its own | growth | threads "
        "| file descriptors | CPU |", "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, p in told["processes"].items():
        (first, last), (own_first, own_last) = p["rss_mib"], p["own_mib"]
        lines.append(
            f"| {name} | {first} MiB, {last} MiB | {p['growth_percent']:+.2f} % | "
            f"{own_first} MiB, {own_last} MiB | {p['own_growth_percent']:+.2f} % | "
            f"{_span(p['threads'])} | {_span(p['descriptors'])} | {p['cpu_percent']} % |"
        )
    lines += [
        "", f"Goal: {told['memory_goal']}. Resident memory "
        f"{'met it' if told['memory_flat'] else 'grew more'}, a process' own memory "
        f"{'met it' if told['own_memory_flat'] else 'grew more'}. The middleware's shared segments "
        "(17 MB per publisher of images) become resident page by page as they are first used; a "
        "leak would show in a process' own memory.",
    ]  # fmt: skip
    return [*lines, ""]


def _span(counts: list[int]) -> str:
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def page(results: Path) -> str:
    """The whole page. Raises FileNotFoundError without faults.json."""
    read = {p.stem: json.loads(p.read_text("utf-8")) for p in results.glob("*.json")}
    if "faults" not in read:
        raise FileNotFoundError(f"{results}/faults.json is not there: python -m benchmarks.faults")
    faults = read["faults"]["faults"]
    lines = [_HEAD.format(machine=f"Machine: {read['faults']['machine']}.").rstrip("\n")]
    lines += [fault_row(fault) for fault in faults]
    lines += fault_notes(faults)
    if "load" in read:
        lines += load_part(read["load"])
    for name, title in (("latency", "Latency, undisturbed"), ("soak", "An hour")):
        if name in read:
            lines += long_part(title, read[name])
    lines.append(_TAIL)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fault_table", description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--out", type=Path, default=PAGE)
    options = parser.parse_args()
    options.out.write_text(page(options.results), encoding="utf-8")
    print(f"{options.out} written")


if __name__ == "__main__":
    main()
