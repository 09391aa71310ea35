"""The doors: each parser of something that comes from outside, with what it may be given.

A target uses an input (True) or refuses it with the error that belongs there (False); everything
else that it does is a fault.
"""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from benchmarks.fuzzing import seeds
from benchmarks.fuzzing.alterations import (
    altered_bytes,
    altered_json,
    altered_text,
    json_values,
)
from bharnet_ros.errors import (
    BagError,
    BundleError,
    ConfigurationError,
    EvaluationError,
    GestureError,
    InvalidImageError,
    InvalidSkeletonError,
    LabelError,
)
from bharnet_ros.image_encodings import SUPPORTED_ENCODINGS


@dataclass(frozen=True)
class Target:
    """what: for people. inputs: made once, because some need files."""

    name: str
    what: str
    inputs: Callable[[], st.SearchStrategy[Any]]
    use: Callable[[Any], bool]


def must(holds: object, otherwise: str) -> None:
    """What has to be true of everything that was used."""
    if not holds:
        raise AssertionError(otherwise)


def _tells(error: type[Exception], use: Callable[[Any], Any]) -> Callable[[Any], bool]:
    """Runs it; False for the error that belongs there, which must say something."""

    def run(given: Any) -> bool:
        try:
            use(given)
        except error as refusal:
            if len(str(refusal)) < 10 or len(str(refusal)) > 20_000:
                raise AssertionError(f"a refusal of {len(str(refusal))} letters") from refusal
            return False
        return True

    return run


def _in_file(name: str, use: Callable[[Path], Any]) -> Callable[[bytes], Any]:
    """Writes the bytes to a file of this name first."""

    def run(data: bytes) -> Any:
        with tempfile.TemporaryDirectory(prefix="bharnet_fuzz_") as folder:
            path = Path(folder) / name
            path.write_bytes(data)
            return use(path)

    return run


def _read_bag(path: Path) -> None:
    from bharnet_ros.bags import open_bag

    with open_bag(path) as bag:
        for count, message in enumerate(bag.messages()):
            if count > 5000:
                raise AssertionError("more messages than such a file can hold")
            must(message.topic in bag.topics, "a message of no topic")
        must(all(isinstance(problem, str) for problem in bag.problems), "a problem without words")


def _read_metadata(text: str) -> None:
    with tempfile.TemporaryDirectory(prefix="bharnet_fuzz_") as folder:
        path = Path(folder) / "bag"
        path.mkdir()
        (path / "metadata.yaml").write_text(text, "utf-8", newline="")
        (path / "bag_0.mcap").write_bytes(seeds.bag("mcap"))
        _read_bag(path)


def _read_manifest(data: Any) -> None:
    from bharnet_ros.manifest import Manifest

    Manifest.from_dict(data)


def _read_bundle(path: Path) -> None:
    from bharnet_ros.bundle import load_bundle

    load_bundle(path.parent)


def _read_labels(path: Path) -> None:
    from bharnet_ros.evaluation.truth import load_labels

    load_labels(path, seeds.START_NS, seeds.START_NS + 60 * 10**9)


def _read_gestures(text: str) -> None:
    from bharnet_ros.gestures import parse_vocabulary

    parse_vocabulary(text)


def _read_evaluation(path: Path) -> None:
    from bharnet_ros.evaluation.storage import load

    load(path)


def _read_options(text: str) -> None:
    from bharnet_ros.node_parameters import parse_options

    parse_options([text])


def _read_engine_options(text: str) -> None:
    from bharnet_ros.inference import engine_options

    engine_options("onnxruntime", [text], 1)


def _read_qos(text: str) -> None:
    from bharnet_ros.bags.qos_text import qos_of_text, qos_overrides

    qos_of_text(text)
    qos_overrides(text, "a file")


def _read_params(path: Path) -> None:
    from bharnet_ros.node_parameters import read_params_file

    read_params_file(path, "action_recognizer")


def _read_change(body: bytes) -> None:
    from bharnet_ros.labelling.payload import parse_change

    parse_change(body, seeds.START_NS)


def _read_image(fields: Mapping[str, Any]) -> None:
    from bharnet_ros.image_encodings import image_to_bgr

    found = image_to_bgr(SimpleNamespace(**fields))
    must(found.shape == (fields["height"], fields["width"], 3), "another shape")


def _read_compressed(fields: tuple[str, bytes]) -> None:
    from bharnet_ros.image_encodings import compressed_to_bgr

    found = compressed_to_bgr(SimpleNamespace(format=fields[0], data=fields[1]))
    must(found.ndim == 3 and found.shape[2] == 3, "another shape")


def _read_skeletons(message: Any) -> None:
    from bharnet_ros.bags.messages import skeleton_frame

    frame = skeleton_frame(message)
    must(all(np.isfinite(each.keypoints).all() for each in frame.skeletons), "no numbers")


@st.composite
def _images(draw: st.DrawFn) -> Any:
    """Fields that agree with each other, but for some that do not."""
    encoding = draw(st.sampled_from([*SUPPORTED_ENCODINGS, "8UC3", "16UC1", ""]))
    height, width = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    step = width * draw(st.sampled_from([1, 2, 3, 4, 6, 8])) + draw(st.integers(0, 3))
    rows = height
    if encoding.startswith("nv"):
        rows = 3 * height if encoding == "nv24" else height + (height + 1) // 2
    size = rows * step
    fields = {
        "height": height, "width": width, "step": step, "encoding": encoding,
        "is_bigendian": draw(st.integers(0, 1)),
        "data": draw(st.binary(min_size=size, max_size=size)),
    }  # fmt: skip
    for name in draw(st.lists(st.sampled_from(["height", "width", "step"]), max_size=2)):
        fields[name] = draw(st.sampled_from([0, 1, 7, 2**31, 2**32 - 1]))
    return fields


