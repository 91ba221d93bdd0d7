"""The files of the look, served under an address that holds a digest of them all.

`/static/{version}/base.css` may be kept for ever: with any change the version changes, and
the relative addresses inside the style sheets (fonts) change with it.
"""

from pathlib import Path

from blake3 import blake3
from starlette.responses import Response

from comfyhoused.kit.errors import NotFound

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
_FOR_EVER = "public, max-age=31536000, immutable"


class AssetUnknown(NotFound):
    """No file of the look has this name."""

    code = "asset_unknown"
    title = "There is no such file of the page"


class Assets:
    """The files of a folder, by name. They are few and small and stay in memory."""

    def __init__(self, folder: Path) -> None:
        paths = sorted(path for path in folder.rglob("*") if path.suffix in _TYPES)
        self._files = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
        digest = blake3()
        for name, content in self._files.items():
            digest.update(name.encode() + b"\0" + blake3(content).digest())
        self.version = digest.hexdigest()[:16]

    def get_url(self, name: str) -> str:
        """Return the address of a file; raises AssetUnknown, so that a typing error shows."""
        if name not in self._files:
            raise AssetUnknown(f"No file {name!r}.")
        return f"/static/{self.version}/{name}"

    def get_response(self, version: str, name: str) -> Response:
        """Return a file. One that was asked for under an old version may not be kept."""
        content = self._files.get(name)
        if content is None:
            raise AssetUnknown("The page may be of an older version. Load it again.")
        headers = {
            "Cache-Control": _FOR_EVER if version == self.version else "no-cache",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(content, media_type=_TYPES[Path(name).suffix], headers=headers)


ASSETS = Assets(Path(__file__).parent / "static")
