from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="importing needs PyTorch")

from bharnet_ros.bundle import Bundle, load_bundle  # noqa: E402
from bharnet_ros.errors import BharnetError, ConfigurationError  # noqa: E402
from bharnet_ros.experts import Experts, Opinion  # noqa: E402
from bharnet_ros.inference import create_engine  # noqa: E402
from bharnet_ros.windows import Window  # noqa: E402
from training.cli import main  # noqa: E402
from training.importing.checkpoint import read_checkpoint  # noqa: E402
from training.importing.judges import HoldMissing, PysklFeatures  # noqa: E402
from training.importing.to_bundle import ImportOptions, import_pyskl  # noqa: E402

Make = Callable[..., dict[str, Any]]
Forward = Callable[..., np.ndarray]
LEFT, RIGHT = slice(91, 112), slice(112, 133)
SIZE = (480, 640)
MERGED = {"Stop Sign": "open", "Palm": "open", "Mute": "one"}
LABELS = {"palm": "open", "stop": "open", "stop_inverted": "open", "mute": "one"}


def window(steps: int, **parts: np.ndarray) -> Window:
    """parts: body (T, 17, 2), left, right (T, 21, 2) as shares of the image; absent = unseen."""
    points = np.zeros((steps, 133, 2), np.float32)
    scores = np.zeros((steps, 133), np.float32)
    for name, where in (("body", slice(0, 17)), ("left", LEFT), ("right", RIGHT)):
        if name in parts:
            points[:, where] = parts[name] * np.array(SIZE[::-1])
            scores[:, where] = 1.0
    return Window(points, scores, steps, 0, 300_000_000, SIZE)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_the_stronger_hand_speaks(
    tmp_path: Path, random_checkpoint: Make, forward: Forward
) -> None:
    state = random_checkpoint()
    weight = state["cls_head.fc_cls.weight"] * 4.0
    weight[4], state["cls_head.fc_cls.bias"][4] = weight[1], state["cls_head.fc_cls.bias"][1]
    state["cls_head.fc_cls.weight"] = weight
    torch.save({"state_dict": state, "meta": {"epoch": 1}}, tmp_path / "x.pth")
    (tmp_path / "classes.yaml").write_text(
        "outputs: 6\nbackground: rest\nnames: {0: a, 2: b, 3: rest, 5: c}\n"
    )
    options = ImportOptions("tiny", tmp_path / "classes.yaml", license="CC0")
    bundle, _, difference = import_pyskl(tmp_path / "x.pth", tmp_path / "tiny", options)
    assert difference < 1e-4
    manifest = bundle.manifest
    assert manifest.class_names == ("a", "b", "rest", "c") and manifest.background_class == "rest"
    assert manifest.streams == ("hand",) and manifest.num_steps == 10
    assert manifest.license == "CC0" and manifest.training["outputs_kept"] == [0, 2, 3, 5]

    rng = np.random.default_rng(5)
    hands = rng.uniform(0.1, 0.9, (2, 12, 10, 21, 2))
    alone = softmax(forward(state, hands.reshape(24, 1, 10, 21, 2))[:, [0, 2, 3, 5]])
    alone = alone.reshape(2, 12, 4)
    experts = Experts(bundle, create_engine(bundle))
    both = experts.judge({i: window(10, left=hands[0, i], right=hands[1, i]) for i in range(12)})
    lefts = experts.judge({i: window(10, left=hands[0, i]) for i in range(12)})
    stronger = alone[:, :, 2].argmin(axis=0)
    assert set(stronger) == {0, 1}
    for i in range(12):
        found = both[i].probabilities
        np.testing.assert_allclose(found, alone[stronger[i], i], atol=1e-4)
        np.testing.assert_allclose(lefts[i].probabilities, alone[0, i], atol=1e-4)
        np.testing.assert_allclose(both[i].hand, found, atol=1e-5)
    body_only = window(10, body=rng.uniform(0.1, 0.9, (10, 17, 2)))
    assert experts.judge({1: body_only}) == {}


