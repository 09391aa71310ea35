"""Pixels in the recogniser: what they change, and that whatever is wrong with them costs nobody."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks.synthetic import frame, person_keypoints, skeleton
from benchmarks.synthetic_rgb import write_tiny_rgb_bundle
from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import EngineError
from bharnet_ros.expert_graphs import ExpertGraphs
from bharnet_ros.inference import Engine, create_engine, open_graph
from bharnet_ros.recognizer import Recognizer, RecognizerConfig
from bharnet_ros.types import ActionFrame, Image, SkeletonFrame

pytest.importorskip("onnx", reason="the tiny graphs are built with onnx")

MS = 1_000_000
RED, BLUE = (0, 0, 255), (255, 0, 0)
CUP, PHONE = 1, 2


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_tiny_rgb_bundle(tmp_path_factory.mktemp("rgb") / "objects")


@pytest.fixture
def engine(bundle: Bundle) -> Engine:
    return create_engine(bundle, rgb=True)


def people(stamp_ms: float, tracks: Sequence[int] = (1,)) -> SkeletonFrame:
    return frame(
        round(stamp_ms * MS),
        *(skeleton(t, person_keypoints((200.0 + 250.0 * i, 300.0))) for i, t in enumerate(tracks)),
    )


def picture(colour: tuple[int, int, int] = RED) -> Image:
    return np.full((720, 1280, 3), colour, np.uint8)


IMAGES = {RED: picture(RED), BLUE: picture(BLUE)}


def play(
    recognizer: Recognizer,
    colour: tuple[int, int, int] | None,
    start_ms: int = 0,
    end_ms: int = 1500,
    tracks: Sequence[int] = (1,),
) -> list[ActionFrame]:
    """At 10 images/s; None = images never come."""
    judged = []
    for stamp in range(start_ms, end_ms, 100):
        now = people(stamp, tracks)
        if colour is not None:
            recognizer.see(IMAGES[colour], now)
        judged.append(recognizer.push(now))
    return [each for each in judged if each is not None]


def best(recognizer: Recognizer, track: int = 1, bundle: int = 0) -> np.ndarray:
    opinion = recognizer.opinions[track][bundle]
    assert opinion is not None
    return opinion.probabilities


def same(one: Sequence[ActionFrame], other: Sequence[ActionFrame]) -> bool:
    """Bit for bit."""

    def flat(frames: Sequence[ActionFrame]) -> list[object]:
        return [
            (f.stamp_ns, a.state, a.track_id, a.hypotheses, a.body_score, a.hand_score)
            for f in frames for a in f.actions
        ]  # fmt: skip

    return flat(one) == flat(other)


@pytest.mark.parametrize(("colour", "wanted"), [(RED, CUP), (BLUE, PHONE)])
def test_pixels_tell_apart_what_skeletons_cannot(
    bundle: Bundle, engine: Engine, colour: tuple[int, int, int], wanted: int
) -> None:
    recognizer = Recognizer(bundle, engine)
    actions = play(recognizer, colour)
    opinion = recognizer.opinions[1][0]
    assert opinion is not None and opinion.rgb_reliability == 1.0
    assert opinion.probabilities.argmax() == wanted and opinion.probabilities[wanted] > 0.99
    assert actions[-1].actions[0].hypotheses[0].class_id == wanted
    use = recognizer.rgb
    assert use is not None and (use.asked, use.judged, use.without_pixels) == (1, 1, 0)
    assert use.drops == {} and 0 < use.nbytes <= use.max_nbytes
    assert recognizer.expert_rows["objects/rgb"] == (1, 1)
    assert recognizer.timings_ms["rgb"] > 0.0


def test_without_images_or_without_the_graph_nothing_changes(
    bundle: Bundle, engine: Engine
) -> None:
    plain, blind = Recognizer(bundle, create_engine(bundle)), Recognizer(bundle, engine)
    assert same(play(plain, None), play(blind, None))
    np.testing.assert_array_equal(best(plain), best(blind))
    assert plain.rgb is None and "rgb" not in plain.timings_ms
    assert not plain.see(picture(), people(1500))  # of no use, and no error
    assert "objects/rgb" not in plain.expert_rows
    use, opinion = blind.rgb, blind.opinions[1][0]
    assert opinion is not None and opinion.rgb_reliability is None
    assert use is not None and (use.asked, use.judged, use.without_pixels) == (1, 0, 1)
    assert use.drops == {"missing": 15} and use.nbytes == 0
    assert blind.expert_rows["objects/rgb"] == (0, 1)


@pytest.mark.parametrize("fusion", ["body", "hand"])
def test_one_expert_alone_asks_no_pixels(bundle: Bundle, engine: Engine, fusion: str) -> None:
    assert Recognizer(bundle, engine, RecognizerConfig(fusion=fusion)).rgb is None


@pytest.mark.parametrize(
    ("image", "stamp_ms", "reason"),
    [(np.zeros((360, 640, 3), np.uint8), 0, "other_size"), (picture(), 33, "other_stamp"),
     (np.zeros((720, 1280), np.uint8), 0, "invalid_image")],
)  # fmt: skip
def test_images_that_do_not_belong_are_counted_and_change_nothing(
    bundle: Bundle, engine: Engine, image: Image, stamp_ms: int, reason: str
) -> None:
    plain, recognizer = Recognizer(bundle, create_engine(bundle)), Recognizer(bundle, engine)
    expected, found = play(plain, None), []
    for stamp in range(0, 1500, 100):
        now = people(stamp)
        assert not recognizer.see(image, now, (stamp + stamp_ms) * MS)
        found.append(recognizer.push(now))
    assert same(expected, [each for each in found if each is not None])
    use = recognizer.rgb
    assert use is not None and use.drops[reason] == 15
    assert (use.judged, use.without_pixels, use.nbytes) == (0, 1, 0)


def test_images_after_their_skeletons_are_late_and_serve_later_judgements(
    bundle: Bundle, engine: Engine
) -> None:
    recognizer = Recognizer(bundle, engine)
    for stamp in range(0, 1500, 100):
        now = people(stamp)
        recognizer.push(now)
        recognizer.see(IMAGES[BLUE], now)
    use = recognizer.rgb
    assert use is not None and use.drops == {"missing": 15, "late": 15}
    assert best(recognizer).argmax() == PHONE  # from the images before the last


def test_when_images_stop_skeletons_go_on_alone(bundle: Bundle, engine: Engine) -> None:
    plain, recognizer = Recognizer(bundle, create_engine(bundle)), Recognizer(bundle, engine)
    play(recognizer, RED)
    play(recognizer, None, 1500, 4000)
    play(plain, None, 0, 4000)
    np.testing.assert_array_equal(best(recognizer), best(plain))
    use = recognizer.rgb
    assert use is not None and use.nbytes == 0  # nothing is kept of who was not seen for a second


class Faulty:
    """An RGB engine that answers NaN, or fails."""

    def __init__(self, inner: Engine, fails: bool) -> None:
        self.inner, self.fails = inner, fails

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        if self.fails:
            raise EngineError("The GPU is gone.")
        return {name: value * np.nan for name, value in self.inner.run(inputs).items()}


@pytest.mark.parametrize("fails", [False, True])
def test_an_rgb_graph_that_answers_nan_or_fails_costs_nobody_the_skeletons_judgement(
    bundle: Bundle, fails: bool, caplog: pytest.LogCaptureFixture
) -> None:
    engines: dict[str, Engine] = {r: open_graph(path) for r, path in bundle.graphs.items()}
    engines["rgb"] = Faulty(engines["rgb"], fails)  # type: ignore[assignment]
    recognizer = Recognizer(bundle, ExpertGraphs(bundle.manifest, engines))
    plain = Recognizer(bundle, create_engine(bundle))
    assert same(play(recognizer, RED), play(plain, None))
    np.testing.assert_array_equal(best(recognizer), best(plain))
    use = recognizer.rgb
    assert use is not None and (use.asked, use.judged, use.without_pixels) == (1, 0, 0)
    assert use.drops["unusable_answer"] >= 1 and set(use.drops) == {"unusable_answer"}
    assert [record.message for record in caplog.records] == (
        ["Pixels were not used: The GPU is gone."] if fails else []
    )


def test_people_come_and_leave_and_each_has_their_own_pixels(
    bundle: Bundle, engine: Engine
) -> None:
    recognizer = Recognizer(bundle, engine)
    both = picture(RED)
    both[:, 325:] = BLUE  # between the two people
    for stamp in range(0, 1500, 100):
        now = people(stamp, (3, 7))
        recognizer.see(both, now)
        recognizer.push(now)
    assert best(recognizer, 3).argmax() == CUP and best(recognizer, 7).argmax() == PHONE
    held = recognizer.rgb
    play(recognizer, RED, 1500, 4000, (3,))
    use = recognizer.rgb
    assert held is not None and use is not None and use.nbytes <= held.nbytes / 2 + 1
    recognizer.flush()
    assert recognizer.rgb is not None and recognizer.rgb.nbytes == 0
    play(recognizer, BLUE, 0, 1500)  # the recording begins again
    assert best(recognizer).argmax() == PHONE


def test_time_that_jumps_back_begins_anew(bundle: Bundle, engine: Engine) -> None:
    recognizer = Recognizer(bundle, engine)
    play(recognizer, RED, 60_000, 62_000)
    play(recognizer, BLUE, 0, 1500)
    assert recognizer.resets == 1 and best(recognizer)[PHONE] > 0.99


def test_a_bundle_with_pixels_beside_one_without(
    bundle: Bundle, engine: Engine, tmp_path: Path
) -> None:
    other = write_tiny_rgb_bundle(tmp_path / "other", name="other", window_s=2.0)
    recognizer = Recognizer([(bundle, engine), (other, create_engine(other))])
    play(recognizer, RED, 0, 2500)
    assert best(recognizer, bundle=0).argmax() == CUP
    assert best(recognizer, bundle=1)[CUP] == best(recognizer, bundle=1)[PHONE]
    assert "other/rgb" not in recognizer.expert_rows
    alone = recognizer.rgb
    both = Recognizer([(bundle, engine), (other, create_engine(other, rgb=True))])
    play(both, BLUE, 0, 2500)
    assert [best(both, bundle=n).argmax() for n in (0, 1)] == [PHONE, PHONE]
    assert alone is not None and both.rgb is not None
    assert both.rgb.asked == 2
    assert 2 * alone.max_nbytes < both.rgb.max_nbytes < 2.5 * alone.max_nbytes  # longer windows


def test_images_may_come_from_another_thread(bundle: Bundle, engine: Engine) -> None:
    recognizer = Recognizer(bundle, engine)
    frames = [people(stamp, (1, 2, 3)) for stamp in range(0, 6000, 50)]
    wrong: list[BaseException] = []

    def look() -> None:
        try:
            for each in frames:
                recognizer.see(IMAGES[RED], each)
        except BaseException as error:  # a thread's error is told by nobody else
            wrong.append(error)

    looking = threading.Thread(target=look)
    looking.start()
    for each in frames:
        recognizer.push(each)
    looking.join()
    use = recognizer.rgb
    assert not wrong and use is not None and use.nbytes <= use.max_nbytes
    assert set(use.drops) <= {"missing", "late"}
