"""Nodes for short silent videos."""

from typing import Any, ClassVar

from comfyhouse_engine.nodes.inputs import number, schema_choice
from comfyhouse_engine.nodes.places import (
    get_folders,
    has_file,
    hash_file,
    list_input_files,
    locate_file,
)
from comfyhouse_engine.nodes.save import HIDDEN
from comfyhouse_engine.nodes.save_path import plan_save
from comfyhouse_engine.nodes.tensors import Floats, Inputs
from comfyhouse_engine.nodes.video_file import Video, read_video, write_video

_MODULE = "comfy_extras.nodes_video"


class CreateVideo:
    """Makes a video of a batch; sound is ignored."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES = ("VIDEO",)
    FUNCTION = "execute"
    CATEGORY = "image/video"
    DESCRIPTION = "Create a video from images."
    IS_SCHEMA_NODE: ClassVar[bool] = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "images": ("IMAGE", {"tooltip": "The images to create a video from."}),
                "fps": number(30.0, 1.0, 120.0, 1.0),
            },
            "optional": {"audio": ("AUDIO", {"tooltip": "The audio to add to the video."})},
        }

    def execute(self, images: Floats, fps: float, audio: Any = None) -> tuple[Video]:
        return (Video(images[..., :3], float(fps)),)


class SaveVideo:
    """Writes a video as .mp4."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES: tuple[str, ...] = ()
    FUNCTION = "execute"
    OUTPUT_NODE = True
    CATEGORY = "image/video"
    DESCRIPTION = "Saves the input images to your ComfyUI output directory."
    IS_SCHEMA_NODE: ClassVar[bool] = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        prefix = {
            "tooltip": "The prefix for the file to save. This may include formatting information "
            "such as %date:yyyy-MM-dd% or %Empty Latent Image.width% to include values from nodes.",
            "default": "video/ComfyUI",
            "multiline": False,
        }
        formats = {"tooltip": "The format to save the video as.", "default": "auto"}
        codecs = {"tooltip": "The codec to use for the video.", "default": "auto"}
        return {
            "required": {
                "video": ("VIDEO", {"tooltip": "The video to save."}),
                "filename_prefix": ("STRING", prefix),
                "format": schema_choice("auto", "mp4", **formats),
                "codec": schema_choice("auto", "h264", **codecs),
            },
            "hidden": dict(HIDDEN),
        }

    def execute(
        self,
        video: Video,
        filename_prefix: str,
        format: str,  # noqa: A002 the input's name is ComfyUI's
        codec: str,
        prompt: Any = None,
        extra_pnginfo: Any = None,
    ) -> dict[str, Any]:
        return _save(video, filename_prefix, "mp4", "mp4v")


class SaveWEBM:
    """Writes a batch as .webm; `crf` is accepted, the encoder chooses the quality itself."""

    RELATIVE_PYTHON_MODULE = _MODULE
    CODES: ClassVar[dict[str, str]] = {"vp9": "VP90", "av1": "AV01"}
    RETURN_TYPES: tuple[str, ...] = ()
    FUNCTION = "execute"
    OUTPUT_NODE = True
    CATEGORY = "image/video"
    EXPERIMENTAL = True
    IS_SCHEMA_NODE: ClassVar[bool] = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        crf = {
            "tooltip": "Higher crf means lower quality with a smaller file size, lower crf means "
            "higher quality higher filesize.",
        }
        return {
            "required": {
                "images": ("IMAGE", {}),
                "filename_prefix": ("STRING", {"default": "ComfyUI", "multiline": False}),
                "codec": schema_choice(*cls.CODES),
                "fps": number(24.0, 0.01, 1000.0, 0.01),
                "crf": number(32.0, 0, 63.0, 1, **crf),
            },
            "hidden": dict(HIDDEN),
        }

    def execute(
        self,
        images: Floats,
        filename_prefix: str,
        codec: str,
        fps: float,
        crf: float,
        prompt: Any = None,
        extra_pnginfo: Any = None,
    ) -> dict[str, Any]:
        video = Video(images[..., :3], float(fps))
        return _save(video, filename_prefix, "webm", self.CODES[codec])


class LoadVideo:
    """Reads a video from the input folder."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES = ("VIDEO",)
    FUNCTION = "execute"
    CATEGORY = "image/video"
    IS_SCHEMA_NODE: ClassVar[bool] = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        files = schema_choice(*list_input_files("video"), video_upload=True)
        return {"required": {"file": files}}

    @classmethod
    def IS_CHANGED(cls, file: str) -> str:
        return hash_file(file)

    @classmethod
    def VALIDATE_INPUTS(cls, file: str) -> bool | str:
        return has_file(file) or f"Invalid video file: {file}"

    def execute(self, file: str) -> tuple[Video]:
        return (read_video(locate_file(file)),)


class GetVideoComponents:
    """Gives frames and frame rate; there is never any sound."""

    RELATIVE_PYTHON_MODULE = _MODULE
    RETURN_TYPES = ("IMAGE", "AUDIO", "FLOAT")
    RETURN_NAMES = ("images", "audio", "fps")
    FUNCTION = "execute"
    CATEGORY = "image/video"
    DESCRIPTION = "Extracts all components from a video: frames, audio, and framerate."
    IS_SCHEMA_NODE: ClassVar[bool] = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        tooltip = {"tooltip": "The video to extract components from."}
        return {"required": {"video": ("VIDEO", tooltip)}}

    def execute(self, video: Video) -> tuple[Floats, None, float]:
        return video.frames, None, video.fps


def _save(video: Video, prefix: str, extension: str, four_letters: str) -> dict[str, Any]:
    height, width = video.frames.shape[1:3]
    plan = plan_save(prefix, get_folders().output, width, height)
    name = plan.file_name(extension)
    write_video(video, plan.folder / name, four_letters)
    return {"ui": {"images": [plan.entry(name, "output")], "animated": (True,)}}


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "CreateVideo": CreateVideo,
    "SaveVideo": SaveVideo,
    "SaveWEBM": SaveWEBM,
    "LoadVideo": LoadVideo,
    "GetVideoComponents": GetVideoComponents,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "CreateVideo": "Create Video",
    "SaveVideo": "Save Video",
    "LoadVideo": "Load Video",
    "GetVideoComponents": "Get Video Components",
}
