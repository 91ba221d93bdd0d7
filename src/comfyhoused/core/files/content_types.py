"""The kinds of content we hand out. None of them can run anything in a browser."""

OPAQUE = "application/octet-stream"

#: Content type and the ending of file names. HTML, SVG, XML and scripts are absent on purpose.
EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/tiff": "tif",
    "image/avif": "avif",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "audio/flac": "flac",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "model/gltf-binary": "glb",
    "text/plain": "txt",
    "application/json": "json",
    OPAQUE: "bin",
}


def make_safe_type(declared_type: str) -> str:
    """Return the declared type without parameters if it is in the list, else OPAQUE."""
    kind = declared_type.partition(";")[0].strip().lower()
    return kind if kind in EXTENSIONS else OPAQUE


def is_shown_inline(content_type: str) -> bool:
    """Tell whether a browser may show it in place; everything else is downloaded."""
    return content_type.startswith(("image/", "video/", "audio/"))
