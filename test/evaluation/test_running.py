"""From the command to the report: what is written, refused, and said."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import tiny_world as world
from bharnet_ros.__main__ import main
from bharnet_ros.bundle import Bundle
from bharnet_ros.continual import is_step_engine
from bharnet_ros.errors import ConfigurationError, EvaluationError, LabelError
from bharnet_ros.evaluation.progress import Interrupt, bar
from bharnet_ros.evaluation.running import HTML_FILE, JSON_FILE, Order, run_evaluation
from bharnet_ros.evaluation.storage import load
from bharnet_ros.evaluation.subject import Subject, subject_from_parameters
from bharnet_ros.node_parameters import read_params_file
from bharnet_ros.pose import PoseEstimator

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")
pytest.importorskip("rosbags", reason="bags are read with rosbags")


@dataclass(frozen=True)
class NumberSubject(Subject):
    """Its estimators read the numbers in the pictures."""

    def estimator(self) -> PoseEstimator:
        return world.NumberReader()

    def pose_identity(self) -> dict[str, Any]:
        return {"backend": "numbers"}


@pytest.fixture(scope="module")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    from benchmarks.synthetic import write_tiny_bundle

    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture
def order(tiny_bundle: Bundle, tmp_path: Path) -> Order:
    bag = world.write_bag(tmp_path / "bags" / "kitchen", skeletons=True)
    return Order(NumberSubject(str(tiny_bundle.path)), [bag], tmp_path / "output")


def test_a_report_its_figures_and_one_screen(order: Order) -> None:
    said: list[str] = []
    assert run_evaluation(order, "offline", say=said.append)
    evaluation, metrics = load(order.output / JSON_FILE)
    assert evaluation.mode == "offline" and evaluation.class_names == ("idle", "raise", "fist")
    assert evaluation.about["machine"] and evaluation.complete
    assert metrics["overall"]["events"]["right"] == 3
    assert (order.output / HTML_FILE).stat().st_size > 10_000
    text = "\n".join(said)
    assert "3 right, 0 wrong, 0 missed of 3" in text and "120 of 120 looked at" in text
    assert len(text.splitlines()) < 40 and max(map(len, said[0].splitlines())) <= 100


def test_several_bags_and_a_comparison(order: Order, tmp_path: Path) -> None:
    world.write_bag(tmp_path / "bags" / "hall", images=False, skeletons=True)
    world.write_bag(tmp_path / "more" / "hall", images=False, skeletons=True)
    bags = [tmp_path / "bags", tmp_path / "more"]
    both = replace(order, bags=bags, input="skeletons")
    assert run_evaluation(both, "offline", say=lambda text: None)
    names = [r.name for r in load(order.output / JSON_FILE)[0].recordings]
    assert names == ["hall", "kitchen", "hall (2)"]
    said: list[str] = []
    again = replace(both, against=order.output / JSON_FILE, output=tmp_path / "new")
    assert run_evaluation(again, "offline", say=said.append)
    assert any("hall" in text or "clips" in text for text in said[1:])


def test_every_recording_has_a_name_of_its_own(order: Order, tmp_path: Path) -> None:
    folders = [tmp_path / part for part in ("first/a", "second/a (2)", "third/a", "fourth/a")]
    bags = [world.write_bag(folder, skeletons=True) for folder in folders]
    assert run_evaluation(replace(order, bags=bags, input="skeletons"), "offline", say=str)
    evaluation, metrics = load(order.output / JSON_FILE)
    names = [recording.name for recording in evaluation.recordings]
    assert names == ["a", "a (2)", "a (3)", "a (4)"] == list(metrics["recordings"])


def test_labels_are_found_beside_the_bag(order: Order) -> None:
    rows = world.label_rows()
    (order.bags[0] / "labels.csv").write_text("\n".join(rows[:3]) + "\n", "utf-8")
    assert run_evaluation(order, "offline", say=lambda text: None)
    (recording,) = load(order.output / JSON_FILE)[0].recordings
    assert len(recording.truth) == 2
    simulated = replace(order, truth="simulated")
    assert run_evaluation(simulated, "offline", say=lambda text: None)
    (recording,) = load(order.output / JSON_FILE)[0].recordings
    assert len(recording.truth) == 3


def test_what_is_wrong_is_told_before_the_long_work(order: Order, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("start,end,label\n1,2,jump\n", "utf-8")
    other = world.write_bag(tmp_path / "bags" / "other")
    with pytest.raises(LabelError, match="jump"):
        run_evaluation(
            replace(order, bags=[order.bags[0], other], labels=[labels, labels]), "offline"
        )
    labels.write_text("start,end,label\n1,2,raise\n", "utf-8")
    with pytest.raises(LabelError, match="does not say of which of 2 recordings"):
        run_evaluation(replace(order, bags=[order.bags[0], other], labels=[labels]), "offline")
    with pytest.raises(EvaluationError, match="3 files of labels for 1 bags"):
        run_evaluation(replace(order, labels=[labels] * 3), "offline")
    with pytest.raises(EvaluationError, match=r"nothing\.json"):
        run_evaluation(replace(order, against=tmp_path / "nothing.json"), "offline")
    assert not order.output.exists()
    assert run_evaluation(replace(order, output=tmp_path / "old"), "offline", say=str)
    with pytest.raises(EvaluationError, match=r"it is of kitchen, these are other"):
        run_evaluation(
            replace(order, bags=[other], against=tmp_path / "old" / JSON_FILE), "offline"
        )


def test_ctrl_c_leaves_a_valid_report(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopping(world.NumberReader):
        def estimate(self, image_bgr: Any, stamp_ns: int) -> Any:
            if len(self.looked) == 70:
                signal.raise_signal(signal.SIGINT)
            return super().estimate(image_bgr, stamp_ns)

    subject = order.subject
    monkeypatch.setattr(NumberSubject, "estimator", lambda self: Stopping())
    said: list[str] = []
    before = signal.getsignal(signal.SIGINT)
    assert not run_evaluation(order, "offline", say=said.append)
    assert signal.getsignal(signal.SIGINT) is before
    evaluation, metrics = load(order.output / JSON_FILE)
    assert not evaluation.complete and not metrics["complete"]
    assert evaluation.recordings[0].estimated == 71
    assert "STOPPED" in said[0] and "goes on where it was" in said[-1]
    monkeypatch.undo()
    assert run_evaluation(replace(order, subject=subject), "offline", say=said.append)
    assert load(order.output / JSON_FILE)[0].complete


def test_the_second_ctrl_c_ends_at_once() -> None:
    with Interrupt() as interrupt:
        signal.raise_signal(signal.SIGINT)
        assert interrupt.stopped()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_an_interrupt_works_in_other_threads_too() -> None:
    stopped = []

    def work() -> None:
        with Interrupt() as interrupt:
            interrupt.stop()
            stopped.append(interrupt.stopped())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert stopped == [True]


def test_the_bar_tells_the_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    with bar("kitchen", 40, "images") as shown:
        shown.at(10)
        shown.at(200)  # a bag may hold more than its index says
    text = capsys.readouterr().err
    assert "kitchen: 100%" in text and "left" in text and "40/40 images" in text


@pytest.fixture
def params(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        path = tmp_path / "params.yaml"
        path.write_text(text, "utf-8")
        return str(path)

    return write


def test_the_nodes_parameters_hold_offline_too(params: Callable[[str], str]) -> None:
    path = params(
        "/**/action_recognizer:\n"
        "  ros__parameters: {start_threshold: 0.9, bundles: [first_light]}\n"
        "robot:\n  pose_estimator:\n"
        "    ros__parameters: {pose_options: ['max_people=1'], smoothing: 1}\n"
        "/**:\n  ros__parameters: {confirm_s: -1.0, rate_hz: 5.0}\n"
    )
    subject = subject_from_parameters(params_file=path)
    assert subject.bundle == "first_light" and subject.pose_options == {"max_people": 1}
    assert (subject.config.start, subject.config.confirm_s) == (0.9, None)
    assert subject.config.rate_hz == 5.0 and subject.smoother().strength == 1.0
    assert subject_from_parameters("gestures", params_file=path).bundle == "gestures"
    assert read_params_file(path, "visualizer") == {"confirm_s": -1.0, "rate_hz": 5.0}


def test_the_nodes_engine_is_the_one_that_is_measured(
    params: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its options, and the step graph where the nodes would run it."""
    made: list[Any] = []
    monkeypatch.setattr(
        "bharnet_ros.evaluation.subject.Recognizer",
        lambda bundle, engine, config: made.append(engine),
    )
    given = "/**:\n  ros__parameters: {bundles: [asl_words_continual], num_threads: 2, %s}"
    path = params(given % "engine_options: ['profile=true']")
    with pytest.raises(ConfigurationError, match="no option 'profile'"):
        subject_from_parameters(params_file=path).recognizer()
    for text, steps in (("continual: auto", True), ("continual: 'off'", False), ("top_k: 3", True)):
        subject_from_parameters(params_file=params(given % text)).recognizer()
        assert is_step_engine(made[-1]) is steps
        made[-1].close()
    path = params(given % "engine_options: ['', 'threads=3']")
    subject = subject_from_parameters(params_file=path)
    assert subject.engine_options == ("threads=3",)
    assert subject.engine_identity()["options"] == ["threads=3"]
    with pytest.raises(ConfigurationError, match=r"continual is False.*in quotes"):
        subject_from_parameters(params_file=params(given % "continual: off"))


