"""`.skeleton` files in the published format, written by the test: names, bodies, bad files."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.errors import ConfigurationError
from training.data import open_store
from training.data.converters import NtuConverter
from training.data.converters.ntu import parse_skeleton, select_bodies
from training.data.converting import convert
from training.data.sample import SampleSkipped

BODY_IDS = ("72057594037931101", "72057594037931102", "72057594037931103")  # more than 2^53


def standing(seed: int, frames: int = 20, motion: float = 0.1) -> np.ndarray:
    """(F, 25, 3) taller than wide, moving."""
    rng = np.random.default_rng(seed)
    pose = rng.uniform((-0.2, -0.9, 2.0), (0.2, 0.9, 2.5), (25, 3))
    return pose + motion * np.sin(np.arange(frames) / 3.0)[:, None, None]


def skeleton_text(bodies: dict[int, np.ndarray], frames: int, starts: dict[int, int]) -> str:
    """The text of a file; body n is there from frame starts[n] on."""
    lines = [str(frames)]
    for frame in range(frames):
        here = [n for n in bodies if 0 <= frame - starts.get(n, 0) < len(bodies[n])]
        lines.append(str(len(here)))
        for n in here:
            lines.append(f"{BODY_IDS[n]} 0 1 1 0 0 0 0.03 -0.2 2")
            lines.append("25")
            for joint, (x, y, z) in enumerate(bodies[n][frame - starts.get(n, 0)]):
                state = 2 if joint < 20 else joint % 2
                lines.append(f"{x:.6f} {y:.6f} {z:.6f} 260.1 210.2 980.3 540.4 0.1 0 0.9 0 {state}")
    return "\n".join(lines) + "\n"


def write(folder, name, bodies, frames=20, starts=None):
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.skeleton").write_text(skeleton_text(bodies, frames, starts or {}))


@given(st.integers(0, 100), st.integers(0, 8), st.integers(1, 12))
def test_bodies_keep_their_frames(seed, start, length):
    frames = 20
    text = skeleton_text({0: standing(seed), 1: standing(seed + 1, length)}, frames, {1: start})
    count, bodies = parse_skeleton(text)
    assert count == frames and len(bodies) == 2
    np.testing.assert_allclose(bodies[0].keypoints, standing(seed), atol=1e-5)
    assert bodies[1].first_frame == start
    np.testing.assert_allclose(bodies[1].keypoints, standing(seed + 1, length), atol=1e-5)
    assert (bodies[0].scores[:, :20] == 1.0).all()
    assert set(bodies[0].scores[0, 20:]) == {0.25, 0.5}


def test_a_body_that_leaves_and_returns_is_missing_in_between():
    first, last = standing(0)[:5], standing(0)[9:]
    text = skeleton_text({0: first, 1: last}, 20, {1: 9}).replace(BODY_IDS[1], BODY_IDS[0])
    _, bodies = parse_skeleton(text)
    assert len(bodies) == 1 and bodies[0].scores.shape == (20, 25)
    assert np.flatnonzero(~bodies[0].scores.any(axis=1)).tolist() == [5, 6, 7, 8]


def test_the_name_says_who_where_and_what(tmp_path):
    write(tmp_path / "in", "S018C003P045R002A061", {0: standing(0)})
    convert(NtuConverter(tmp_path / "in"), tmp_path / "store", report=str)
    sample = open_store(tmp_path / "store").sample(0)
    assert sample.source == "S018C003P045R002A061"
    assert sample.class_name == "put_on_headphones"
    assert sample.fields == {
        "setup": "18", "camera": "3", "subject": "45", "replication": "2",
    }  # fmt: skip
    assert len(sample.stamps_ns) == 20 and sample.stamps_ns[-1] == round(19e9 / 30)


def test_the_two_who_move_most_are_kept_and_noise_is_not():
    still, lively = standing(0, motion=0.01), standing(1, motion=0.3)
    flat = standing(2, motion=1.0)[..., [1, 0, 2]]  # wider than tall: furniture
    text = skeleton_text({0: still, 1: lively, 2: flat}, 20, {})
    chosen = select_bodies(parse_skeleton(text)[1], 2)
    assert [body.track_id for body in chosen] == [1, 0]
    brief = skeleton_text({0: still, 1: lively[:6]}, 20, {})
    assert [body.track_id for body in select_bodies(parse_skeleton(brief)[1], 2)] == [0]


def test_somebody_is_always_kept():
    flat = standing(2)[..., [1, 0, 2]]
    assert len(select_bodies(parse_skeleton(skeleton_text({0: flat}, 20, {}))[1], 2)) == 1
    both = skeleton_text({0: flat[:3], 1: flat[:4]}, 20, {})
    assert len(select_bodies(parse_skeleton(both)[1], 2)) == 2


def test_bad_files_are_skipped_and_listed(tmp_path):
    folder = tmp_path / "in"
    good = {0: standing(0)}
    for name in ("S001C001P001R001A001", "S001C001P001R001A002", "S001C001P001R001A003"):
        write(folder, name, good)
    write(folder, "S001C001P001R001A004", {})
    write(folder, "S001C001P001R001A999", good)
    write(folder, "holiday", good)
    text = skeleton_text(good, 20, {})
    for number, broken in enumerate((text[: len(text) // 2], text + "3 4\n", "", "a b c", "-1")):
        (folder / f"S002C001P001R001A00{number + 1}.skeleton").write_text(broken)
    (folder / "S002C001P001R001A009.skeleton").write_bytes(b"\xff\xfe\x00")
    listed = tmp_path / "missing.txt"
    listed.write_text("302 samples are incomplete.\n\nS001C001P001R001A002\n")
    converter = NtuConverter(folder, (listed,))
    done = convert(converter, tmp_path / "store", report=str)
    assert done.added == 2
    reasons = {source: reason for source, reason, _ in done.sheet.skipped}
    assert reasons.pop("S001C001P001R001A002") == "listed"
    assert reasons.pop("S001C001P001R001A004") == "empty"
    assert len(reasons) == 8 and reasons.pop("S002C001P001R001A005") == "empty"
    assert set(reasons.values()) == {"corrupt"}


@given(st.data())
def test_a_cut_file_is_never_taken_for_a_whole_one(data):
    lines = skeleton_text({0: standing(0, 5)}, 5, {}).splitlines()
    kept = data.draw(st.integers(0, len(lines) - 1))
    with pytest.raises(SampleSkipped):
        parse_skeleton("\n".join(lines[:kept]))


def test_a_zip_is_read_like_a_folder(tmp_path):
    write(tmp_path / "in", "S001C001P001R001A001", {0: standing(0)})
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        name = "S001C001P001R001A001.skeleton"
        archive.write(tmp_path / "in" / name, f"deep/{name}")
    hashes = []
    for source in ("in", "all.zip"):
        convert(NtuConverter(tmp_path / source), tmp_path / f"store_{source}", report=str)
        hashes.append(open_store(tmp_path / f"store_{source}").content_hash())
    assert hashes[0] == hashes[1]


def test_wrong_options_are_sentences(tmp_path):
    with pytest.raises(ConfigurationError, match="neither a folder nor a zip"):
        list(NtuConverter(tmp_path / "nowhere").items())
    with pytest.raises(ConfigurationError, match="holds no"):
        list(NtuConverter(tmp_path).items())
    (tmp_path / "list.txt").write_text("nothing here")
    with pytest.raises(ConfigurationError, match="names no sample"):
        NtuConverter(tmp_path, (tmp_path / "list.txt",)).sheet()
    with pytest.raises(ConfigurationError, match="--people is 0"):
        NtuConverter(tmp_path, max_people=0).sheet()
