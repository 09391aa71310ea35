"""Every request gets an answer; only the page's own requests get anything but a refusal."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bharnet_ros.labelling.api import LabelApi
from bharnet_ros.web.messages import Request, Response

TOKEN = "the-token"  # noqa: S105
OWN = {"host": "127.0.0.1:8421", "x-access-token": TOKEN}
ROW = {"start_ns": 0, "end_ns": 10**9, "label": "wave", "person": 3, "region": [1, 2, 3, 4]}


def get(api: LabelApi, path: str, query: str = "", **headers: str) -> Response:
    return api.respond(Request("GET", path, query, {**OWN, **headers}))


def put(api: LabelApi, data: Any, kind: str = "application/json", **headers: str) -> Response:
    body = json.dumps(data).encode()
    given_headers = {**OWN, "content-type": kind, **headers}
    return api.respond(Request("PUT", "/api/labels", "", given_headers, body))


def test_the_recording_is_described(api: LabelApi) -> None:
    data = json.loads(get(api, "/api/recording").body)
    assert data["name"] == "kitchen"
    assert data["classes"] == ["wave", "stop", "thumbs_up"]
    assert (data["count"], data["complete"]) == (60, True)
    stamps = json.loads(get(api, "/api/stamps", "from=58").body)
    assert stamps["stamps"] == [5_800_000_000, 5_900_000_000]
    assert stamps["people"]["7"] == [[2_000_000_000, 5_900_000_000]]


def test_images_and_people(api: LabelApi) -> None:
    image = get(api, "/api/image", "index=5")
    assert image.body.startswith(b"\x89PNG")
    assert image.headers["Content-Type"] == "image/png"
    assert get(api, "/api/image", "index=60").status == HTTPStatus.NOT_FOUND
    data = json.loads(get(api, "/api/skeletons", "from=19&count=2").body)
    assert [[p["id"] for p in frame["people"]] for frame in data["frames"]] == [[3], [3, 7]]
    assert len(data["frames"][0]["people"][0]["points"]) == 17 * 3
    assert len(data["layouts"]["coco_17"]["edges"]) > 10
    assert json.loads(get(api, "/api/skeletons", "from=58&count=50").body)["frames"][2:] == []


def test_labels_are_saved_and_versions_hold(api: LabelApi) -> None:
    assert json.loads(get(api, "/api/labels").body)["version"] == "new"
    saved = put(api, {"version": "new", "segments": [ROW]})
    assert saved.status == HTTPStatus.OK
    version = json.loads(saved.body)["version"]
    now = json.loads(get(api, "/api/labels").body)
    assert (now["version"], now["segments"]) == (version, [ROW])
    late = put(api, {"version": "new", "segments": []})
    assert late.status == HTTPStatus.CONFLICT
    assert json.loads(late.body)["segments"] == [ROW]


def test_a_full_disk_is_said(
    new_api: Callable[..., LabelApi], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    api = new_api()
    monkeypatch.setattr("os.fsync", full)
    answer = put(api, {"version": "new", "segments": [ROW]})
    assert answer.status == HTTPStatus.INSUFFICIENT_STORAGE
    assert "disk is full" in json.loads(answer.body)["error"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-access-token": "guess"}, HTTPStatus.UNAUTHORIZED),
        ({"x-access-token": ""}, HTTPStatus.UNAUTHORIZED),
        ({"x-access-token": "the-tok\udcffen"}, HTTPStatus.UNAUTHORIZED),
        ({"host": "evil.example:8421"}, HTTPStatus.MISDIRECTED_REQUEST),
        ({"host": "evil.example"}, HTTPStatus.MISDIRECTED_REQUEST),
        ({"host": ""}, HTTPStatus.MISDIRECTED_REQUEST),
        ({"host": "127.0.0.1.evil.example:80"}, HTTPStatus.MISDIRECTED_REQUEST),
        ({"host": "localhost:80:80"}, HTTPStatus.MISDIRECTED_REQUEST),
        ({"host": "localhost:x"}, HTTPStatus.MISDIRECTED_REQUEST),
        ({"origin": "http://evil.example"}, HTTPStatus.FORBIDDEN),
        ({"origin": "null"}, HTTPStatus.FORBIDDEN),
        ({"origin": "http://127.0.0.1:9999"}, HTTPStatus.FORBIDDEN),
        ({"origin": "https://127.0.0.1:8421"}, HTTPStatus.FORBIDDEN),
        ({"sec-fetch-site": "cross-site"}, HTTPStatus.FORBIDDEN),
        ({"sec-fetch-site": "same-site"}, HTTPStatus.FORBIDDEN),
    ],
)
def test_others_are_refused(api: LabelApi, headers: dict[str, str], status: HTTPStatus) -> None:
    assert get(api, "/api/labels", **headers).status == status
    change = {"version": "new", "segments": [ROW]}
    assert put(api, change, **headers).status == status
    assert json.loads(get(api, "/api/labels").body)["version"] == "new"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8421", "localhost:8421", "LOCALHOST", "[::1]:8421", "[::1]", "192.168.1.7:80"],
)
def test_own_addresses_are_fine(api: LabelApi, host: str) -> None:
    assert get(api, "/api/labels", host=host, origin=f"http://{host}").status == HTTPStatus.OK


def test_changes_are_json_only(api: LabelApi) -> None:
    """A form of another site can send text/plain without asking."""
    change = {"version": "new", "segments": []}
    assert put(api, change, "text/plain").status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE


def test_the_page_needs_no_token_and_allows_nothing_foreign(api: LabelApi) -> None:
    for path in ("/", "/main.js", "/api.js", "/style.css", "/icon.svg"):
        answer = api.respond(Request("GET", path, "", {"host": "localhost:1"}))
        assert answer.status == HTTPStatus.OK
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert b"http://" not in answer.body.replace(b"http://www.w3.org/2000/svg", b"")
        assert b"https://" not in answer.body


@pytest.mark.parametrize(
    "path",
    [
        "/../api.py", "/..%2fapi.py", "/%2e%2e/api.py", "/page/main.js", "//main.js", "/main.js/",
        "/main.js%00", "/C:/x", "/etc/passwd", "/index.html/..", "/__init__.py", "",
    ],
)  # fmt: skip
def test_no_path_leads_elsewhere(api: LabelApi, path: str) -> None:
    assert get(api, path).status == HTTPStatus.NOT_FOUND


_paths = st.sampled_from(
    ["/", "/main.js", "/api/recording", "/api/stamps", "/api/image", "/api/skeletons",
     "/api/labels", "/api/", "/api/labels/"]
) | st.text(max_size=30)  # fmt: skip
_queries = st.text(max_size=30) | st.builds(
    lambda names, values: "&".join(f"{n}={v}" for n, v in zip(names, values, strict=False)),
    st.lists(st.sampled_from(["from", "count", "index", "x"]), max_size=3),
    st.lists(st.integers(-5, 10**12) | st.text(max_size=4), min_size=3, max_size=3),
)
_headers = st.dictionaries(
    st.sampled_from(["host", "origin", "x-access-token", "sec-fetch-site", "content-type"]),
    st.sampled_from(["127.0.0.1", "localhost", TOKEN, "none", "application/json"])
    | st.text(max_size=12),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    st.sampled_from(["GET", "PUT", "POST", "DELETE", "OPTIONS"]) | st.text(max_size=6),
    _paths, _queries, _headers, st.booleans(), st.binary(max_size=60),
)  # fmt: skip
def test_any_request_gets_an_answer(
    api: LabelApi, method: str, path: str, query: str, headers: dict[str, str], own: bool,
    body: bytes,
) -> None:  # fmt: skip
    answer = api.respond(Request(method, path, query, {**headers, **OWN} if own else headers, body))
    assert isinstance(answer.status, HTTPStatus)
    if answer.status != HTTPStatus.OK:
        assert json.loads(answer.body)["error"]
    elif path.startswith("/api/"):
        assert own or headers.get("x-access-token") == TOKEN


def test_labels_that_cannot_be_read_are_not_overwritten(api: LabelApi, tmp_path: Path) -> None:
    put(api, {"version": "new", "segments": [ROW]})
    (tmp_path / "labels.csv").write_text("start,end\nodd")
    answer = put(api, {"version": "new", "segments": []})
    assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "labels.csv" in json.loads(answer.body)["error"]
    assert (tmp_path / "labels.csv").read_text() == "start,end\nodd"


def test_labels_that_could_not_be_read_again_are_refused(api: LabelApi, tmp_path: Path) -> None:
    """A region without a person, and a person in it: to the reader that is one person."""
    nobody = {**ROW, "person": None}
    version = json.loads(put(api, {"version": "new", "segments": [nobody]}).body)["version"]
    before = (tmp_path / "labels.csv").read_bytes()
    answer = put(api, {"version": version, "segments": [nobody, {**ROW, "label": "clap"}]})
    assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "'wave' and 'clap' of one person overlap" in json.loads(answer.body)["error"]
    assert (tmp_path / "labels.csv").read_bytes() == before
    assert get(api, "/api/labels").status == HTTPStatus.OK
