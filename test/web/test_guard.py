"""Which names of hosts a page is served under."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from bharnet_ros.web.guard import Guard, Refused


@pytest.mark.parametrize("host", [
    "desktop-4f2k", "DESKTOP-4F2K", "robot.local", "localhost", "LOCALHOST", "127.0.0.1", "[::1]",
])  # fmt: skip
def test_a_machine_answers_to_its_names_however_they_are_spelt(host: str) -> None:
    guard = Guard("token", frozenset({"DESKTOP-4F2K", "Robot.local"}))
    guard.check({"host": f"{host}:8422"}, api=False)
    guard.check({"host": host}, api=False)


@pytest.mark.parametrize("host", ["", "evil.example", "robot.local.evil.example:8422", "robot"])
def test_other_names_are_refused(host: str) -> None:
    guard = Guard("token", frozenset({"Robot.local"}))
    with pytest.raises(Refused) as refused:
        guard.check({"host": host}, api=False)
    assert refused.value.status == HTTPStatus.MISDIRECTED_REQUEST
