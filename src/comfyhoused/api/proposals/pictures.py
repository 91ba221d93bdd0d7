"""The picture fields of one request: their files, sizes, and who removes them again."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from comfyhoused.api.house import ApiHouse, Principal
from comfyhoused.api.pictures_in import carries_picture, drop_pictures, resolve_pictures
from comfyhoused.core.files.records import File, get_file
from comfyhoused.kit.errors import ComfyhouseError


@dataclass(frozen=True, slots=True)
class Pictures:
    """The files by field name; `carried` came with the request and belong to it."""

    files: Mapping[str, File]
    carried: tuple[str, ...]

    def find_size(self, name: str) -> tuple[int, int] | None:
        """Return width and height of a field's picture as it is shown, if it was sent."""
        file = self.files.get(name)
        if file is None or file.width is None or file.height is None:
            return None
        return file.width, file.height


@asynccontextmanager
async def take_pictures(
    house: ApiHouse, principal: Principal, fields: Mapping[str, str | None]
) -> AsyncIterator[Pictures]:
    """Give the pictures of a request; what came with it goes again if the block raises."""
    texts = {f"/{name}": text for name, text in fields.items() if text is not None}
    ids = await resolve_pictures(house, principal, texts)
    carried = tuple(dict.fromkeys(ids[at] for at in texts if carries_picture(texts[at])))
    try:
        store, owner = house.resources.store, principal.owner
        files = {at[1:]: await get_file(store, owner, file_id) for at, file_id in ids.items()}
        yield Pictures(files, carried)
    except ComfyhouseError:
        await drop_pictures(house, principal, carried)
        raise