def test_a_body_network_without_background(
    tmp_path: Path, random_checkpoint: Make, forward: Forward
) -> None:
    state = random_checkpoint(joints=17, channels=3, persons=2)
    torch.save(state, tmp_path / "x.pth")
    options = ImportOptions("tiny", num_steps=16, window_s=1.0)
    bundle, description, _ = import_pyskl(tmp_path / "x.pth", tmp_path / "tiny", options)
    assert description.persons == 2 and bundle.manifest.streams == ("body",)
    assert bundle.manifest.class_names[-1] == bundle.manifest.background_class == "no_action"
    body = np.random.default_rng(6).uniform(0.1, 0.9, (16, 17, 2))
    found = Experts(bundle, create_engine(bundle)).judge({3: window(16, body=body)})[3]
    clip = np.zeros((1, 2, 16, 17, 3))
    clip[0, 0, ..., :2], clip[0, 0, ..., 2] = body * 2.0 - 1.0, 1.0
    expected = softmax(forward(state, clip))[0]
    np.testing.assert_allclose(found.probabilities[:-1], expected, atol=1e-4)
    assert found.probabilities[-1] < 1e-9 and not found.hand.any()


def test_steps_that_show_nothing_hold_the_nearest() -> None:
    x = torch.rand(2, 3, 6, 4)
    x[0, :, [0, 2, 3]] = 0.0
    x[1] = 0.0
    held, share = HoldMissing(6)(x)
    assert torch.equal(held[0], x[0][:, [1, 1, 1, 4, 4, 5]])
    assert not held[1].any()
    assert share.tolist() == [0.5, 0.0]


def test_features_are_those_of_pyskl() -> None:
    x = torch.rand(1, 3, 5, 3)
    parents = (0, 0, 1)
    joint, bone, motion, both = (
        PysklFeatures(kind, 3, parents)(x)
        for kind in ("joint", "bone", "joint_motion", "bone_motion")
    )
    assert torch.equal(joint, x)
    assert torch.equal(bone[0, :2, :, 2], x[0, :2, :, 2] - x[0, :2, :, 1])
    assert not bone[0, :2, :, 0].any()
    torch.testing.assert_close(bone[0, 2, :, 2], (x[0, 2, :, 2] + x[0, 2, :, 1]) / 2)
    torch.testing.assert_close(motion[0, :2, :-1], x[0, :2, 1:] - x[0, :2, :-1])
    torch.testing.assert_close(motion[0, 2, 0], (x[0, 2, 0] + x[0, 2, 1]) / 2)
    assert not motion[:, :, -1].any()
    torch.testing.assert_close(both[0, :2, :-1], bone[0, :2, 1:] - bone[0, :2, :-1])
    assert PysklFeatures("bone", 2, parents)(x).shape == (1, 2, 5, 3)


def test_what_cannot_be_fed_is_refused(tmp_path: Path, random_checkpoint: Make) -> None:
    for joints, channels, message in (
        (25, 3, "25 joints of NTU"), (18, 3, "18 joints with 3 channels"), (21, 4, "4 channels"),
    ):  # fmt: skip
        torch.save(random_checkpoint(joints=joints, channels=channels), tmp_path / "x.pth")
        with pytest.raises(ConfigurationError, match=message):
            import_pyskl(tmp_path / "x.pth", tmp_path / "out", ImportOptions("x"))
    with pytest.raises(ConfigurationError, match="feature is 'limb'"):
        import_pyskl(tmp_path / "x.pth", tmp_path / "out", ImportOptions("x", feature="limb"))
    torch.save(random_checkpoint(), tmp_path / "x.pth")
    for options, message in (
        (ImportOptions("x", num_steps=1), "num_steps is 1"),
        (ImportOptions("x", num_steps=0), "num_steps is 0"),
        (ImportOptions("x", window_s=-1.0), "window_s is -1"),
        (ImportOptions("x", persons=0), "persons is 0"),
        (ImportOptions(" "), "name holds"),
    ):
        with pytest.raises(BharnetError, match=message):
            import_pyskl(tmp_path / "x.pth", tmp_path / "out", options)
    assert not (tmp_path / "out").exists()


