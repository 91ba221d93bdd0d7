"""Conformance cases: HTTP exchanges and WebSocket transcripts, distilled or straight recorded.

The distilled ones lie beside this file and come with every clone; `distill.py` wrote them from the
recordings, which are read in their place where `../shared/comfyui-recordings` is present.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contract.conformance.frames import describe_frame, without_chance
from tests.contract.conformance.shapes import Shape, shape_of

HERE = Path(__file__).parent
RECORDINGS = HERE.parents[2] / "../shared/comfyui-recordings"
SOURCE = "recordings" if RECORDINGS.is_dir() else "table"
_HISTORY_NAMES = {
    "c-t2i-partially-cached-seed-changed": "success-t2i",
    "b-t2i-fully-cached": "fully-cached",
}
TOLD_HEADERS = ("Content-Disposition", "Etag", "Last-Modified", "Accept-Ranges", "Content-Range")


@dataclass(frozen=True)
class Exchange:
    """One request and what the answer must look like.

    `answer` has: status, media_type, headers (names that must be there), and one of json (a
    shape), text, or image (format, mode, text_keys; None for no picture). `prompt_id` is the id
    that the recorded server chose, which later requests name.
    """

    name: str
    request: dict[str, Any]
    answer: dict[str, Any]


@dataclass(frozen=True)
class Transcript:
    """One prompt and the frames that its socket must see, each as (label, shape).

    `actions` are interrupts by the number of frames after which they were sent: "any" names no
    prompt, "own" this one, "other" an unknown one. Servers can be started without previews.
    `history` is the shape of the entry that the run left, None where it was not recorded.
    """

    name: str
    prompt: dict[str, Any]
    has_client_id: bool
    sends_flags: bool
    has_previews: bool
    actions: dict[int, str]
    frames: list[tuple[str, Shape]]
    history: Shape = None


@dataclass(frozen=True)
class Death:
    """A request that was accepted, what it did to the server, and how its run ended."""

    name: str
    body: dict[str, Any]
    status: int
    process_survives: bool
    worker_survives: bool
    outcome: str | None


def read_exchanges(source: str) -> list[Exchange]:
    """Return the HTTP exchanges of "table" or "recordings", in the order of their names."""
    if source == "table":
        return [Exchange(**entry) for entry in _read_lines("exchanges.jsonl")]
    paths = sorted((RECORDINGS / "http").glob("*.json"))
    found = (_exchange_of(path.stem, json.loads(path.read_text())) for path in paths)
    return [exchange for exchange in found if exchange is not None]


def read_transcripts(source: str) -> list[Transcript]:
    """Return the transcripts of single prompts of "table" or "recordings"."""
    if source == "table":
        return [_transcript_from(entry) for entry in _read_lines("transcripts.jsonl")]
    paths = sorted((RECORDINGS / "ws").glob("*.json"))
    found = (_transcript_of(path.stem, json.loads(path.read_text())) for path in paths)
    return [transcript for transcript in found if transcript is not None]


def read_scenes(source: str) -> dict[str, dict[str, list[str]]]:
    """Return, by scene and socket, the labels of the frames; scenes have several prompts or
    sockets, so that `status` frames and the number of steps are left to chance.
    """
    if source == "table":
        return {entry["name"]: entry["sockets"] for entry in _read_lines("scenes.jsonl")}
    found = {
        path.stem.partition("-")[0]: _sockets_of(json.loads(path.read_text()))
        for path in sorted((RECORDINGS / "ws").glob("*.json"))
    }
    return {name: sockets for name, sockets in found.items() if sockets}


def _sockets_of(recorded: dict[str, Any]) -> dict[str, list[str]]:
    """Return the sockets of a recording that is no transcript of a single prompt."""
    if "prompt" in recorded:
        return {}
    sockets = {"socket": recorded} if "request" in recorded else recorded
    return {
        name: without_chance(
            [describe_frame(frame)[0] for frame in socket["frames"] if _is_frame(frame)]
        )
        for name, socket in sockets.items()
        if isinstance(socket, dict) and "frames" in socket
    }


def _is_frame(frame: dict[str, Any]) -> bool:
    return not {"closed", "marker"} & frame.keys() and frame.get("dir") != "client->server"


def read_deaths(source: str) -> list[Death]:
    """Return the requests that were accepted and what became of the server."""
    if source == "table":
        return [Death(**entry) for entry in _read_lines("deaths.jsonl")]
    recorded = json.loads((RECORDINGS / "restart/worker-death-cases.json").read_text())
    return [
        Death(
            name=case["case"],
            body=case["body"],
            status=case["post"]["status"],
            process_survives=case["process_alive"],
            worker_survives=bool(case.get("next_ordinary_prompt_finishes")),
            outcome=(case.get("its_history") or {}).get("status_str"),
        )
        for case in recorded["cases"]
    ]


def read_classes(source: str) -> dict[str, Shape]:
    """Return the shape of /object_info's entry for every recorded class."""
    if source == "table":
        return {entry["name"]: entry["shape"] for entry in _read_lines("classes.jsonl")}
    recorded = json.loads(
        (RECORDINGS / "object_info/object_info-full-no-api-nodes.json").read_text()
    )
    body = recorded.get("response", {}).get("body", recorded)
    return {name: shape_of(described) for name, described in body.items()}