def test_the_report_says_which_engine_ran(order: Order) -> None:
    chosen = replace(order.subject, engine_options=("threads=2",), continual=False)
    assert run_evaluation(replace(order, subject=chosen), "offline", say=lambda text: None)
    about = load(order.output / JSON_FILE)[0].about
    assert about["engine"] == "onnxruntime, num_threads=1, threads=2, continual=off"


@pytest.mark.parametrize(
    ("kind", "pose"), [("images", "mediapipe"), ("skeletons", "recorded skeletons")]
)
def test_the_report_says_where_the_skeletons_come_from(order: Order, kind: str, pose: str) -> None:
    assert run_evaluation(replace(order, input=kind), "offline", say=lambda text: None)
    evaluation, _ = load(order.output / JSON_FILE)
    assert evaluation.pose_backend == pose
    assert ("smoothing" in evaluation.about) == (kind == "images")
    assert "pose: " in (order.output / HTML_FILE).read_text("utf-8")


def test_an_output_that_is_a_file_is_told(order: Order, tmp_path: Path) -> None:
    (tmp_path / "afile").write_text("mine", "utf-8")
    for output in (tmp_path / "afile", tmp_path / "afile" / "below"):
        with pytest.raises(EvaluationError, match=r"cannot be made.*choose another --output"):
            run_evaluation(replace(order, output=output), "offline")


