from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from bharnet_ros.demo.pictures import Pictures, drawn_actions
from bharnet_ros.types import ActionFrame, ActionState, Hypothesis, RecognizedAction

BOX = np.array([300, 100, 80, 200], np.float32)


def picture(level: int) -> np.ndarray:
    return np.full((360, 640, 3), level, np.uint8)


def test_a_video_and_a_strip_remain(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path, 4.0)
    for index, level in enumerate(range(0, 200, 20)):
        pictures.add(picture(level), index * 250_000_000)
    for index in range(8):
        pictures.keep(f"0/{index}", 1.0, f"gesture {index}", picture(20 * index), BOX)
    assert pictures.close() == [tmp_path / "strip.jpg", tmp_path / "annotated.mp4"]
    strip = cv2.imread(str(tmp_path / "strip.jpg"))
    assert strip.shape == (2 * 300, 4 * 370, 3)
    video = cv2.VideoCapture(str(tmp_path / "annotated.mp4"))
    assert int(video.get(cv2.CAP_PROP_FRAME_COUNT)) == 10


def shown(path: Path) -> list[int]:
    """The level of every frame of a video, to the nearest ten."""
    video = cv2.VideoCapture(str(path))
    levels = []
    while True:
        good, image = video.read()
        if not good:
            return levels
        levels.append(10 * round(float(image.mean()) / 10))


def test_a_video_lasts_as_long_as_what_it_shows(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path, 10.0)
    for tenth, level in ((0, 50), (1, 100), (4, 150), (4.4, 10), (5, 200)):
        pictures.add(picture(level), round(7e9 + tenth * 1e8))
    pictures.close()
    assert shown(pictures.video_path) == [50, 100, 100, 100, 150, 200]


def test_a_film_that_loops_and_images_of_another_size(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path, 10.0)
    for stamp_s, level in ((9.9, 50), (10.0, 100), (0.0, 150), (0.1, 200), (5000.0, 250)):
        image = picture(level)
        pictures.add(image if level < 200 else image[:, :480], round(1e9 * stamp_s))
    pictures.close()
    assert shown(pictures.video_path) == [50, 100, 150, 200, 250]


def test_of_one_key_the_first_of_the_best_stays(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path, 4.0)
    for rank, level in ((0.5, 10), (1.9, 200), (1.9, 90), (0.7, 40)):
        pictures.keep("0/wave", rank, "wave", picture(level), BOX)
    pictures.close()
    strip = cv2.imread(str(tmp_path / "strip.jpg"))
    assert strip.shape == (300, 370, 3)
    assert abs(strip[50, 50].mean() - 200) < 5


def action(state: ActionState, name: str, track_id: int = 0) -> RecognizedAction:
    hypotheses = (Hypothesis(0, name, 0.9),) if name else ()
    return RecognizedAction(state, track_id, hypotheses, 0, 1, 1, 0.5, 0.5, BOX)


def test_a_picture_shows_what_was_judged_before_its_skeletons() -> None:
    none, started = ActionState.NONE, ActionState.STARTED
    ongoing, ended = ActionState.ONGOING, ActionState.ENDED
    heard = [
        ActionFrame(10, (action(none, ""), action(ongoing, "wave", 1))),
        ActionFrame(20, (action(started, "stop"), action(ongoing, "wave", 1))),
        ActionFrame(30, (action(ongoing, "stop"), action(ended, "wave", 1))),
        ActionFrame(40, (action(ongoing, "stop"), action(started, "fist", 1))),
    ]

    def shown(stamp_ns: int) -> list[str]:
        return [found.hypotheses[0].class_name for found in drawn_actions(heard, stamp_ns)]

    assert shown(10) == shown(20) == []
    assert shown(30) == ["wave"]  # the image of 30 may have been drawn before 20 was heard of
    assert shown(40) == ["stop"] and shown(99) == ["stop"]


def test_nothing_seen_leaves_nothing(tmp_path: Path) -> None:
    assert Pictures(tmp_path, 4.0).close() == []
    assert list(tmp_path.iterdir()) == []


def test_boxes_beyond_the_image_are_cut_to_it(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path, 4.0)
    for index, box in enumerate(([-500, -500, 10, 10], [600, 300, 500, 900], [0, 0, 0, 0])):
        pictures.keep(str(index), 1.0, "edge", picture(90), np.array(box, np.float32))
    pictures.close()
    strip = cv2.imread(str(tmp_path / "strip.jpg"))
    assert strip.shape == (300, 3 * 370, 3)
    assert abs(strip[50].mean() - 90) < 5
