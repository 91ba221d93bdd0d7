"""Byte ranges, as RFC 9110 has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfyhoused.api.ranges import RangeNotSatisfiable, find_range
from tests.hypotheses import UNHURRIED


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=2-5", 2, 6),
        ("bytes=5-", 5, 10),
        ("bytes=-3", 7, 10),
        ("bytes=-99", 0, 10),
        ("bytes=4-999", 4, 10),
        (" bytes=9-9 ", 9, 10),
    ],
)
def test_a_range_is_found(header: str, start: int, end: int) -> None:
    found = find_range(header, 10)
    assert found is not None
    assert (found.start, found.end, found.length) == (start, end, end - start)
    assert found.content_range == f"bytes {start}-{end - 1}/10"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5-2",
        "bytes=0-1,3-4",
        "lines=1-2",
        "bytes=a-b",
    ],
)
def test_anything_else_means_the_whole_file(header: str | None) -> None:
    assert find_range(header, 10) is None


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0)])
def test_a_range_behind_the_end_is_refused(header: str, size: int) -> None:
    with pytest.raises(RangeNotSatisfiable) as caught:
        find_range(header, size)
    assert caught.value.status == 416
    assert caught.value.headers == {"Content-Range": f"bytes */{size}"}


@given(header=st.text(max_size=40) | st.from_regex(r"bytes=\d{0,30}-\d{0,30}"), size=st.integers(0))
@UNHURRIED
def test_a_range_always_lies_inside(header: str, size: int) -> None:
    try:
        found = find_range(header, size)
    except RangeNotSatisfiable:
        return
    assert found is None or 0 <= found.start < found.end <= size
