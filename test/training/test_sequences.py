"""Sequences, cards and weights on disk."""

from __future__ import annotations

import ast
from dataclasses import replace

import numpy as np
import pytest
import torch

from bharnet_ros.errors import ConfigurationError
from training.checkpoint import load_weights, read_description, save_weights
from training.dataset import CARD_FILE, check_card, read_card, write_card
from training.sequences import content_hash, load_sequence, load_split, save_sequence


def test_what_is_saved_is_loaded(tmp_path, make_sequence):
    sequence = make_sequence(1)
    save_sequence(tmp_path / "a" / "1.npz", sequence)
    found = load_sequence(tmp_path / "a" / "1.npz")
    for name in ("stamps_ns", "keypoints", "scores", "truth"):
        np.testing.assert_array_equal(getattr(found, name), getattr(sequence, name))
    assert (found.layout, found.spans, found.info) == (
        sequence.layout, sequence.spans, sequence.info,
    )  # fmt: skip
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["1.npz"]


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04broken"])
def test_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "00001.npz"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"00001\.npz"):
        load_sequence(path)


def test_a_file_with_one_wrong_byte_is_named_or_read(tmp_path, make_sequence):
    """Wherever the byte is: a damaged film is made again by the run that finds it."""
    save_sequence(tmp_path / "whole.npz", make_sequence(1))
    whole = (tmp_path / "whole.npz").read_bytes()
    path, refused = tmp_path / "00001.npz", 0
    for place in range(0, len(whole), max(len(whole) // 400, 1)):
        damaged = bytearray(whole)
        damaged[place] ^= 255
        path.write_bytes(damaged)
        try:
            load_sequence(path)
        except ConfigurationError as error:
            assert str(path) in str(error)
            refused += 1
    assert refused > 300


def test_pickled_objects_are_refused(tmp_path):
    path = tmp_path / "evil.npz"
    np.savez(path, description=np.array([{"layout": 1}], dtype=object))
    with pytest.raises(ConfigurationError, match="evil"):
        load_sequence(path)


def test_frame_counts_must_agree(tmp_path, make_sequence):
    sequence = make_sequence(1)
    save_sequence(tmp_path / "x.npz", replace(sequence, scores=sequence.scores[:-1]))
    with pytest.raises(ConfigurationError, match="score frames"):
        load_sequence(tmp_path / "x.npz")


def test_empty_split_says_what_to_run(tmp_path):
    with pytest.raises(ConfigurationError, match="generate"):
        load_split(tmp_path, "train", 2)


def test_hash_follows_the_content(make_sequence):
    first, second = make_sequence(1), make_sequence(2)
    assert content_hash([first]) == content_hash([make_sequence(1)])
    assert content_hash([first]) != content_hash([second])
    changed = replace(first, spans=first.spans[:-1])
    assert content_hash([first]) != content_hash([changed])


def test_card_round_trip_and_refusals(tmp_path, card, tiny_config):
    write_card(tmp_path, card)
    assert read_card(tmp_path) == card
    check_card(card, tiny_config, tmp_path)
    with pytest.raises(ConfigurationError, match="other data settings"):
        check_card(card, replace(tiny_config, seed=99), tmp_path)
    (tmp_path / CARD_FILE).write_text('{"layout": 3}')
    with pytest.raises(ConfigurationError, match="damaged"):
        read_card(tmp_path)
    with pytest.raises(ConfigurationError, match="generate"):
        read_card(tmp_path / "nowhere")


def test_weights_round_trip_and_refusals(tmp_path):
    network, other = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    save_weights(tmp_path / "w.npz", network, {"epoch": 4})
    assert read_description(tmp_path / "w.npz") == {"epoch": 4}
    load_weights(tmp_path / "w.npz", other)
    torch.testing.assert_close(other.weight, network.weight)
    with pytest.raises(ConfigurationError, match="another model"):
        load_weights(tmp_path / "w.npz", torch.nn.Linear(4, 2))
    with pytest.raises(ConfigurationError, match="fit"):
        read_description(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"zip?")
    with pytest.raises(ConfigurationError, match="not a weights file"):
        read_description(tmp_path / "bad.npz")


def test_weights_of_which_an_array_is_damaged_are_refused(tmp_path):
    path = tmp_path / "w.npz"
    save_weights(path, torch.nn.Linear(50, 50), {"epoch": 4})
    damaged = bytearray(path.read_bytes())
    damaged[3000] ^= 255
    path.write_bytes(damaged)
    assert read_description(path) == {"epoch": 4}
    with pytest.raises(ConfigurationError, match=r"w\.npz is not a weights file .*train again"):
        load_weights(path, torch.nn.Linear(50, 50))


def test_where_nothing_can_be_written_the_file_and_the_remedy_are_named(
    tmp_path, card, make_sequence
):
    file = tmp_path / "file"
    file.write_text("mine")
    for write in (
        lambda: save_weights(file / "w.npz", torch.nn.Linear(1, 1), {}),
        lambda: save_sequence(file / "train" / "1.npz", make_sequence(1)),
        lambda: write_card(file, card),
    ):
        with pytest.raises(ConfigurationError, match=r"file/.* cannot be written .*make room or"):
            write()
    assert file.read_text() == "mine"


def test_archives_hold_their_arrays_alone(repository):
    """Before NumPy 2 `allow_pickle=False` is no option of savez, but one more array in the file."""
    for folder in ("bharnet_ros", "training", "benchmarks"):
        for path in sorted((repository / folder).rglob("*.py")):
            text = path.read_text("utf-8")
            for node in ast.walk(ast.parse(text)) if "savez" in text else ():
                if isinstance(node, ast.Call) and "savez" in ast.unparse(node.func):
                    assert "allow_pickle" not in {word.arg for word in node.keywords}, path
