"""Nodes that read pictures from the input and output folders."""

from typing import ClassVar

from comfyhouse_engine.nodes.inputs import choice
from comfyhouse_engine.nodes.picture_file import read_channel, read_picture
from comfyhouse_engine.nodes.places import has_file, hash_file, list_input_files, locate_file
from comfyhouse_engine.nodes.tensors import Floats, Inputs


class LoadImage:
    """Reads a picture and its alpha channel."""

    RETURN_TYPES = ("IMAGE", "MASK")
    FUNCTION = "load_image"
    CATEGORY = "image"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"image": choice(*list_input_files("image"), image_upload=True)}}

    @classmethod
    def IS_CHANGED(cls, image: str) -> str:
        return hash_file(image)

    @classmethod
    def VALIDATE_INPUTS(cls, image: str) -> bool | str:
        return has_file(image) or f"Invalid image file: {image}"

    def load_image(self, image: str) -> tuple[Floats, Floats]:
        return read_picture(locate_file(image))


class LoadImageOutput(LoadImage):
    """Reads a picture that an earlier run saved."""

    DESCRIPTION = (
        "Load an image from the output folder. When the refresh button is clicked, the node will "
        "update the image list and automatically select the first image, allowing for easy "
        "iteration."
    )
    EXPERIMENTAL = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        remote = {
            "route": "/internal/files/output",
            "refresh_button": True,
            "control_after_refresh": "first",
        }
        options = {"image_upload": True, "image_folder": "output", "remote": remote}
        return {"required": {"image": ("COMBO", options)}}


class LoadImageMask:
    """Reads one channel of a picture as a mask."""

    CHANNELS: ClassVar[list[str]] = ["alpha", "red", "green", "blue"]
    RETURN_TYPES = ("MASK",)
    FUNCTION = "load_image"
    CATEGORY = "mask"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        files = choice(*list_input_files(), image_upload=True)
        return {"required": {"image": files, "channel": choice(*cls.CHANNELS)}}

    @classmethod
    def IS_CHANGED(cls, image: str, channel: str) -> str:
        return hash_file(image)

    @classmethod
    def VALIDATE_INPUTS(cls, image: str) -> bool | str:
        return has_file(image) or f"Invalid image file: {image}"

    def load_image(self, image: str, channel: str) -> tuple[Floats]:
        return (read_channel(locate_file(image), channel),)


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "LoadImage": LoadImage,
    "LoadImageOutput": LoadImageOutput,
    "LoadImageMask": LoadImageMask,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "LoadImage": "Load Image",
    "LoadImageOutput": "Load Image (from Outputs)",
    "LoadImageMask": "Load Image (as Mask)",
}