def _read_lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / name).read_text().splitlines()]


def _exchange_of(name: str, recorded: dict[str, Any]) -> Exchange | None:
    """Return a recorded exchange, None for files that hold an excerpt only."""
    if "response" not in recorded or "request" not in recorded:
        return None
    response = recorded["response"]
    headers = response["headers"]
    answer: dict[str, Any] = {
        "status": response["status"],
        "media_type": headers.get("Content-Type", "").partition(";")[0],
        "headers": [header for header in TOLD_HEADERS if header in headers],
    }
    if "body" in response:
        answer["json"] = shape_of(response["body"])
        if isinstance(response["body"], dict) and "prompt_id" in response["body"]:
            answer["prompt_id"] = response["body"]["prompt_id"]
    elif "body_binary" in response:
        answer["image"] = shape_of_image(response["body_binary"]["image"])
    else:
        answer["text"] = response["body_raw"]
    return Exchange(name, recorded["request"], answer)


def shape_of_image(image: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what must agree of a picture."""
    return image and {
        "format": image["format"],
        "mode": image["mode"],
        "text_keys": sorted(image["text_keys"]),
    }


def _transcript_of(name: str, recorded: dict[str, Any]) -> Transcript | None:
    """Return a recorded transcript, None for those of several prompts or sockets."""
    if "prompt" not in recorded or "frames" not in recorded:
        return None
    frames: list[tuple[str, Shape]] = []
    actions: dict[int, str] = {}
    sends_flags = False
    for frame in recorded["frames"]:
        if frame.get("dir") == "client->server":
            sends_flags = True
        elif "marker" in frame:
            actions[len(frames)] = _action_of(frame["marker"], recorded)
        elif "closed" not in frame:
            frames.append(describe_frame(frame))
    labels = [label for label, _ in frames]
    if "execution_interrupted" in labels and not actions:
        actions[labels.index("execution_interrupted")] = "any"
    return Transcript(
        name=name,
        prompt=recorded["prompt"],
        has_client_id=recorded["client_id"] is not None and "no-client_id" not in name,
        sends_flags=sends_flags,
        has_previews="preview-method-none" not in name,
        actions=actions,
        frames=frames,
        history=_history_of(name),
    )


def _history_of(name: str) -> Shape:
    path = RECORDINGS / "history" / f"history-{_HISTORY_NAMES.get(name, name)}.json"
    if not path.exists():
        return None
    (entry,) = json.loads(path.read_text()).values()
    return shape_of(entry)


def _action_of(marker: str, recorded: dict[str, Any]) -> str:
    if "prompt_id" not in marker:
        return "any"
    return "own" if recorded["post_response"]["prompt_id"] in marker else "other"


def _transcript_from(entry: dict[str, Any]) -> Transcript:
    actions = {int(place): action for place, action in entry["actions"].items()}
    frames = [(label, shape) for label, shape in entry["frames"]]
    return Transcript(**{**entry, "actions": actions, "frames": frames})