def _messages() -> st.SearchStrategy[Any]:
    floats = st.lists(st.floats(width=32), max_size=8)
    person = st.builds(
        SimpleNamespace, track_id=st.integers(-(2**31), 2**31 - 1), bbox_score=st.floats(width=32),
        bbox=st.lists(st.floats(width=32), min_size=4, max_size=4), keypoints=floats,
        keypoint_scores=floats,
    )  # fmt: skip
    stamp = st.builds(
        SimpleNamespace, sec=st.integers(-(2**31), 2**31 - 1), nanosec=st.integers(0, 2**32 - 1)
    )
    return st.builds(
        SimpleNamespace, header=st.builds(SimpleNamespace, stamp=stamp),
        image_height=st.integers(0, 2**32 - 1), image_width=st.integers(0, 2**32 - 1),
        layout=st.text(max_size=8), skeletons=st.lists(person, max_size=3),
    )  # fmt: skip


def _utf8(texts: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    return texts.map(lambda text: text.encode("utf-8", "surrogatepass"))


def _labels(ending: str) -> Target:
    return Target(
        f"labels{ending}", f"label file ({ending})",
        lambda: _utf8(altered_text(seeds.LABELS[ending])) | altered_bytes(
            [text.encode() for text in seeds.LABELS[ending]]
        ),
        _tells(LabelError, _in_file(f"labels{ending}", _read_labels)),
    )  # fmt: skip


@functools.cache
def file_targets() -> tuple[Target, ...]:
    """Parsers of files and messages."""
    manifest = seeds.manifest()
    return (
        Target(
            "bag.mcap", "bag, MCAP",
            lambda: altered_bytes([seeds.bag("mcap"), seeds.bag("mcap", "storage")]),
            _tells(BagError, _in_file("bag.mcap", _read_bag)),
        ),
        Target(
            "bag.db3", "bag, SQLite3", lambda: altered_bytes([seeds.bag("sqlite3")]),
            _tells(BagError, _in_file("bag.db3", _read_bag)),
        ),
        Target(
            "bag.mcap.zstd", "bag, compressed as a whole",
            lambda: altered_bytes([seeds.bag("mcap", "file")]),
            _tells(BagError, _in_file("bag.mcap.zstd", _read_bag)),
        ),
        Target(
            "metadata.yaml", "a bag's metadata.yaml", lambda: altered_text([seeds.metadata()]),
            _tells(BagError, _read_metadata),
        ),
        Target(
            "manifest", "bundle manifest, as JSON values",
            lambda: altered_json(manifest) | json_values, _tells(BundleError, _read_manifest),
        ),
        Target(
            "manifest.json", "bundle manifest, as a file",
            lambda: _utf8(altered_text([json.dumps(manifest)])),  # its graph is never there
            _tells(BundleError, _in_file("manifest.json", _read_bundle)),
        ),
        *(_labels(ending) for ending in seeds.LABELS),
        Target(
            "label change", "change of labels, from the page",
            lambda: _utf8(altered_text([seeds.CHANGE]))
            | altered_json(json.loads(seeds.CHANGE)).map(lambda v: json.dumps(v).encode()),
            _tells(LabelError, _read_change),
        ),
        Target(
            "gestures.yaml", "gesture descriptions", lambda: altered_text(seeds.gestures()),
            _tells(GestureError, _read_gestures),
        ),
        Target(
            "evaluation.json", "record of an evaluation",
            lambda: _utf8(
                altered_text([seeds.evaluation()])
                | altered_json(json.loads(seeds.evaluation())).map(json.dumps)
            ),
            _tells(EvaluationError, _in_file("evaluation.json", _read_evaluation)),
        ),
        Target(
            "params.yaml", "ROS parameter file", lambda: _utf8(altered_text([seeds.PARAMS])),
            _tells(ConfigurationError, _in_file("params.yaml", _read_params)),
        ),
        Target(
            "pose_options", "option of a pose backend",
            lambda: altered_text(["num_threads=2", "hands=false"]),
            _tells(ConfigurationError, _read_options),
        ),
        Target(
            "engine_options", "option of an inference engine",
            lambda: altered_text(["threads=2", "precision=fp16", "providers=cuda,cpu"]),
            _tells(ConfigurationError, _read_engine_options),
        ),
        Target(
            "qos", "quality of service in a bag or a file", lambda: altered_text(seeds.QOS),
            _tells(ConfigurationError, _read_qos),
        ),
        Target("image", "image message", _images, _tells(InvalidImageError, _read_image)),
        Target(
            "compressed image", "compressed image message",
            lambda: st.tuples(
                st.sampled_from(["jpeg", "png", "rgb8; jpeg compressed bgr8", "", "16UC1"]),
                altered_bytes(seeds.pictures()),
            ),
            _tells(InvalidImageError, _read_compressed),
        ),
        Target(
            "skeletons", "skeleton message", _messages,
            _tells(InvalidSkeletonError, _read_skeletons),
        ),
    )  # fmt: skip