def test_an_output_that_cannot_be_written_is_told_before_the_work(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != order.output)
    with pytest.raises(EvaluationError, match="Nothing can be written to the folder"):
        run_evaluation(order, "offline", evaluate=lambda job: pytest.fail("it began"))


def test_the_shipped_parameters_are_the_defaults(repository: Path) -> None:
    shipped = subject_from_parameters(params_file=str(repository / "config" / "bharnet_ros.yaml"))
    assert shipped == subject_from_parameters()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a list", "no nodes"),
        ("a: [", "not YAML"),
        ("action_recognizer:\n  ros_parameters: {rate_hz: 5.0}", "rate_hz outside of ros__param"),
        ("rate_hz: 5.0", "rate_hz outside of ros__parameters"),
        ("/**:\n  ros__parameters: {rate_hz: fast}", "wrong type"),
        ("/**:\n  ros__parameters: {fusion: magic}", "fusion is 'magic'"),
        ("/**:\n  ros__parameters: {smoothing: strong}", "wrong type"),
        ("/**:\n  ros__parameters: {bundles: gestures}", "bundles is 'gestures' .* a list"),
        ("/**:\n  ros__parameters: {bundles: }", "bundles is None .* a list of texts"),
        ("/**:\n  ros__parameters: {bundles: [1]}", r"bundles is \[1\] .* a list of texts"),
        ("/**:\n  ros__parameters: {pose_options: smoothing=1}", "pose_options is .* a list"),
        ("/**:\n  ros__parameters: {engine_options: threads=2}", "engine_options is .* a list"),
    ],
)
def test_odd_parameter_files_are_refused(
    params: Callable[[str], str], text: str, told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        subject_from_parameters(params_file=params(text))


def test_several_bundles_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="one at a time"):
        subject_from_parameters("gestures,first_light")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--rate", "2"], "--rate needs --live"),
        (["--composed"], "--composed needs --live"),
        (["--attach"], "--attach needs --live"),
        (["--graph_topic", "image_raw"], "--graph_topic needs --live"),
        (["--live", "--graph_topic", "image_raw"], "--graph_topic needs --attach"),
        (["--truth", "simulated", "--labels", "labels.csv"], "are two truths; choose one"),
    ],
)
def test_options_that_would_go_nowhere_are_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main(["evaluate", "bag", *arguments]) == 1
    assert told in capsys.readouterr().err


def test_the_command_tells_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(tmp_path / "nothing")]) == 1
    assert "There is no bag in" in capsys.readouterr().err
    assert main(["evaluate", str(tmp_path), "--params_file", "none.yaml"]) == 1
    assert "none.yaml" in capsys.readouterr().err
    bag = world.write_bag(tmp_path / "bag", skeletons=True)
    assert main(["evaluate", str(bag), "--image_topic", "front"]) == 1
    told = capsys.readouterr().err
    assert "/camera/image_raw" in told and "'front'" in told
