"""Stage two on clips of which no skeleton tells the class."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from held_clips import CLASSES, ROI, rgb_options, skeleton_config, write_rois, write_store
from safetensors.torch import save_file

from bharnet_ros.bundle import file_record
from bharnet_ros.errors import ConfigurationError
from training.data import open_store
from training.data.rois import open_rois, tiles_path
from training.engine.fitting import Machine, fit_store
from training.engine.resuming import SKELETON
from training.engine.rgb_data import RgbDataModule, RgbPreparation, some_moments
from training.engine.rgb_exporting import export_rgb
from training.engine.rgb_fitting import fit_rgb, heard, judge_of, load_branch
from training.engine.rgb_module import RgbModule, slower
from training.engine.runs import CHECKPOINT_FILE, CHECKPOINTS, WEIGHTS_FILE
from training.engine.streams import composed_streams
from training.models.encoders import create_encoder

CPU = Machine(accelerator="cpu")


def quiet(text: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store, its tiles, a skeleton run and an RGB run."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("held")
    store = write_store(root / "store")
    write_rois(root / "rois", store)
    fit_store(skeleton_config(store), root / "skeleton", CPU, report=quiet)
    fit_rgb(rgb_options(), root / "skeleton", root / "rois", root / "rgb", "", CPU, report=quiet)
    return root


def test_pixels_tell_what_skeletons_cannot(made: Path) -> None:
    branch, config, about = load_branch(made / "rgb")
    assert about["groups"] == [["red", "blue"]] and about["roi"] == ROI.to_dict()
    assert about["clips"] == {"train": 12, "validation": 12}
    last = about["history"][-1]
    assert last["skeleton"] <= 0.75 and last["fused"] >= 0.9 and last["rgb"] >= 0.9

    judged = judge_of(made / "skeleton")
    rois = open_rois(made / "rois", judged.data.store)
    data = RgbDataModule(judged.data.config, config, rois, [1, 2])
    module = RgbModule(judged.judge, branch, config, 1)
    p, logits, trust, label = heard(module, branch, data, "test")
    fused = branch.fuse(p, logits, trust)
    assert ((fused[:, 1] > fused[:, 2]) == (label == 1)).float().mean() >= 0.9
    assert not module.train().judge.training  # frozen, batch norms and all
    assert not any(value.requires_grad for value in module.judge.parameters())


def test_the_skeleton_run_is_left_alone(made: Path) -> None:
    judged = judge_of(made / "skeleton")
    batch = RgbDataModule(
        judged.data.config, rgb_options(), open_rois(made / "rois", judged.data.store), [1, 2]
    ).training_batches()[0]
    module = RgbModule(judged.judge, load_branch(made / "rgb")[0], rgb_options(), 1)
    before = [value.clone() for value in judged.judge.state_dict().values()]
    module.train()
    module.branch.train()
    loss = module.shares(module.branch, batch, torch.zeros(len(batch.label), 1)).fused.sum()
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(map(torch.equal, before, judged.judge.state_dict().values()))
    assert module.branch.classify.weight.grad is not None


def test_tiles_are_those_of_the_window(made: Path) -> None:
    store = open_store(made / "store")
    judged = judge_of(made / "skeleton")
    rois = open_rois(made / "rois", store)
    options = rgb_options()
    data = RgbDataModule(judged.data.config, options, rois, [1, 2])
    loader = data.loader("test")
    batch = loader.windows(np.arange(loader.num_clips), None)
    assert isinstance(data.preparation, RgbPreparation)
    found = data.preparation.evaluation(batch)
    assert found.tiles.shape == (len(batch.label), 3, 3, 3, 16, 16) and found.seen.all()
    red = found.tiles[:, :, 2, 0, 8, 8] > found.tiles[:, :, 2, 2, 8, 8]  # RGB by now
    assert torch.equal(red.all(dim=1), found.label == CLASSES.index("red"))
    assert (batch.end_ns > batch.start_ns).all()
    # The same number of the same seed gives the same batch, mirrored tiles and all.
    first, second = (data.training_batches()[3] for _ in range(2))
    assert all(map(torch.equal, first, second))


def test_attention_is_mirrored_with_the_tiles(made: Path) -> None:
    judged = judge_of(made / "skeleton")
    rois = open_rois(made / "rois", judged.data.store)
    config = rgb_options()
    data = RgbDataModule(judged.data.config, config, rois, [1, 2])
    batch = data.preparation.evaluation(data.loader("test").windows(np.arange(2), None))
    module = RgbModule(judged.judge, load_branch(made / "rgb")[0], config, 1)
    plain = module.skeleton(batch)[1]
    mirrored = module.skeleton(batch._replace(mirrored=torch.tensor([0.0, 1.0])))[1]
    assert torch.equal(mirrored[0], plain[0])
    flip = module.get_buffer("flip")
    assert torch.equal(mirrored[1], plain[1][flip]) and not torch.equal(mirrored[1], plain[1])


def test_the_last_moment_is_always_shown() -> None:
    rng = np.random.default_rng(0)
    drawn = [some_moments(5, 3, rng).tolist() for _ in range(20)]
    assert all(d[-1] == 4 and d == sorted(set(d)) and len(d) == 3 for d in drawn)
    assert {n for d in drawn for n in d} == {0, 1, 2, 3, 4}
    assert some_moments(5, 0, rng).tolist() == some_moments(5, 9, rng).tolist() == [0, 1, 2, 3, 4]


def test_a_part_may_learn_more_slowly() -> None:
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    optimiser = torch.optim.SGD(network.parameters(), lr=0.5)
    slower(optimiser, network[0], 0.1)
    rates = {id(p): g["lr"] for g in optimiser.param_groups for p in g["params"]}
    assert [rates[id(p)] for p in network.parameters()] == pytest.approx([0.05] * 2 + [0.5] * 2)


def test_classes_that_skeletons_cannot_tell_are_left_out_of_streams(made: Path) -> None:
    data = judge_of(made / "skeleton").data
    layout = data.store.sheet.layout
    every = composed_streams(data, layout, "idle")
    assert {span.class_name for s in every for span in s.spans} == {"red", "blue"}
    fewer = composed_streams(data, layout, "idle", without=("red",))
    assert {span.class_name for s in fewer for span in s.spans} == {"blue"}
    assert len(composed_streams(data, layout, "idle", without=("red", "blue"))) == len(every)


def test_what_does_not_go_together_is_refused(made: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no RGB run"):
        load_branch(made / "skeleton")
    others = write_rois(tmp_path / "rois", write_store(tmp_path / "store", 27))
    with pytest.raises(ConfigurationError, match="another store"):
        fit_rgb(rgb_options(), made / "skeleton", others, tmp_path, "", CPU, report=quiet)
    shutil.copytree(made / "skeleton", tmp_path / "skeleton")
    with (tmp_path / "skeleton" / "weights.npz").open("ab") as file:
        file.write(b"\0")  # another file, as a run with another seed gives
    with pytest.raises(ConfigurationError, match="not trained on the weights"):
        export_rgb(made / "rgb", tmp_path / "skeleton", tmp_path / "bundle", "x", report=quiet)
    wrong = replace(rgb_options(), groups=(("red", "green"),))
    with pytest.raises(ConfigurationError, match="'green'"):
        fit_rgb(wrong, made / "skeleton", made / "rois", tmp_path, "", CPU, report=quiet)


def test_a_run_of_another_configuration_is_not_gone_on_with(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "rgb", tmp_path / "rgb")
    path = tmp_path / "rgb" / CHECKPOINTS / CHECKPOINT_FILE
    saved = torch.load(path, weights_only=True)
    assert saved["config_sha256"] == rgb_options().digest()

    def resume(seed: int) -> None:
        options = replace(rgb_options(), seed=seed)
        fit_rgb(options, made / "skeleton", made / "rois", tmp_path / "rgb", "", CPU, True, quiet)

    with pytest.raises(ConfigurationError, match="is of a run with another configuration"):
        resume(7)
    resume(rgb_options().seed)
    del saved["config_sha256"]  # as older ones were
    torch.save(saved, path)
    resume(7)


def test_a_run_on_another_skeleton_is_not_gone_on_with(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "rgb", tmp_path / "rgb")
    shutil.copytree(made / "skeleton", tmp_path / "skeleton")
    path = tmp_path / "rgb" / CHECKPOINTS / CHECKPOINT_FILE

    def resume(skeleton: Path) -> dict[str, Any]:
        return fit_rgb(
            rgb_options(), skeleton, made / "rois", tmp_path / "rgb", "", CPU, True, quiet
        )

    resume(tmp_path / "skeleton")  # the same weights lie elsewhere
    with (tmp_path / "skeleton" / WEIGHTS_FILE).open("ab") as file:
        file.write(b"\0")  # another file, as a run with another seed gives
    before = file_record(tmp_path / "rgb" / WEIGHTS_FILE)
    with pytest.raises(ConfigurationError, match=r"something else: of the weights of --skel"):
        resume(tmp_path / "skeleton")
    assert file_record(tmp_path / "rgb" / WEIGHTS_FILE) == before
    with pytest.raises(ConfigurationError, match="There are no trained weights at"):
        resume(tmp_path / "nowhere")
    saved = torch.load(path, weights_only=True)
    begun = saved.pop("grounds")[SKELETON]
    assert begun == file_record(made / "skeleton" / WEIGHTS_FILE)["sha256"]
    torch.save({**saved, "skeleton_sha256": begun}, path)  # as they once were
    with pytest.raises(ConfigurationError, match="begun on something else"):
        resume(tmp_path / "skeleton")
    torch.save(saved, path)  # and before that
    resume(tmp_path / "skeleton")


def write_encoder(path: Path) -> None:
    """Other random weights every time."""
    network = create_encoder("mobilenetv3_small_050", 16).network
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, path)


def test_a_run_on_other_tiles_or_another_encoder_is_not_gone_on_with(
    made: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "encoder.safetensors"

    def resume(rois: Path, resumed: bool = True) -> dict[str, Any]:
        options = rgb_options(model={"width": 16, "dropout": 0.0, "weights": str(weights)})
        options = replace(options, fit=replace(options.fit, epochs=1))
        return fit_rgb(
            options, made / "skeleton", rois, tmp_path / "rgb", "", CPU, resumed, quiet
        )

    with pytest.raises(ConfigurationError, match=r"encoder\.safetensors"):
        resume(made / "rois", False)  # not there
    write_encoder(weights)
    resume(made / "rois", False)
    shutil.copytree(made / "rois", tmp_path / "rois")
    resume(tmp_path / "rois")  # the same tiles lie elsewhere
    path = tiles_path(tmp_path / "rois", 0)
    tiles = np.load(path)
    tiles["tiles"] = 255 - tiles["tiles"]
    np.save(path, tiles)
    with pytest.raises(ConfigurationError, match="of the tiles of --rois the SHA-256 was"):
        resume(tmp_path / "rois")
    write_encoder(weights)
    with pytest.raises(ConfigurationError, match=r"of model\.weights encoder\.safetensors the"):
        resume(made / "rois")
