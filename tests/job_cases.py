"""Jobs that tests submit."""

from typing import Any


def make_blank_graph(width: int = 64, height: int = 64, color: int = 0) -> dict[str, Any]:
    """Return the shortest graph there is: a plain picture, saved."""
    blank = {"width": width, "height": height, "batch_size": 1, "color": color}
    return {
        "1": {"class_type": "EmptyImage", "inputs": blank},
        "2": {
            "class_type": "SaveImage",
            "inputs": {"images": ["1", 0], "filename_prefix": "picture"},
        },
    }


def make_invert_graph(file_id: str) -> dict[str, Any]:
    """Return a graph that inverts a file of the owner's."""
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": {"file_id": file_id}}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {
            "class_type": "SaveImage",
            "inputs": {"images": ["2", 0], "filename_prefix": "picture"},
        },
    }


def make_generate(prompt: str = "a red boat", **more: Any) -> dict[str, Any]:
    """Return the body of a picture that is painted at once."""
    return {"prompt": prompt, "width": 64, "height": 64, "steps": 1, **more}
