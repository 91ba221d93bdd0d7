"""What a photo says besides its pixels, as it goes from the original to the result."""

from dataclasses import dataclass, replace

from comfyhoused.core.photos.exif import patch_exif
from comfyhoused.core.photos.xmp import patch_xmp


@dataclass(frozen=True, slots=True)
class Metadata:
    """`exif` is a TIFF structure; `native` are parts that only a file of the same kind can hold:

    segments (marker, content) of a JPEG, chunks (name, content) of a PNG. `has_more_pictures`
    tells of a second one behind the first: a gain map, a burst, another view.
    """

    exif: bytes = b""
    xmp: bytes = b""
    native: tuple[tuple[bytes, bytes], ...] = ()
    has_more_pictures: bool = False

    def fit(self, width: int, height: int, *, is_srgb: bool = False) -> "Metadata":
        """Return the same for an upright result of this size."""
        return replace(
            self,
            exif=patch_exif(self.exif, width, height, is_srgb=is_srgb),
            xmp=patch_xmp(self.xmp, width, height),
        )
