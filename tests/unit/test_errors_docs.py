"""docs/errors.md says what the tree of errors says; codes are unique and described."""

import re
from collections import Counter

from comfyhoused.kit import errors
from tools import reference

_CODE = re.compile(r"[a-z][a-z0-9_]*")


def test_the_page_is_up_to_date() -> None:
    page = reference.ERRORS_PAGE.read_text()
    assert page == reference.replace_block(page, reference.write_errors_block()), "make docs"


def test_no_two_errors_share_a_code() -> None:
    codes = Counter(error.code for error in reference.list_documented_errors())
    assert [code for code, count in codes.items() if count > 1] == []


def test_every_error_is_complete() -> None:
    for error in reference.list_documented_errors():
        assert _CODE.fullmatch(error.code), error
        assert error.title, error
        assert 400 <= error.status < 600, error
        assert reference.describe_error(error), f"{error}: say when, in its docstring"


def test_the_drawn_tree_is_the_tree() -> None:
    children = errors.ComfyhouseError.__subclasses__()
    drawn = reference.read_tree()
    for name, (status, _note) in drawn.items():
        assert getattr(errors, name).status == int(status), name
    ours = {child.__name__ for child in children if child.__module__ == errors.__name__}
    assert ours <= set(drawn)
