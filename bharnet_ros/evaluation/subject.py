"""What is evaluated: a bundle with the recogniser's options, behind a pose estimator."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bharnet_ros import pose
from bharnet_ros.bundle import Bundle, load_bundle
from bharnet_ros.continual import open_engine
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.inference import create_engine, engine_options
from bharnet_ros.manifest_parts import RGB
from bharnet_ros.node_parameters import parse_options, read_params_file, recognizer_config
from bharnet_ros.pose import PoseEstimator, create_pose_estimator
from bharnet_ros.recognizer import Recognizer
from bharnet_ros.rules import RecognizerConfig
from bharnet_ros.smoothing import Smoother

DEFAULT_POSE = "mediapipe"
_PACKAGES = {"mediapipe": ("ai-edge-litert", "mediapipe", "opencv-python-headless", "numpy")}


@dataclass(frozen=True)
class Subject:
    """A bundle and all that decides what it recognises.

    bundle: its folder or shipped name. config: see Recognizer. engine, threads, engine_options
    (each as name=value): what runs the bundle. pose_backend, pose_options: see
    create_pose_estimator. smoothing: strength of the filter on keypoints estimated from images;
    recorded skeletons stay as they are. rgb: look at the pixels too, which needs a bundle with an
    RGB graph and the images in the bag. continual: judge frame by frame if the bundle has a step
    graph, as the nodes do.
    """

    bundle: str
    config: RecognizerConfig = field(default_factory=RecognizerConfig)
    engine: str = "onnxruntime"
    threads: int = 1
    pose_backend: str = DEFAULT_POSE
    pose_options: Mapping[str, Any] = field(default_factory=dict)
    smoothing: float = 0.0
    rgb: bool = False
    engine_options: Sequence[str] = ()
    continual: bool = True

    @cached_property
    def loaded(self) -> Bundle:
        """The verified bundle. Raises BundleError."""
        return load_bundle(self.bundle)

    @property
    def sha256(self) -> str:
        """Of the bundle's graph, or of all of them; the one for pixels only where it is used."""
        bundle = self.loaded
        if not self.rgb or RGB not in bundle.graphs:
            return bundle.digest
        pixels = bundle.manifest.files[bundle.graphs[RGB].name]["sha256"]
        return hashlib.sha256(f"{bundle.digest} {pixels}".encode()).hexdigest()

    def recognizer(self) -> Recognizer:
        """A fresh one, with the engine that the nodes would run. Raises BharnetError as the
        classes do."""
        bundle = self.loaded
        if self.rgb and bundle.manifest.rgb is None:
            raise ConfigurationError(
                f"rgb is on, but the bundle '{bundle.manifest.name}' has no RGB graph; choose one "
                "that has, or leave rgb out."
            )
        options = engine_options(self.engine, self.engine_options, self.threads)
        engine = open_engine(bundle, self.engine, **options) if self.continual else None
        if engine is not None and self.rgb:
            engine.close()
            raise ConfigurationError(
                f"rgb is on, but the bundle '{bundle.manifest.name}' judges frame by frame, "
                "without pixels; set continual to 'off' in the params_file, or leave rgb out."
            )
        if engine is None:
            engine = create_engine(bundle, self.engine, rgb=self.rgb, **options)
        return Recognizer(bundle, engine, self.config)

    def estimator(self) -> PoseEstimator:
        """A fresh one. Raises ConfigurationError or BackendUnavailable."""
        return create_pose_estimator(self.pose_backend, **self.pose_options)

    def smoother(self) -> Smoother:
        """A fresh one, which does nothing at strength 0. Raises ConfigurationError."""
        return Smoother(self.smoothing)

    def engine_identity(self) -> dict[str, Any]:
        """What runs the bundle, and how. JSON-able."""
        return {
            "engine": self.engine, "threads": self.threads,
            "options": list(self.engine_options), "continual": self.continual,
        }  # fmt: skip

    def pose_identity(self) -> dict[str, Any]:
        """All that estimated skeletons depend on: backend, options, its packages' versions, and
        the code of this package's estimators. JSON-able."""
        versions = {}
        for package in _PACKAGES.get(self.pose_backend, ()):
            try:
                versions[package] = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                versions[package] = ""
        digest = hashlib.sha256()
        folder = Path(pose.__file__).parent
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
        options = {name: str(value) for name, value in sorted(self.pose_options.items())}
        return {
            "backend": self.pose_backend, "options": options, "packages": versions,
            "code": digest.hexdigest(),
        }  # fmt: skip


def subject_from_parameters(
    bundle: str = "", pose_backend: str = "", params_file: str = "", rgb: bool = False
) -> Subject:
    """What the nodes would run with the same arguments.

    bundle, pose_backend: "" = as the file says, or the nodes' defaults. rgb: as the file says, if
    it is not true here.
    Raises ConfigurationError; also for several bundles, of which one is evaluated at a time.
    """
    from bharnet_ros.bundle import DEFAULT_BUNDLE

    rules = read_params_file(params_file, "action_recognizer") if params_file else {}
    looks = read_params_file(params_file, "pose_estimator") if params_file else {}
    names = [name.strip() for name in bundle.split(",") if name.strip()]
    names = names or _texts(rules, "bundles") or [DEFAULT_BUNDLE]
    if len(names) > 1:
        raise ConfigurationError(
            f"{len(names)} bundles are given ({', '.join(names)}); evaluate one at a time, and "
            "compare them with --against."
        )
    try:
        return Subject(
            names[0],
            recognizer_config(rules),
            str(rules.get("engine", "onnxruntime")),
            int(rules.get("num_threads", 1)),
            pose_backend or str(looks.get("pose_backend", DEFAULT_POSE)),
            parse_options(_texts(looks, "pose_options")),
            float(looks.get("smoothing", 0.0)),
            rgb or bool(rules.get("rgb", False)),
            tuple(_texts(rules, "engine_options")),
            _continual(rules.get("continual", "auto")),
        )
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"The params_file {params_file} holds a value of a wrong type ({error})."
        ) from None


def _texts(values: Mapping[str, Any], name: str) -> list[str]:
    """A parameter that is a list of texts, without empty ones. Raises ConfigurationError."""
    value = values.get(name, [])
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ConfigurationError(
            f"{name} is {value!r} in the params_file; it must be a list of texts, like ['a', 'b']."
        )
    return [text for text in value if text.strip()]


def _continual(value: Any) -> bool:
    # YAML takes a bare off for false, which the node refuses too.
    if value not in ("auto", "off"):
        raise ConfigurationError(
            f"continual is {value!r} in the params_file; it must be 'auto' or 'off' (in quotes)."
        )
    return bool(value == "auto")
