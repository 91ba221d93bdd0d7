"""The presets' sample pictures, given to anybody."""

from typing import Literal

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from comfyhoused.core.files.content_types import make_safe_type
from comfyhoused.creator.screens.pictures_out import PictureGone
from comfyhoused.creator.visitors import House

router = APIRouter(prefix="/creator", include_in_schema=False)

_HEADERS = {
    "Cache-Control": "public, max-age=86400",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


@router.get("/samples/{preset}/{version}/{number}/{side}")
async def give_sample(
    house: House, preset: str, version: str, number: int, side: Literal["before", "after"]
) -> Response:
    """Give a sample of a preset; the version is there so that browsers fetch changed ones anew."""
    samples = house.presets.get(preset).samples
    if not 0 <= number < len(samples):
        raise PictureGone("The preset may have been changed.")
    path = samples[number].before if side == "before" else samples[number].after
    return FileResponse(path, media_type=make_safe_type("", path.name), headers=_HEADERS)
