"""Pickles are read without being executed: plain values come out, everything else is refused."""

from __future__ import annotations

import collections
import datetime
import functools
import io
import os
import pickle
import pickletools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bharnet_ros.errors import ConfigurationError
from training.data.converters.pickles import read_pickle

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner)
    | st.sets(st.integers()) | st.frozensets(st.text()),
    max_leaves=20,
)  # fmt: skip
ARRAYS = hnp.arrays(
    st.sampled_from(["<f4", ">f4", "<f2", "<f8", "<i4", ">i8", "u1", "?", "<U3", "S2"]),
    hnp.array_shapes(min_dims=0, max_dims=4, max_side=4),
)


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    path = tmp_path_factory.mktemp("pickles") / "file.pkl"

    def read(content: bytes):
        path.write_bytes(content)
        return read_pickle(path)

    return read


@given(PLAIN, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_plain_values_come_out_as_pickle_would_give_them(read, value, protocol):
    try:
        content = pickle.dumps(value, protocol)
    except UnicodeEncodeError:
        return
    try:
        found = read(content)
    except ConfigurationError as error:
        # Before protocol 4 sets are calls of a class, and before 3 so are empty bytes.
        assert protocol < 4 and any(n in str(error) for n in ("set", "bytes"))
        return
    assert found == value and type(found) is type(value)


@given(ARRAYS, st.integers(0, pickle.HIGHEST_PROTOCOL), st.booleans())
def test_arrays_come_out(read, array, protocol, fortran):
    array = np.asfortranarray(array) if fortran else array
    found = read(pickle.dumps({"a": array, "again": [array, array]}, protocol))
    for one in (found["a"], *found["again"]):
        assert one.dtype == array.dtype and one.shape == array.shape
        np.testing.assert_array_equal(one, array)
    assert found["again"][0] is found["a"]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_numbers_of_numpy_come_out(read, protocol):
    values = [np.float32(1.5), np.int64(-3), np.bool_(True)]
    found = read(pickle.dumps(values, protocol))
    assert found == values and found[0].dtype == np.float32


def test_an_older_numpy_and_python_2_wrote_it_differently(read):
    content = pickle.dumps(np.arange(3, dtype="<i4"), 2)
    old = content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    np.testing.assert_array_equal(read(old), [0, 1, 2])
    # Python 2, protocol 1 or 2: the bytes of the array are a short text.
    two = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
        b"(I1\n(I2\ntcnumpy\ndtype\n(S'u1'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntb"
        b"I00\nU\x02\x07\xfftb."
    )
    np.testing.assert_array_equal(read(two), np.array([7, 255], np.uint8))


def test_ordered_dicts_are_dicts(read):
    value = collections.OrderedDict(b=1, a=[2])
    assert read(pickle.dumps(value, 4)) == {"b": 1, "a": [2]}


class _Runs:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_code_is_refused_by_name_and_not_run(read, protocol, tmp_path):
    target = tmp_path / "made"
    for function, arguments, name in (
        (os.mkdir, (str(target),), "mkdir"),
        (eval, (f"__import__('os').mkdir({str(target)!r})",), "eval"),
        (functools.partial, (os.mkdir, str(target)), "partial"),
    ):
        content = pickle.dumps([1, {"x": _Runs(function, *arguments)}], protocol)
        with pytest.raises(ConfigurationError, match=name):
            read(content)
    assert not target.exists()
    pickle.loads(pickle.dumps(_Runs(os.mkdir, str(target))))  # noqa: S301
    assert target.exists(), "the file would have run code"


@pytest.mark.parametrize(
    "value",
    [
        np.array([_Runs(print, 1)], object),
        np.array([(1, 2.0)], [("a", "i4"), ("b", "f4")]),
        np.array(["2020-01-01"], "M8[D]"),
        np.ma.array([1, 2]),
        datetime.date(2020, 1, 1),
        collections.Counter("abc"),
        slice(1, 2),
        os.getcwd,
    ],
)
def test_other_objects_are_refused(read, value):
    with pytest.raises(ConfigurationError, match=r"asks for|no readable pickle"):
        read(pickle.dumps(value, 4))


@given(st.data())
def test_damaged_files_are_refused(read, data):
    """Cut off or changed anywhere: a value or a sentence, never another error."""
    content = pickle.dumps({"a": np.arange(4.0), "b": [1, "x", (None,)], "c": {2: b"z"}}, 4)
    place = data.draw(st.integers(0, len(content) - 1))
    change = data.draw(st.integers(0, 255))
    for broken in (content[:place], content[:place] + bytes([change]) + content[place + 1 :]):
        try:
            read(broken)
        except ConfigurationError as error:
            assert "file.pkl" in str(error)


@given(st.binary(max_size=60))
def test_noise_is_refused(read, content):
    try:
        read(content)
    except ConfigurationError as error:
        assert "file.pkl" in str(error)


def test_dangerous_instructions_are_refused(read):
    for content in (
        b"(S'ls'\nios\nsystem\n.",  # INST
        b"(cos\nsystem\nS'ls'\no.",  # OBJ
        b"\x80\x02cos\nsystem\n)\x81.",  # NEWOBJ
        b"\x80\x02Pperson\n.",  # PERSID
        b"\x80\x02\x82\x01.",  # EXT1
    ):
        assert list(pickletools.genops(io.BytesIO(content)))
        with pytest.raises(ConfigurationError, match="asks for the instruction"):
            read(content)


@pytest.mark.parametrize("code", [b"\x8e", b"\x8d"])
def test_a_length_beyond_the_file_is_not_asked_for(read, code):
    """BINBYTES8 and BINUNICODE8 of four exabytes."""
    with pytest.raises(ConfigurationError, match="ends too early"):
        read(b"\x80\x04" + code + (1 << 62).to_bytes(8, "little") + b"x.")
