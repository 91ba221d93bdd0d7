"""Reading and writing video files with the codecs OpenCV carries: MPEG-4 part 2 and VP9.

There is no H.264 encoder under a licence we could ship, so an .mp4 from the engine holds MPEG-4
part 2. Sound is neither read nor written.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from comfyhouse_engine.nodes.tensors import (
    Bytes,
    Floats,
    bytes_from_floats,
    check_allocation,
    floats_from_bytes,
)


class UnreadableVideo(Exception):
    """The file holds no video that can be decoded."""


class NoSuchEncoder(Exception):
    """This build of OpenCV cannot write the wanted codec."""


@dataclass(frozen=True)
class Video:
    """What runs along a VIDEO link: frames [count, height, width, 3] and frames per second."""

    frames: Floats
    fps: float


def write_video(video: Video, path: Path, four_letters: str) -> None:
    """Write `path`; the container follows from its suffix. Raises NoSuchEncoder."""
    height, width = video.frames.shape[1:3]
    code = cv2.VideoWriter.fourcc(*four_letters)
    writer = cv2.VideoWriter(str(path), code, video.fps, (width, height))
    if not writer.isOpened():
        raise NoSuchEncoder(f"no encoder for {four_letters} in {path.suffix} files")
    try:
        for frame in video.frames:
            writer.write(np.ascontiguousarray(bytes_from_floats(frame)[..., 2::-1]))
    finally:
        writer.release()


def read_video(path: Path) -> Video:
    """Return all frames of `path`. Raises UnreadableVideo, RuntimeError when memory is short."""
    reader = cv2.VideoCapture(str(path))
    frames: list[Bytes] = []
    try:
        fps = reader.get(cv2.CAP_PROP_FPS)
        while True:
            has_frame, frame = reader.read()
            if not has_frame:
                break
            check_allocation(len(frames) + 1, *frame.shape)
            frames.append(np.asarray(frame[..., ::-1], np.uint8))
    finally:
        reader.release()
    if not frames:
        raise UnreadableVideo(f"No video stream found in file '{path.name}'")
    return Video(floats_from_bytes(np.stack(frames)), float(fps))
