"""Photo edits made of ComfyUI's exact image nodes: no model, the same pixels on every server."""

from collections.abc import Callable
from dataclasses import dataclass

from comfyhoused.core.workflows.graph import Graph, Value
from comfyhoused.core.workflows.parts import make_node

_MEGAPIXEL = 1024 * 1024
#: Photos that stay below this when doubled are doubled; larger ones are brought down to it.
_MOST_MEGAPIXELS = 2.0
_LAMP_BLUE = 0x5A80C8
_PAPER = 0xE8E2D4


@dataclass(frozen=True, slots=True)
class Recipe:
    """A named edit. `does` says in words what its nodes do, in their order.

    `add` gets a graph and the node with the photo, appends its nodes, returns the last one.
    """

    name: str
    title: str
    does: tuple[str, ...]
    add: Callable[[Graph, str], str]


def make_edit(recipe: Recipe, *, file_id: str, width: int, height: int) -> Graph:
    """Return the graph that edits an input file of this size in pixels."""
    graph: Graph = {"photo": make_node("LoadImage", image={"file_id": file_id})}
    last = recipe.add(graph, _add_scaling(graph, width * height / _MEGAPIXEL))
    graph["output"] = make_node("SaveImage", images=[last, 0], filename_prefix="ch")
    return graph


def _add_scaling(graph: Graph, megapixels: float) -> str:
    photo: Value = ["photo", 0]
    if megapixels * 4 <= _MOST_MEGAPIXELS:
        graph["size"] = make_node(
            "ImageScaleBy", image=photo, upscale_method="lanczos", scale_by=2.0
        )
    elif megapixels > _MOST_MEGAPIXELS:
        graph["size"] = make_node(
            "ImageScaleToTotalPixels",
            image=photo,
            upscale_method="lanczos",
            megapixels=_MOST_MEGAPIXELS,
        )
    else:
        return "photo"
    return "size"


def _add_sharpening(graph: Graph, photo: str) -> str:
    graph["sharpen"] = make_node(
        "ImageSharpen", image=[photo, 0], sharpen_radius=2, sigma=0.6, alpha=0.12
    )
    return "sharpen"


def _add_blend(graph: Graph, name: str, below: str, above: str, mode: str, share: float) -> str:
    graph[name] = make_node(
        "ImageBlend", image1=[below, 0], image2=[above, 0], blend_mode=mode, blend_factor=share
    )
    return name


def _add_colour(graph: Graph, name: str, colour: int) -> str:
    graph[name] = make_node("EmptyImage", width=64, height=64, batch_size=1, color=colour)
    return name


def _add_daylight(graph: Graph, photo: str) -> str:
    sharp = _add_sharpening(graph, photo)
    light = _add_blend(graph, "open", sharp, sharp, "screen", 0.5)
    blue = _add_colour(graph, "blue", _LAMP_BLUE)
    white = _add_blend(graph, "white", light, blue, "soft_light", 0.75)
    return _add_blend(graph, "contrast", white, white, "soft_light", 0.3)


def _add_glow(graph: Graph, photo: str) -> str:
    sharp = _add_sharpening(graph, photo)
    graph["blur"] = make_node("ImageBlur", image=[sharp, 0], blur_radius=31, sigma=1.0)
    glow = _add_blend(graph, "glow", sharp, "blur", "screen", 0.42)
    return _add_blend(graph, "contrast", glow, glow, "soft_light", 0.55)


def _add_silver(graph: Graph, photo: str) -> str:
    sharp = _add_sharpening(graph, photo)
    graph["grey"] = make_node("ImageRGBToYUV", image=[sharp, 0])
    light = _add_blend(graph, "open", "grey", "grey", "screen", 0.3)
    deep = _add_blend(graph, "contrast", light, light, "soft_light", 0.6)
    paper = _add_colour(graph, "paper", _PAPER)
    return _add_blend(graph, "tone", deep, paper, "multiply", 0.6)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "daylight",
            "Daylight",
            ("Sharpened", "Shadows opened", "Yellow lamp light taken out", "Contrast set"),
            _add_daylight,
        ),
        Recipe(
            "glow",
            "Glow",
            ("Sharpened", "Soft light laid over", "Contrast set"),
            _add_glow,
        ),
        Recipe(
            "silver",
            "Silver",
            ("Sharpened", "Turned to grey tones", "Contrast set", "Toned like warm paper"),
            _add_silver,
        ),
    )
}
