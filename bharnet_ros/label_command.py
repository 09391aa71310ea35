"""python -m bharnet_ros label: a page in the browser to say who does what, from when to when."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bharnet_ros.errors import ConfigurationError

if TYPE_CHECKING:
    from bharnet_ros.labelling.estimated_people import EstimatedPeople
    from bharnet_ros.labelling.recording import Recording


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command `label`."""
    label = commands.add_parser(
        "label",
        help="mark in a bag's images who does what, in the browser",
        description="Plays the images of a bag in a local web page, with skeletons if it has any, "
        "and saves the segments that you mark there after every change. Runs until Ctrl-C.",
    )
    label.add_argument("bag", type=Path, help="a bag: its folder, or an .mcap or .db3 file")
    label.add_argument(
        "--labels", type=Path, metavar="FILE",
        help="the table (CSV) to read and write (default: labels.csv in the bag's folder)",
    )  # fmt: skip
    label.add_argument(
        "--import", type=Path, dest="imported", metavar="FILE",
        help="begin with these labels (CSV, YAML, ELAN, VIA), if there are none yet",
    )  # fmt: skip
    label.add_argument(
        "--bundle", default="", help="offer the classes of this bundle: a folder or shipped name"
    )
    label.add_argument("--classes", default="", help="further classes, separated by commas; first")
    label.add_argument("--image_topic", default="", help="topic of the images, if several")
    label.add_argument("--skeleton_topic", default="", help="topic of the skeletons, if several")
    label.add_argument(
        "--estimate", action="store_true",
        help="look for the people while you label, for bags without recorded skeletons",
    )  # fmt: skip
    label.add_argument("--pose_backend", default="", help="pose estimator for --estimate")
    label.add_argument(
        "--output", type=Path, metavar="DIR",
        help="where --estimate keeps skeletons; `evaluate --output DIR` finds them there (default "
        "output/evaluate_BAG, as of `evaluate`)",
    )  # fmt: skip
    label.add_argument(
        "--host", default="127.0.0.1",
        help="address to serve (default 127.0.0.1: only for this machine)",
    )  # fmt: skip
    label.add_argument("--port", type=int, help="default: the first free one from 8421 on")
    label.add_argument(
        "--no_browser", action="store_true", help="only print the address, open no browser"
    )


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C; the exit status. Raises BharnetError."""
    from bharnet_ros.labelling.api import LabelApi
    from bharnet_ros.labelling.bag_recording import BagRecording
    from bharnet_ros.labelling.document import LabelDocument
    from bharnet_ros.labelling.location import default_labels_path
    from bharnet_ros.labelling.server import LabelServer
    from bharnet_ros.web.guard import Guard, new_token
    from bharnet_ros.web.server import is_loopback

    class_names = _class_names(options.classes, options.bundle)
    path = options.labels or default_labels_path(options.bag)
    if path.suffix.lower() != ".csv":
        raise ConfigurationError(
            f"Labels are saved as a table; give --labels a name that ends with .csv, and {path} "
            "to --import."
        )
    if not os.access(path.resolve().parent, os.W_OK):
        raise ConfigurationError(
            f"Nothing can be written to {path.resolve().parent}; give --labels a file elsewhere."
        )
    recording = BagRecording(
        options.bag, options.image_topic, options.skeleton_topic, _estimating(options)
    )
    try:
        document = LabelDocument(path, lambda: _span(recording))
        if options.imported:
            document.begin_with(options.imported)
        count = len(document.read().segments)  # says now, not in the page, what is wrong with it
        guard = Guard(new_token())
        api = LabelApi(recording, document, class_names, guard)
        with LabelServer(api, options.host, options.port) as server:
            address = server.address(guard.token)
            print(f"labels: {path} ({count} segments)")
            if not recording.overview().has_skeletons:
                print("The bag holds no skeletons: draw boxes, or start with --estimate.")
            print(f"open in a browser: {address}\nCtrl-C ends it; everything is saved as you go.")
            sys.stdout.flush()
            if not is_loopback(options.host):
                print(
                    f"bharnet_ros: {options.host} can be reached from the network, without "
                    "encryption; whoever has the address above can read images and write labels.",
                    file=sys.stderr,
                )
            elif not options.no_browser:
                _open_browser(address)
            try:
                with _sigterm_as_ctrl_c():
                    server.serve_forever()
            except KeyboardInterrupt:
                print()
    finally:
        recording.close()
    return 0


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """Shells keep Ctrl-C from what they start in the background; SIGTERM ends it as cleanly."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _estimating(options: argparse.Namespace) -> Callable[[str, int], EstimatedPeople] | None:
    """What starts to look for people in a topic of so many images; None if nobody asked for it."""
    if not options.estimate:
        for name in ("pose_backend", "output"):
            if getattr(options, name):
                raise ConfigurationError(f"--{name} needs --estimate.")
        return None
    from bharnet_ros.bags.find import bare_name
    from bharnet_ros.evaluation.checkpoints import FOLDER, Store, bag_identity
    from bharnet_ros.evaluation.subject import subject_from_parameters
    from bharnet_ros.labelling.estimated_people import EstimatedPeople

    path: Path = options.bag
    folder = options.output or Path("output") / f"evaluate_{bare_name(path)}"
    subject = subject_from_parameters(pose_backend=options.pose_backend)
    subject.estimator().close()  # says now if it is not installed

    def start(topic: str, count: int) -> EstimatedPeople:
        identity = {
            "bag": bag_identity(path), "topic": topic, "pose": subject.pose_identity(),
        }  # fmt: skip
        store = Store(folder / FOLDER, identity)
        return EstimatedPeople(path, topic, count, store, subject.estimator)

    return start


def _span(recording: Recording) -> tuple[int, int]:
    now = recording.overview()
    return now.origin_ns, now.end_ns


def _class_names(further: str, bundle: str) -> tuple[str, ...]:
    """In the order in which they get their keys, each once. Raises BundleError."""
    names = [name.strip() for name in further.split(",") if name.strip()]
    if bundle:
        from bharnet_ros.bundle import load_bundle

        manifest = load_bundle(bundle).manifest
        last = (manifest.background_class, manifest.unknown_class)  # seldom labelled: no good key
        names += [name for name in manifest.class_names if name not in last]
        names += [name for name in last if name]
    return tuple(dict.fromkeys(names))


def _open_browser(address: str) -> None:
    """Where there is a screen; on a robot without one the address is enough."""
    import webbrowser

    try:
        webbrowser.get()
    except webbrowser.Error:
        return
    webbrowser.open(address)