def test_the_command_says_it_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"backbone.conv1.conv.weight": torch.zeros(3)}, tmp_path / "posec3d.pth")
    arguments = ["--checkpoint", str(tmp_path / "posec3d.pth"), "--output", str(tmp_path / "out")]
    assert main(["import", "pyskl", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: Checkpoint") and "PoseC3D" in said and "Traceback" not in said


@pytest.fixture(scope="module")
def public(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    path = shared_data / "hand_gestures" / "pyskl_gesture.pth"
    if not path.is_file():
        pytest.skip(f"the public checkpoint {path.name} is not among the recorded data")
    target = tmp_path_factory.mktemp("public") / "hand_gestures_pyskl"
    assert main(["import", "pyskl", "--checkpoint", str(path), "--output", str(target)]) == 0
    return load_bundle(target)


def test_only_trained_classes_are_left(public: Bundle) -> None:
    manifest = public.manifest
    assert len(manifest.class_names) == 16 and manifest.class_names[0] == "Stop Sign"
    assert manifest.background_class == "No Gesture"
    assert manifest.training["outputs_kept"][-1] == 39


def test_no_weight_is_denormal(public: Bundle) -> None:
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(public.onnx_path))
    weights = [numpy_helper.to_array(t) for t in model.graph.initializer]
    floats = [w for w in weights if w.dtype == np.float32]
    assert sum(w.size for w in floats) > 100_000
    for values in floats:
        assert not ((values != 0) & (np.abs(values) < 1e-12)).any()
    assert public.manifest.training["denormal_weights_zeroed"] > 50_000


def test_the_bundle_computes_what_the_checkpoint_says(
    public: Bundle, shared_data: Path, forward: Forward
) -> None:
    state = read_checkpoint(shared_data / "hand_gestures" / "pyskl_gesture.pth")
    clips = np.random.default_rng(9).uniform(size=(16, 10, 21, 2))
    hand = np.zeros((16, 3, 10, 21, 2), np.float32)
    hand[:, :2, ..., 0], hand[:, 2, ..., 0] = clips.transpose(0, 3, 1, 2), 1.0
    found = create_engine(public).run({"hand": hand})["hand_logits"]
    expected = forward(state, clips[:, None])[:, public.manifest.training["outputs_kept"]]
    assert np.abs(found - expected).max() < 1e-4


def test_held_shapes_of_many_real_hands(public: Bundle, shared_data: Path) -> None:
    path = shared_data / "hand_gestures" / "hagrid_landmarks_1200x21x3.npz"
    if not path.is_file():
        pytest.skip(f"{path.name} is not among the recorded data")
    with np.load(path) as data:
        hands, labels = data["xyz"][..., :2], data["label"]
    held = np.repeat(hands[:, None], 10, axis=1)
    for side in ("right", "left"):
        experts = Experts(public, create_engine(public))
        opinions = experts.judge({i: window(10, **{side: h}) for i, h in enumerate(held)})
        right = [
            opinion_class(public, opinions[i]) == LABELS.get(label, label)
            for i, label in enumerate(labels)
        ]
        assert len(right) == 1200 and np.mean(right) >= 0.98


def test_it_is_fast_enough(public: Bundle) -> None:
    engine = create_engine(public, threads=2)
    hand = np.random.default_rng(0).random((1, 3, 10, 21, 2)).astype(np.float32)
    engine.warm_up()
    rounds = []
    for _ in range(80):  # other processes may take the cores: the calmest round counts
        spent = []
        for _ in range(5):
            engine.run({"hand": hand})
            spent.append(engine.last_ms)
        rounds.append(float(np.median(spent)))
    if min(rounds) > 3.0 and os.getloadavg()[0] > 1.0:
        pytest.skip(f"the machine is busy (load {os.getloadavg()[0]:.1f}), so times say nothing")
    assert min(rounds) <= 3.0


def opinion_class(bundle: Bundle, opinion: Opinion) -> str:
    name = bundle.manifest.class_names[int(opinion.probabilities.argmax())]
    return MERGED.get(name, name.lower())
