"""Finds faces and their 468 landmarks.

The detector was made for faces near the camera, a fifth of the frame and more; smaller ones are
found by looking at parts of the picture, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from . import nets
from .pictures import Floats, scale_to_fit

_SEEN = 128
_SURE = 0.6
_SHARES = (1.0, 0.6, 0.36, 0.2)
"""How much of the longer side the squares have that are looked at."""

_SMALLEST_PART = 240
"""Faces that only smaller parts would show have too few pixels to be worked on."""
_MARKED = 192
_MARK_MARGIN = 1.5
"""The landmark network wants half a face's size of room around it."""


@dataclass(frozen=True)
class Box:
    """A face as the detector sees it, in pixels; the eyes as the photo's left and right."""

    score: float
    left: float
    top: float
    width: float
    height: float
    first_eye: tuple[float, float]
    second_eye: tuple[float, float]

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the box."""
        return self.left + self.width / 2, self.top + self.height / 2

    def moved(self, left: float, top: float, scale: float) -> Box:
        """Return the box of a part at (left, top) as one of the whole, which is enlarged."""

        def move(point: tuple[float, float]) -> tuple[float, float]:
            return (point[0] + left) * scale, (point[1] + top) * scale

        x, y = move((self.left, self.top))
        size = (self.width * scale, self.height * scale)
        return Box(self.score, x, y, *size, move(self.first_eye), move(self.second_eye))


@dataclass(frozen=True)
class Face:
    """Landmarks [468, 2] in pixels (x, y), and how wide the face is."""

    points: Floats
    width: float

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the landmarks."""
        x, y = (self.points.min(axis=0) + self.points.max(axis=0)) / 2
        return float(x), float(y)


def find_faces(picture: Floats) -> list[Face]:
    """Return the faces in a picture, largest first. Raises WeightsMissing."""
    boxes = drop_doubles(list(_list_boxes(picture)))
    faces = [face for box in boxes if (face := _mark(picture, box)) is not None]
    return sorted(faces, key=lambda face: -face.width)


def _list_boxes(picture: Floats) -> Iterator[Box]:
    """Yield what is found in all of the picture, then in ever smaller parts of it."""
    for share in _SHARES:
        if share < 1 and share * max(picture.shape[:2]) < _SMALLEST_PART:
            return
        small = scale_to_fit(picture, round(_SEEN / share))
        height, width = small.shape[:2]
        scale = picture.shape[1] / width
        for top in _spread(height, _SEEN):
            for left in _spread(width, _SEEN):
                for box in _detect(_cut(small, left, top, _SEEN)):
                    yield box.moved(left, top, scale)


def _cut(picture: Floats, left: int, top: int, side: int) -> Floats:
    """Return a square of the picture, black where it reaches over the edge."""
    square = np.zeros((side, side, 3), np.float32)
    part = picture[max(top, 0) : top + side, max(left, 0) : left + side]
    row, column = max(-top, 0), max(-left, 0)
    square[row : row + part.shape[0], column : column + part.shape[1]] = part
    return square


def _spread(length: int, side: int) -> list[int]:
    """Return where squares begin that cover a length, neighbours overlapping by a third."""
    if length <= side:
        return [(length - side) // 2]
    count = math.ceil((length - side) / (side * 2 / 3)) + 1
    return [round(index * (length - side) / (count - 1)) for index in range(count)]


def drop_doubles(boxes: list[Box]) -> list[Box]:
    """Return the surest of boxes that lie over each other."""
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda one: -one.score):
        if all(measure_overlap(box, other) < 0.3 for other in kept):
            kept.append(box)
    return kept


def measure_overlap(one: Box, other: Box) -> float:
    """Return the shared area as a share of the smaller box."""
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / min(one.width * one.height, other.width * other.height)


def _detect(square: Floats) -> Iterator[Box]:
    scores, answers = nets.run(
        "face_detection_short_range.tflite",
        np.asarray(square * 2 - 1, np.float32),
        ("classificators", "regressors"),
    )
    chances = 1 / (1 + np.exp(-np.clip(scores.reshape(-1), -80, 80)))
    values = answers.reshape(-1, 16)
    for index in np.flatnonzero(chances > _SURE):
        yield _make_box(float(chances[index]), values[index], _make_anchors()[index] * _SEEN)


def _make_box(score: float, values: Floats, anchor: Floats) -> Box:
    x, y, width, height, first_x, first_y, second_x, second_y = (float(one) for one in values[:8])
    from_x, from_y = float(anchor[0]), float(anchor[1])
    return Box(
        score=score,
        left=from_x + x - width / 2,
        top=from_y + y - height / 2,
        width=width,
        height=height,
        first_eye=(from_x + first_x, from_y + first_y),
        second_eye=(from_x + second_x, from_y + second_y),
    )


@cache
def _make_anchors() -> Floats:
    """Return [896, 2]: the places that the detector's answers are relative to, in 0..1.

    Source: MediaPipe's ssd_anchors_calculator for the short-range model (strides 8, 16, 16, 16).
    """
    anchors = [
        ((column + 0.5) / cells, (row + 0.5) / cells)
        for cells, each in ((16, 2), (8, 6))
        for row in range(cells)
        for column in range(cells)
        for _ in range(each)
    ]
    return np.array(anchors, np.float32)


def _mark(picture: Floats, box: Box) -> Face | None:
    """Return the landmarks of a face, or None where the second look finds none."""
    (x1, y1), (x2, y2) = box.first_eye, box.second_eye
    side = max(box.width, box.height) * _MARK_MARGIN
    x, y = box.centre
    # Twice as large as it will be seen, upright and shrunk by area; then turned.
    reach = max(1, round(side * 0.75))
    left, top = round(x) - reach, round(y) - reach
    square = scale_to_fit(_cut(picture, left, top, 2 * reach), 3 * _MARKED)
    scale = square.shape[0] / (2 * reach)
    turn = _turn((x - left) * scale, (y - top) * scale, math.atan2(y2 - y1, x2 - x1), side * scale)
    seen = cv2.warpAffine(square, turn, (_MARKED, _MARKED), flags=cv2.INTER_LINEAR)
    chance, marks = nets.run(
        "face_landmark.tflite", np.asarray(seen, np.float32), ("conv2d_31", "conv2d_21")
    )
    if 1 / (1 + math.exp(-float(chance.reshape(-1)[0]))) < 0.5:
        return None
    back = np.asarray(cv2.invertAffineTransform(turn), np.float32)
    places = marks.reshape(-1, 3)[:, :2] @ back[:, :2].T + back[:, 2]
    points = np.asarray(places / scale + np.array([left, top], np.float32), np.float32)
    return Face(points, float(np.hypot(*(points[234] - points[454]))))


def _turn(x: float, y: float, angle: float, side: float) -> Floats:
    """Return the transform that sets a turned square upright, at the size of the network."""
    scale, half = _MARKED / side, _MARKED / 2
    cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
    return np.array(
        [[cos, sin, half - cos * x - sin * y], [-sin, cos, half + sin * x - cos * y]], np.float32
    )
