"""python -m bharnet_ros engines: which engines there are, build them, check what they say."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from bharnet_ros.bundle import DEFAULT_BUNDLE, Bundle, load_bundle
from bharnet_ros.continual import build_step
from bharnet_ros.errors import BharnetError, ConfigurationError
from bharnet_ros.expert_graphs import ExpertGraphs
from bharnet_ros.inference import (
    ENGINES,
    Engine,
    available_engines,
    build_engine,
    create_engine,
    engine_options,
)
from bharnet_ros.inference.cache import SUFFIX, describe, engine_places
from bharnet_ros.inference.choosing import ENGINE_FOLDER
from bharnet_ros.types import FloatArray

PARITY = 1e-3
"""Largest difference of any number of an fp32 engine from ONNX Runtime on the CPU."""
_SIZES = (1, 4, 16)


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command `engines`."""
    engines = commands.add_parser(
        "engines",
        help="what runs the networks: list, build, check",
        description="Engines run a bundle's networks. GPUs need theirs built once per bundle and "
        "machine; the nodes do that at their first start, or you do it here beforehand.",
    )
    actions = engines.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="which can run here, and what was built")
    building = actions.add_parser("build", help="build what is missing or no longer fits")
    checking = actions.add_parser(
        "check", help="compare with ONNX Runtime on the CPU, and measure; status 1 if they differ"
    )
    windows = actions.add_parser(
        "windows", help="write windows of acted people, to calibrate int8 with"
    )
    for parser in (listing, building, checking, windows):
        parser.add_argument(
            "--bundle", default=DEFAULT_BUNDLE, help="names or folders, with commas; %(default)s"
        )
    for parser in (building, checking):
        parser.add_argument("--engine", choices=ENGINES, required=True)
        parser.add_argument(
            "--option", action="append", default=[], metavar="NAME=VALUE",
            help="of the engine, such as precision=fp16; may be repeated",
        )  # fmt: skip
    for parser, count in ((checking, 256), (windows, 512)):
        parser.add_argument("--count", type=int, default=count, help="windows; %(default)s")
        parser.add_argument("--seed", type=int, default=0, help="%(default)s")
    checking.add_argument("--windows", type=Path, help="a file of them instead of acted people")
    windows.add_argument("--output", type=Path, required=True, help="the .npz file to write")


def run(options: argparse.Namespace) -> int:
    """The exit status. Raises BharnetError."""
    if getattr(options, "count", 1) < 1:
        raise ConfigurationError(f"--count is {options.count}; give at least 1.")
    if getattr(options, "seed", 0) < 0:
        raise ConfigurationError(f"--seed is {options.seed}; give 0 or more.")
    bundles = [load_bundle(name.strip()) for name in options.bundle.split(",") if name.strip()]
    if not bundles:
        raise ConfigurationError(f"--bundle is '{options.bundle}'; name at least one bundle.")
    actions = {"list": _list, "build": _build, "check": _check, "windows": _windows}
    return actions[options.action](options, bundles)


def _list(options: argparse.Namespace, bundles: list[Bundle]) -> int:
    from bharnet_ros.inference.driver import load_driver

    try:
        driver = load_driver()
        gpus = ", ".join(f"{g.name} ({g.memory_bytes / 1e9:.1f} GB)" for g in driver.gpus)
        print(f"GPU: {gpus}, CUDA {driver.cuda_version}")
    except BharnetError as error:
        print(f"GPU: none. {error}")
    installed = available_engines()
    for name in ENGINES:
        print(f"{name}: {'installed' if name in installed else 'not installed'}")
    for bundle in bundles:
        for path in _built_files(bundle):
            print(f"{path}\n  {path.stat().st_size / 1e6:.1f} MB, {describe(path)}")
    return 0


def _built_files(bundle: Bundle) -> list[Path]:
    places = engine_places(bundle.path / ENGINE_FOLDER)
    return sorted(path for place in places for path in place.glob(f"*{SUFFIX}"))


def _build(options: argparse.Namespace, bundles: list[Bundle]) -> int:
    chosen = engine_options(options.engine, options.option)
    for bundle in bundles:
        paths = [build_engine(bundle, options.engine, report=print, **chosen)]
        paths.append(build_step(bundle, options.engine, report=print, **chosen))
        text = ", ".join(str(path) for path in paths if path is not None)
        print(f"{bundle.manifest.name}: {text or f'{options.engine} has nothing to build'}")
    return 0


def _check(options: argparse.Namespace, bundles: list[Bundle]) -> int:
    from bharnet_ros.inference.calibration import read_windows
    from bharnet_ros.inference.sample_windows import sample_inputs, sample_pixels

    chosen = engine_options(options.engine, options.option)
    exact = chosen.get("precision", "fp32") == "fp32"
    failed = False
    for bundle in bundles:
        if options.windows:
            inputs = read_windows(options.windows, bundle.manifest.inputs)
        else:
            inputs = sample_inputs(bundle, options.count, options.seed)
        engine = create_engine(bundle, options.engine, rgb=True, report=print, **chosen)
        reference = create_engine(bundle, rgb=True)
        name = bundle.manifest.name
        failed |= _differs(name, engine, reference, inputs, exact)
        rgb, rgb_reference = _rgb(engine), _rgb(reference)
        if rgb is not None and rgb_reference is not None:
            noise = sample_pixels(bundle.manifest, options.count, options.seed)
            failed |= _differs(f"{name}, RGB graph on noise", rgb, rgb_reference, noise, exact)
        engine.close()
    return 1 if failed else 0


def _rgb(engine: Engine) -> Engine | None:
    return engine.rgb if isinstance(engine, ExpertGraphs) else None


def _differs(
    title: str, engine: Engine, reference: Engine, inputs: Mapping[str, FloatArray], exact: bool
) -> bool:
    """Print how two engines compare; whether they differ more than they may."""
    from bharnet_ros.inference.comparing import compare, latency_ms

    found = compare(engine, reference, inputs)
    wrong = not found.finite or (exact and found.largest > PARITY)
    print(f"{title}: {engine.identity}")
    print(f"  against {reference.identity}, {found.windows} windows")
    for name, difference in found.differences.items():
        print(f"  {name}: largest difference {difference:.2g}")
    print(f"  the same class in {100 * found.same_class:.1f} % of the windows")
    for size, (median, late) in latency_ms(engine, inputs, _SIZES).items():
        print(f"  {size:3} people: {median:.2f} ms (median), {late:.2f} ms (95 %)")
    if wrong:
        print(f"  DIFFERS: fp32 may differ by {PARITY:g}, and all numbers must be finite")
    return wrong


def _windows(options: argparse.Namespace, bundles: list[Bundle]) -> int:
    from bharnet_ros.inference.calibration import LEAST, MOST, save_calibration
    from bharnet_ros.inference.sample_windows import sample_inputs

    if len(bundles) != 1:
        raise ConfigurationError("Windows are written for one bundle at a time; name one.")
    if not LEAST <= options.count <= MOST:
        raise ConfigurationError(
            f"--count is {options.count}; int8 is calibrated on {LEAST} to {MOST} windows."
        )
    if not options.output.parent.is_dir():
        raise ConfigurationError(
            f"--output is {options.output}, and there is no folder {options.output.parent}; make "
            "it or choose another."
        )
    save_calibration(options.output, sample_inputs(bundles[0], options.count, options.seed))
    print(f"{options.output}: {options.count} windows for {bundles[0].manifest.name}")
    return 0
