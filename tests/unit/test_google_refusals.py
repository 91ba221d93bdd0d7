"""What Google's refusals mean, and how long is waited after them."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import orjson
import pytest

from comfyhoused.adapters.google import errors
from comfyhoused.adapters.google.pauses import Pauses
from comfyhoused.adapters.google.refusals import make_fault, read_retry_after
from comfyhoused.kit.errors import ComfyhouseError, list_error_classes


def write(reason: str, location: str = "") -> bytes:
    one = {"reason": reason, "domain": "global", "message": "words", "location": location}
    return orjson.dumps({"error": {"code": 1, "message": "words", "errors": [one]}})


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, write("rateLimitExceeded"), errors.DriveBusy),
        (429, b"", errors.DriveBusy),
        (403, write("storageQuotaExceeded"), errors.DriveFull),
        (403, b"<html>", errors.DriveForbidden),
        (404, write("notFound"), errors.DriveFileMissing),
        (400, write("invalid", "pageToken"), errors.PageTokenInvalid),
        (400, write("invalid", "q"), errors.DriveRefused),
        (410, b"{}", errors.PageTokenInvalid),
        (409, b'{"error": "text"}', errors.DriveIdTaken),
        (502, b"[]", errors.DriveUnreachable),
        (302, b"", errors.DriveRefused),
        (401, write("authError"), errors.DriveSignedOut),
    ],
)
def test_the_reason_says_what_happened(status: int, body: bytes, kind: type[Exception]) -> None:
    assert type(make_fault(status, {}, body)) is kind


def test_every_leaf_of_the_tree_is_a_fault_with_a_code() -> None:
    leaves = [
        one for one in list_error_classes(ComfyhouseError) if one.__module__ == errors.__name__
    ]
    assert len(leaves) == 16
    assert all(issubclass(one, errors.DriveFault) for one in leaves)
    drawn = {line.split()[1] for line in (errors.__doc__ or "").splitlines() if "──" in line}
    assert drawn == {one.__name__ for one in leaves}


def test_only_what_passes_by_itself_is_retryable() -> None:
    retryable = {
        one.__name__
        for one in list_error_classes(ComfyhouseError)
        if one.__module__ == errors.__name__ and one.retryable
    }
    assert retryable == {"DriveBusy", "DriveUnreachable"}


def test_retry_after_is_seconds_or_a_date() -> None:
    assert read_retry_after("12") == 12
    assert read_retry_after(None) is None
    assert read_retry_after("soon") is None
    later = datetime.now(UTC) + timedelta(seconds=90)
    found = read_retry_after(format_datetime(later, usegmt=True))
    assert found is not None
    assert 60 < found <= 90
    assert read_retry_after("Thu, 01 Jan 1970 00:00:00 GMT") == 0


def test_pauses_double_with_jitter_and_end() -> None:
    pauses = Pauses(tries=6, first_seconds=1, longest_seconds=8)
    found = [pauses.find_pause(failures, None) for failures in range(1, 7)]
    assert found[-1] is None
    for pause, longest in zip(found[:-1], (1, 2, 4, 8, 8), strict=True):
        assert pause is not None
        assert longest / 2 <= pause <= longest
    assert len({pauses.find_pause(1, None) for _ in range(9)}) > 1


def test_what_google_asks_for_is_kept_or_left_to_others() -> None:
    pauses = Pauses(longest_seconds=8)
    asked = pauses.find_pause(1, 7)
    assert asked is not None
    assert asked >= 7
    assert pauses.find_pause(1, 9) is None
