"""Drive's search language, as far as it matters here: a text becomes a test of a file.

'FOLDER' in parents and trashed = false and (mimeType contains 'image/' or name = 'it\\'s')
"""

import re
from collections.abc import Callable
from datetime import datetime

from comfyhouse_demo.google.failures import make_invalid
from comfyhouse_demo.google.files import File

Test = Callable[[File], bool]

_TOKEN = re.compile(r"\s*('(?:[^'\\]|\\.)*'|!=|<=|>=|[=<>(){}]|[A-Za-z][A-Za-z0-9.]*)")


class _Reader:
    """A recursive descent over the tokens; `root` stands for the user's top folder."""

    def __init__(self, text: str, root: str, client: str) -> None:
        self._tokens = _split(text)
        self._at = 0
        self._root = root
        self._client = client

    def read(self) -> Test:
        test = self._read_or()
        if self._at != len(self._tokens):
            raise make_invalid("q")
        return test

    def _read_or(self) -> Test:
        left = self._read_and()
        while self._take_if("or"):
            left = _either(left, self._read_and())
        return left

    def _read_and(self) -> Test:
        left = self._read_not()
        while self._take_if("and"):
            left = _both(left, self._read_not())
        return left

    def _read_not(self) -> Test:
        if self._take_if("not"):
            inner = self._read_not()
            return lambda file: not inner(file)
        if self._take_if("("):
            inner = self._read_or()
            self._expect(")")
            return inner
        return self._read_term()

    def _read_term(self) -> Test:
        first = self._take()
        if first.startswith("'"):
            self._expect("in")
            self._expect("parents")
            folder = self._root if _unquote(first) == "root" else _unquote(first)
            return lambda file: file.parent == folder
        operator = self._take()
        if operator == "has":
            return self._read_property(first)
        return _make_comparison(first, operator, self._take())

    def _read_property(self, field: str) -> Test:
        if field != "appProperties":
            raise make_invalid("q")
        for word in ("{", "key", "="):
            self._expect(word)
        key = _unquote(self._take())
        for word in ("and", "value", "="):
            self._expect(word)
        value = _unquote(self._take())
        self._expect("}")
        client = self._client
        return lambda file: file.app_properties.get(client, {}).get(key) == value

    def _take(self) -> str:
        if self._at == len(self._tokens):
            raise make_invalid("q")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take_if(self, word: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at] == word
        self._at += found
        return found

    def _expect(self, word: str) -> None:
        if self._take() != word:
            raise make_invalid("q")


def read_query(text: str, root: str, client: str) -> Test:
    """Return the test that the text describes; raises Refusal where it makes no sense."""
    return _Reader(text, root, client).read() if text.strip() else lambda _: True


def _make_comparison(field: str, operator: str, value: str) -> Test:
    if field == "trashed":
        if operator not in ("=", "!=") or value not in ("true", "false"):
            raise make_invalid("q")
        wanted = (value == "true") == (operator == "=")
        return lambda file: file.is_trashed == wanted
    if field == "modifiedTime":
        return _compare_times(operator, _unquote(value))
    if field not in ("name", "mimeType"):
        raise make_invalid("q")
    return _compare_texts(field, operator, _unquote(value))


def _compare_texts(field: str, operator: str, wanted: str) -> Test:
    def read(file: File) -> str:
        return file.name if field == "name" else file.mime

    if operator == "=":
        return lambda file: read(file) == wanted
    if operator == "!=":
        return lambda file: read(file) != wanted
    if operator == "contains":
        # Of names only the beginnings of words are found, as with the real one.
        if field == "name":
            words = re.compile(rf"\b{re.escape(wanted)}", re.IGNORECASE)
            return lambda file: words.search(file.name) is not None
        return lambda file: file.mime.startswith(wanted)
    raise make_invalid("q")


def _compare_times(operator: str, value: str) -> Test:
    try:
        moment = datetime.fromisoformat(value).timestamp()
    except ValueError as error:
        raise make_invalid("q") from error
    tests: dict[str, Test] = {
        ">": lambda file: file.modified > moment,
        ">=": lambda file: file.modified >= moment,
        "<": lambda file: file.modified < moment,
        "<=": lambda file: file.modified <= moment,
    }
    if operator not in tests:
        raise make_invalid("q")
    return tests[operator]


def _both(left: Test, right: Test) -> Test:
    return lambda file: left(file) and right(file)


def _either(left: Test, right: Test) -> Test:
    return lambda file: left(file) or right(file)


def _split(text: str) -> list[str]:
    tokens, at = [], 0
    stripped = text.rstrip()
    while at < len(stripped):
        found = _TOKEN.match(stripped, at)
        if found is None:
            raise make_invalid("q")
        tokens.append(found[1])
        at = found.end()
    return tokens


def _unquote(token: str) -> str:
    if not token.startswith("'"):
        raise make_invalid("q")
    return re.sub(r"\\(.)", r"\1", token[1:-1])
