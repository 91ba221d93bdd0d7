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
    "video/x-matroska": "mkv",
    "video/quicktime": "mov",
    "audio/flac": "flac",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/opus": "opus",
    "audio/wav": "wav",
    "model/gltf-binary": "glb",
    "text/plain": "txt",
    "application/json": "json",
    OPAQUE: "bin",
}


#: Other names under which servers hand out the same.
_ALIASES = {
    "audio/x-wav": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/mp3": "audio/mpeg",
    "image/jpg": "image/jpeg",
    "video/matroska": "video/x-matroska",
}
_BY_ENDING = {ending: kind for kind, ending in EXTENSIONS.items()} | {"jpeg": "image/jpeg"}


def make_safe_type(declared_type: str, filename: str = "") -> str:
    """Return the declared type without parameters if it is in the list, else OPAQUE.

    A type that says nothing is made up for by the ending of the file's name.
    """
    kind = declared_type.partition(";")[0].strip().lower()
    kind = _ALIASES.get(kind, kind)
    if kind in ("", OPAQUE):
        kind = _BY_ENDING.get(filename.rpartition(".")[2].lower(), OPAQUE)
    return kind if kind in EXTENSIONS else OPAQUE


def is_shown_inline(content_type: str) -> bool:
    """Tell whether a browser may show it in place; everything else is downloaded."""
    return content_type.startswith(("image/", "video/", "audio/"))
