"""The frames of one run, in the recorded order, and the messages that end up in its history."""

import io
import json
import struct
import time
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageOps

from comfyhouse_engine.context import Preview
from comfyhouse_engine.server.hub import (
    PREVIEW_IMAGE,
    PREVIEW_IMAGE_WITH_METADATA,
    TEXT,
    Hub,
)

JPEG, PNG = 1, 2
_PREVIEW_PIXELS = 512
_MEDIA_TYPES = {JPEG: "image/jpeg", PNG: "image/png"}


@dataclass
class _Progress:
    value: float = 0
    max: float = 1
    state: str = "pending"


class RunFrames:
    """Sends what one prompt's client may see; called from the executor thread.

    A prompt without client id sends only progress, previews and interruptions, to everybody
    (ws/n1, ws/e6).
    """

    def __init__(self, hub: Hub, prompt_id: str, client_id: Any, *, with_previews: bool) -> None:
        self._hub = hub
        self._prompt_id = prompt_id
        self._client_id = client_id
        self._with_previews = with_previews
        self._progress: dict[str, _Progress] = {}
        self.messages: list[tuple[str, dict[str, Any]]] = []
        """(type, data) of all messages so far, for the history."""

    def tell(self, kind: str, data: dict[str, Any], *, to_all: bool = False) -> None:
        """Send a message that the history keeps; `to_all` also without a client id."""
        stamped = {**data, "timestamp": int(time.time() * 1000)}
        self.messages.append((kind, stamped))
        if self._client_id is not None or to_all:
            self._hub.send(kind, stamped, self._client_id)

    def start_node(self, node_id: str) -> None:
        """Send that a node is about to run."""
        self._progress[node_id] = _Progress(0.0, 1.0, "running")
        self._send_progress()

    def tell_executing(self, node_id: str) -> None:
        """Send that a node has its inputs and runs now."""
        self._hub.last_node_id = node_id
        if self._client_id is not None:
            data = {"node": node_id, "display_node": node_id, "prompt_id": self._prompt_id}
            self._hub.send("executing", data, self._client_id)

    def finish_node(self, node_id: str) -> None:
        """Send that a node is done."""
        progress = self._progress.setdefault(node_id, _Progress())
        progress.value, progress.state = progress.max, "finished"
        self._send_progress()

    def show_output(self, node_id: str, output: dict[str, Any] | None) -> None:
        """Send a node's part of the outputs."""
        if self._client_id is not None:
            data = {
                "node": node_id,
                "display_node": node_id,
                "output": output,
                "prompt_id": self._prompt_id,
            }
            self._hub.send("executed", data, self._client_id)

    def report_steps(self, node_id: str, value: int, total: int, preview: Preview | None) -> None:
        """Send a step of a node; the preview goes before or after, as the client's format wants."""
        self._progress[node_id] = _Progress(value, total, "running")
        self._send_progress()
        image = self._encode(preview) if preview is not None and self._wants_previews() else None
        has_metadata = self._takes_metadata()
        if image is not None and has_metadata:
            self._send_with_metadata(node_id, image, JPEG)
        data = {"value": value, "max": total, "prompt_id": self._prompt_id, "node": node_id}
        self._hub.send("progress", data, self._client_id)
        if image is not None and not has_metadata:
            self._send_plain(image, JPEG)

    def send_image(self, node_id: str, data: bytes, kind: int) -> None:
        """Send a whole picture (SaveImageWebsocket); kind is JPEG or PNG."""
        if self._takes_metadata():
            self._send_with_metadata(node_id, data, kind)
        else:
            self._send_plain(data, kind)

    def send_text(self, node_id: str, text: str) -> None:
        """Send a node's progress text."""
        raw = node_id.encode()
        self._hub.send(TEXT, struct.pack(">I", len(raw)) + raw + text.encode(), self._client_id)

    def end(self) -> None:
        """Note that no node runs any more."""
        self._hub.last_node_id = None

    def tell_idle(self) -> None:
        """Send the very last frame of a run, after its history entry is there."""
        if self._client_id is not None:
            data = {"node": None, "prompt_id": self._prompt_id}
            self._hub.send("executing", data, self._client_id)

    def _wants_previews(self) -> bool:
        return self._with_previews and self._hub.has_listener(self._client_id)

    def _takes_metadata(self) -> bool:
        return self._hub.supports(self._client_id, "supports_preview_metadata")

    def _encode(self, preview: Preview) -> bytes:
        """Return a JPEG that fills 512 x 512 on its longer side, also for small pictures."""
        picture = Image.fromarray(preview)
        fitted = ImageOps.contain(
            picture, (_PREVIEW_PIXELS, _PREVIEW_PIXELS), Image.Resampling.BILINEAR
        )
        buffer = io.BytesIO()
        fitted.save(buffer, format="JPEG", quality=90)
        return buffer.getvalue()

    def _send_plain(self, image: bytes, kind: int) -> None:
        self._hub.send(PREVIEW_IMAGE, struct.pack(">I", kind) + image, self._client_id)

    def _send_with_metadata(self, node_id: str, image: bytes, kind: int) -> None:
        metadata = json.dumps(
            {
                "node_id": node_id,
                "prompt_id": self._prompt_id,
                "display_node_id": node_id,
                "parent_node_id": None,
                "real_node_id": node_id,
                "image_type": _MEDIA_TYPES[kind],
            }
        ).encode()
        body = struct.pack(">I", len(metadata)) + metadata + image
        self._hub.send(PREVIEW_IMAGE_WITH_METADATA, body, self._client_id)

    def _send_progress(self) -> None:
        # It repeats all nodes so far: nobody builds that for nobody.
        if not self._hub.has_listener(self._client_id):
            return
        nodes = {
            node_id: {
                "value": progress.value,
                "max": progress.max,
                "state": progress.state,
                "node_id": node_id,
                "prompt_id": self._prompt_id,
                "display_node_id": node_id,
                "parent_node_id": None,
                "real_node_id": node_id,
            }
            for node_id, progress in self._progress.items()
        }
        data = {"prompt_id": self._prompt_id, "nodes": nodes}
        self._hub.send("progress_state", data, self._client_id)
