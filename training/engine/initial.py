"""A training that starts from the experts of a bundle: `init` of the configuration."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bharnet_ros.bundle import Bundle, load_bundle
from bharnet_ros.errors import ConfigurationError
from training.engine.config import StoreConfig
from training.engine.networks import Network, SingleExpert
from training.starting import WEIGHTS_FILE, adopt, starting_weights

Report = Callable[[str], None]


@dataclass(frozen=True)
class Start:
    """taken: names of the network's arrays that came from the bundle. rate: of the learning rate,
    what they learn at. about: of the bundle, for whoever reads the run."""

    taken: frozenset[str]
    rate: float
    about: dict[str, Any]


def start_from(network: Network, config: StoreConfig, report: Report = print) -> Start | None:
    """Take over what fits of the bundle that the configuration names, in place; None if it names
    none.

    A bundle made with other features is taken as well, and the options that differ are said: what
    its experts learned to read means something else under them.
    Raises BundleError for a bundle that cannot be read or brings no weights, ConfigurationError
    if nothing of it fits or the inputs are not the robot's features.
    """
    wanted = config.init.bundle
    if not wanted:
        return None
    if config.inputs != "features":
        raise ConfigurationError(
            f"init.bundle is '{wanted}', whose experts read the robot's features, but inputs is "
            f"'{config.inputs}'; leave init out, or use inputs: features."
        )
    bundle = load_bundle(wanted)
    arrays = starting_weights(bundle)
    if isinstance(network, SingleExpert):  # its one expert has no name of its own
        prefix = f"{network.stream}."
        arrays = {
            "expert." + name.removeprefix(prefix): value
            for name, value in arrays.items()
            if name.startswith(prefix)
        }
    own = network.state_dict()
    taken = frozenset(n for n in arrays if n in own and own[n].shape == arrays[n].shape)
    if not taken:
        raise ConfigurationError(
            f"None of the weights of bundle '{wanted}' fits the model of this configuration; give "
            "model.body and model.hand the blocks, channels and strides that the bundle's manifest "
            "names, or leave init out."
        )
    adopt(network, arrays)
    report(f"{len(taken)} of {len(own)} arrays taken over from bundle '{bundle.manifest.name}'")
    other = _differing(bundle, config)
    if other:
        report(f"  It was made with other features: {', '.join(other)}")
    about = {
        "bundle": bundle.manifest.name,
        "weights_sha256": weights_sha256(bundle),
        "arrays": len(taken),
        "rate": config.init.rate,
    }
    return Start(taken, config.init.rate, about)


def weights_sha256(bundle: Bundle) -> str:
    """Of the weights in it; "" if it brings none."""
    path = bundle.file(WEIGHTS_FILE)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path else ""


def _differing(bundle: Bundle, config: StoreConfig) -> list[str]:
    theirs = dataclasses.asdict(bundle.manifest.features)
    ours = dataclasses.asdict(config.features)
    return [
        f"{name} {theirs[name]} (here {ours[name]})" for name in ours if ours[name] != theirs[name]
    ]
