"""Small node classes and graphs for the engine's unit tests."""

from typing import Any


class Source:
    """A node with one constant of each kind and no link."""

    RETURN_TYPES = ("NUMBER", "IMAGE")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        return {
            "required": {"n": ("INT", {"min": 0, "max": 9})},
            "optional": {
                "f": ("FLOAT", {}),
                "s": ("STRING",),
                "b": ("BOOLEAN", {}),
                "c": (["a", "b"],),
                "d": ("COMBO", {"options": ["x", "y"]}),
            },
        }


class Middle:
    """A node that takes a link."""

    RETURN_TYPES = ("NUMBER",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        return {"required": {"value": ("NUMBER,IMAGE", {})}, "hidden": {"me": "UNIQUE_ID"}}


class Sink:
    """An output node."""

    RETURN_TYPES = ()
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        return {"required": {"value": ("*", {})}}


class Picky(Source):
    """A node that checks `n` itself."""

    @classmethod
    def VALIDATE_INPUTS(cls, n: int) -> bool | str:  # noqa: N802
        return n != 7 or "seven"


CLASSES = {"Source": Source, "Middle": Middle, "Sink": Sink, "Picky": Picky}


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}
