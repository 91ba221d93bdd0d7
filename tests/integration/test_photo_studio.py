"""The studio: a stranger's photo can do what it likes, in a process of its own."""

import asyncio
import hashlib
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from comfyhoused.core.photos.errors import (
    PhotoKindUnknown,
    PhotoTooLarge,
    PhotoUnreadable,
    PhotoWorkFailed,
)
from comfyhoused.core.photos.shapes import PreviewWanted
from comfyhoused.core.photos.studio import MB, PhotoStudio, StudioLimits
from tests.photo_files import make_scene, write_photo


def list_children() -> list[psutil.Process]:
    return psutil.Process(os.getpid()).children(recursive=True)


def list_at_work() -> list[psutil.Process]:
    return [one for one in list_children() if "comfyhoused.core.photos.work" in read(one)]


def count_at_work() -> int:
    return len(list_at_work())


def read(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


async def test_a_photo_goes_in_and_comes_out(tmp_path: Path) -> None:
    studio = PhotoStudio()
    original = write_photo(tmp_path / "photo.jpg", "jpeg", Image.fromarray(make_scene()))
    before = hashlib.sha256(original.read_bytes()).digest()
    facts = await studio.inspect(original)
    wanted = [PreviewWanted(tmp_path / "thumb", 20), PreviewWanted(tmp_path / "preview", 50)]
    ready = await studio.prepare(original, tmp_path / "prepared", wanted)
    assert ready.facts == facts
    assert [one.width for one in ready.previews] == [20, 50]
    finished = await studio.finish(original, tmp_path / "prepared", tmp_path / "result", wanted)
    assert (finished.kind, finished.notes) == ("jpeg", ())
    assert finished.size_bytes == (tmp_path / "result").stat().st_size
    assert [one.height for one in finished.previews] == [13, 33]
    assert (await studio.make_preview(original, tmp_path / "small", 10)).width == 10
    assert hashlib.sha256(original.read_bytes()).digest() == before


async def test_what_is_wrong_comes_back_as_what_it_is(tmp_path: Path) -> None:
    studio = PhotoStudio(StudioLimits(max_pixels=1000))
    (tmp_path / "text.jpg").write_text("hello" * 30)
    with pytest.raises(PhotoKindUnknown):
        await studio.inspect(tmp_path / "text.jpg")
    photo = write_photo(tmp_path / "photo.jpg", "jpeg", Image.fromarray(make_scene()))
    with pytest.raises(PhotoTooLarge):
        await studio.inspect(photo)
    (tmp_path / "half.jpg").write_bytes(photo.read_bytes()[:600])
    with pytest.raises(PhotoUnreadable):
        await PhotoStudio().prepare(tmp_path / "half.jpg", tmp_path / "prepared")
    with pytest.raises(PhotoWorkFailed):
        await PhotoStudio().inspect(tmp_path / "gone.jpg")


def make_flat_png(path: Path, side: int) -> Path:
    """Write a PNG of very many pixels in very few bytes."""
    shape = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    packer = zlib.compressobj(9)
    row = bytes(1 + 3 * side)
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    parts = [(b"IHDR", shape), (b"IDAT", pixels), (b"IEND", b"")]
    chunks = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path


async def test_one_that_needs_too_much_memory_is_refused(tmp_path: Path) -> None:
    bomb = make_flat_png(tmp_path / "bomb.png", 6_000)
    studio = PhotoStudio(StudioLimits(memory_bytes=128 * MB))
    with pytest.raises(PhotoTooLarge):
        await studio.prepare(bomb, tmp_path / "prepared")


async def test_one_that_takes_too_long_is_killed_and_nothing_is_left(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)  # opened for reading, it waits for ever
    with pytest.raises(PhotoWorkFailed, match="longer"):
        await PhotoStudio(StudioLimits(timeout_seconds=0.5)).inspect(pipe)
    assert count_at_work() == 0


async def test_whoever_stops_waiting_leaves_no_process(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    asking = asyncio.create_task(PhotoStudio().inspect(pipe))
    async with asyncio.timeout(60):
        while count_at_work() == 0:
            await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert count_at_work() == 0


async def test_few_are_worked_on_at_once_and_the_loop_goes_on(tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "p.jpg", "jpeg", Image.fromarray(make_scene()))
    studio = PhotoStudio(StudioLimits(most_at_once=2))
    tasks = [asyncio.create_task(studio.inspect(photo)) for _ in range(6)]
    most, turns = 0, 0
    while not all(task.done() for task in tasks):
        most = max(most, count_at_work())
        turns += 1
        await asyncio.sleep(0)
    assert [task.result().width for task in tasks] == [96] * 6
    assert most <= 2
    assert turns > 6


async def test_the_process_knows_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CH_SECRET", "do not tell")
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    asking = asyncio.create_task(PhotoStudio().inspect(pipe))
    async with asyncio.timeout(60):
        while not (found := list_at_work()):
            await asyncio.sleep(0.01)
    told = found[0].environ()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert "PATH" in told
    assert "CH_SECRET" not in told


async def test_damage_of_any_kind_ends_in_our_words(tmp_path: Path) -> None:
    """HEIC's decoder is the largest of them, and the one that is likeliest to crash."""
    whole = write_photo(tmp_path / "whole", "heic", Image.fromarray(make_scene())).read_bytes()
    random = np.random.default_rng(3)
    studio = PhotoStudio()
    answers = set()
    for number in range(6):
        content = bytearray(whole)
        for at in random.integers(40, len(content), 20):
            content[at] = random.integers(0, 256)
        path = tmp_path / f"{number}.heic"
        path.write_bytes(content)
        try:
            answers.add((await studio.prepare(path, tmp_path / "prepared")).facts.kind)
        except (PhotoUnreadable, PhotoKindUnknown, PhotoTooLarge, PhotoWorkFailed) as error:
            answers.add(error.code)
    assert answers
