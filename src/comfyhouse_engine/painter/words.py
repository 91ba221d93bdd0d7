"""Reading a prompt: which places, things, hours, weathers, styles and colours it names."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from zlib import crc32

from comfyhouse_engine.painter.canvas import Colour
from comfyhouse_engine.painter.palette import NAMED

_LONGEST_PHRASE = 5
_TOKEN = re.compile(r"[^\W_]+(?:[-'&][^\W_]+)*|[,.;:!?|\n]")
_WEIGHT = re.compile(r":\s*[\d.]+\s*(?=[)\]])|<[^<>]*>")
_COUNTS = {"two": 2, "pair": 2, "both": 2, "three": 3, "several": 4, "four": 4, "many": 5,
           "five": 5, "six": 6, "group": 4, "couple": 2, "row": 4}  # fmt: skip
_BREAKS = set(",.;:!?|\n")
_LINKS = {"and", "with", "on", "in", "at", "over", "under", "of", "by", "near", "behind"}


@dataclass(frozen=True)
class Thing:
    """Something to show: its kind, how many, and the word that named it."""

    kind: str
    count: int
    word: str


@dataclass(frozen=True)
class Scene:
    """What a prompt asks for. Kinds are those of `words.txt`."""

    places: tuple[str, ...] = ()
    things: tuple[Thing, ...] = ()
    hours: tuple[str, ...] = ()
    weather: frozenset[str] = frozenset()
    styles: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()
    moods: frozenset[str] = frozenset()
    colours: Mapping[str, Colour] = field(default_factory=dict)
    """Colour by kind of place, thing or part."""
    tints: tuple[Colour, ...] = ()
    """Colours that belong to nothing in particular."""
    banned: frozenset[str] = frozenset()
    """Kinds that the negative prompt names."""
    code: int = 0
    """A number that stands for the words, order included."""
    words: frozenset[str] = frozenset()

    def has(self, *kinds: str) -> bool:
        """Say whether any of these places is named."""
        return any(kind in self.places for kind in kinds)

    def find_thing(self, *kinds: str) -> Thing | None:
        """Return the first thing of one of these kinds."""
        return next((thing for thing in self.things if thing.kind in kinds), None)


@cache
def _vocabulary() -> dict[str, list[tuple[str, str]]]:
    """Return (sort, kind) pairs by word or phrase."""
    found: dict[str, list[tuple[str, str]]] = {}
    text = files(__package__).joinpath("words.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            head, _, phrases = line.partition(":")
            sort, kind = head.split()
            for phrase in phrases.split(","):
                found.setdefault(phrase.strip(), []).append((sort, kind))
    return found


def _split_hyphens(token: str) -> list[str]:
    """Return `neon-lit` as two words, but `8-bit`, which the vocabulary has, as one."""
    return [token] if token in _vocabulary() else token.replace("'s", "").split("-")


def _singular(word: str) -> Iterator[str]:
    """Yield the forms under which a word may stand in the vocabulary."""
    yield word
    for ending, stem in (("ies", "y"), ("ves", "f"), ("es", ""), ("s", "")):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            yield word[: -len(ending)] + stem


def _look_up(tokens: list[str], start: int) -> tuple[list[tuple[str, str]], int, str]:
    """Return the meanings of the longest phrase at `start`, its length and its text."""
    known = _vocabulary()
    for length in range(min(_LONGEST_PHRASE, len(tokens) - start), 0, -1):
        *head, last = tokens[start : start + length]
        for form in _singular(last):
            phrase = " ".join([*head, form])
            if phrase in known:
                return known[phrase], length, phrase
    return [], 1, tokens[start]


def _is_noun_ahead(tokens: list[str], start: int) -> bool:
    for index in range(start, min(start + 3, len(tokens))):
        if tokens[index] in _BREAKS or tokens[index] in _LINKS - {"and"}:
            return False
        meanings, _, _ = _look_up(tokens, index)
        if any(sort in ("place", "thing", "part") for sort, _ in meanings):
            return True
    return False


class _Reader:
    """Collects what the tokens mean, from left to right."""

    def __init__(self, text: str) -> None:
        plain = unicodedata.normalize("NFKC", text[:20_000]).lower()
        plain = _WEIGHT.sub(" ", plain).replace(" & ", "&").replace("&", " & ")
        found = _TOKEN.findall(plain.replace(" & ", " and "))
        self.tokens = [part for token in found for part in _split_hyphens(token)]
        self.found: dict[str, list[str]] = {}
        self.things: list[Thing] = []
        self.colours: dict[str, Colour] = {}
        self.tints: list[Colour] = []
        self.pending: list[Colour] = []
        self.count = 1

    def read(self) -> None:
        position = 0
        while position < len(self.tokens):
            token = self.tokens[position]
            meanings, length, phrase = _look_up(self.tokens, position)
            if length == 1 and token in NAMED and self._is_colour(token, position):
                self.pending.append(NAMED[token])
            elif meanings:
                self._take(meanings, phrase, self.tokens[position + length - 1])
            elif token in _BREAKS:
                self._drop_pending()
            elif token in _COUNTS or (token.isdecimal() and len(token) == 1):
                self.count = _COUNTS.get(token) or max(1, int(token))
            position += length
        self._drop_pending()

    def _is_colour(self, token: str, position: int) -> bool:
        ahead = _is_noun_ahead(self.tokens, position + 1)
        return ahead or token not in ("rose", "peach", "lime", "chocolate")

    def _take(self, meanings: list[tuple[str, str]], phrase: str, last: str) -> None:
        for sort, kind in meanings:
            self.found.setdefault(sort, []).append(kind)
            if sort == "thing":
                plural = last.endswith("s") and not phrase.endswith("s")
                count = self.count if self.count > 1 else 3 if plural else 1
                self.things.append(Thing(kind, min(6, count), phrase))
            if sort in ("place", "thing", "part") and self.pending:
                self.colours.setdefault(kind, self.pending[0])
        if any(sort in ("place", "thing", "part") for sort, _ in meanings):
            self.tints.extend(self.pending[1:])
            self.pending, self.count = [], 1

    def _drop_pending(self) -> None:
        self.tints.extend(self.pending)
        self.pending, self.count = [], 1


def read_words(text: str) -> frozenset[str]:
    """Return every kind that a text names, colours included (as `colour:red`)."""
    reader = _Reader(text)
    reader.read()
    kinds = {kind for kinds in reader.found.values() for kind in kinds}
    return frozenset(kinds | {f"colour:{token}" for token in reader.tokens if token in NAMED})


def read_scene(text: str, negative: str) -> Scene:
    """Return what `text` asks for, without what `negative` names."""
    reader = _Reader(text)
    reader.read()
    banned = read_words(negative)
    colours_banned = [NAMED[kind[7:]] for kind in banned if kind.startswith("colour:")]

    def allowed(sort: str) -> list[str]:
        return [kind for kind in reader.found.get(sort, []) if kind not in banned]

    things = {thing.kind: thing for thing in reversed(reader.things)}
    return Scene(
        places=tuple(dict.fromkeys(allowed("place"))),
        things=tuple(things[kind] for kind in dict.fromkeys(allowed("thing"))),
        hours=tuple(allowed("hour")),
        weather=frozenset(allowed("weather")),
        styles=frozenset(allowed("style")),
        parts=frozenset(allowed("part")),
        moods=frozenset(allowed("mood")),
        colours={k: c for k, c in reader.colours.items() if c not in colours_banned},
        tints=tuple(colour for colour in reader.tints if colour not in colours_banned),
        banned=banned,
        code=crc32(" ".join(reader.tokens).encode("utf-8", "replace")),
        words=frozenset(reader.tokens),
    )
