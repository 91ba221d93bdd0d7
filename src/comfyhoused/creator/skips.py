"""Why a file that was seen has no edit: a code that is stored, and words for its owner.

Codes are permanent. Those of `core/photos/errors.py` are among them: the bytes are read only
when an edit is prepared.
"""

from dataclasses import dataclass

from comfyhoused.creator.sources.folder import MARK, SeenFile

#: More than any photo that we could open; what is larger is a film or a mistake.
LARGEST_PHOTO_BYTES = 1_000_000_000


def _read_words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_RAW_ENDINGS = _read_words(
    "3fr arw cr2 cr3 crw dcr dng erf iiq kdc mef mos mrw nef nrw orf pef raf rw2 rwl sr2 "
    "srf srw x3f"
)
_FILM_ENDINGS = _read_words("3gp avi insv m2ts m4v mkv mov mp4 mpeg mpg mts webm wmv")
_OTHER_PICTURE_ENDINGS = _read_words("ai avif bmp eps gif jp2 jxl psb psd pxd svg svgz tga xcf")
_OTHER_ENDINGS = _read_words(
    "7z aac aae aif csv db doc docx exe flac gz html htm ini json key lnk log lrcat "
    "lrdata m4a md mid mp3 numbers odp ods odt ogg pages pdf plist pp3 ppt pptx rar rtf "
    "tar thm txt url wav webloc xls xlsx xml xmp yaml yml zip"
)


@dataclass(frozen=True, slots=True)
class Skip:
    """A reason in words. `next_step` says what its owner can do, '' where nothing is needed.

    `can_retry`: looking at the file again may end otherwise.
    """

    code: str
    title: str
    sentence: str
    next_step: str = ""
    can_retry: bool = False


_SKIPS = (
    Skip(
        "ours",
        "Already edited",
        "We made this picture, so we leave it as it is.",
        "To edit the photo in another way, open it in the gallery and choose “Edit again”.",
    ),
    Skip(
        "not_a_photo",
        "Not a photo",
        "This file is not a picture.",
    ),
    Skip(
        "film",
        "A video",
        "We edit photos, not videos.",
    ),
    Skip(
        "raw_format",
        "A camera's RAW file",
        "We do not read RAW files of cameras: their look depends on the program that develops "
        "them.",
        "Export it as JPEG or 16-bit TIFF and put that into the folder.",
    ),
    Skip(
        "format_not_read",
        "A format we do not read",
        "We read JPEG, PNG, WebP, TIFF and HEIC.",
        "Save the picture in one of these formats.",
    ),
    Skip(
        "photo_kind_unknown",
        "Not a photo that we read",
        "Whatever its name says, the content is no JPEG, PNG, WebP, TIFF or HEIC picture.",
        "Save it again as JPEG, and put that into the folder.",
        can_retry=True,
    ),
    Skip(
        "heic_not_installed",
        "HEIC is not read here",
        "This server was set up without the part that reads HEIC photos.",
        "Have your phone take JPEG (“Most compatible”), or ask who runs this server.",
        can_retry=True,
    ),
    Skip(
        "photo_unreadable",
        "Damaged",
        "The photo ends early or is damaged inside.",
        "Copy it into the folder again from where it came.",
        can_retry=True,
    ),
    Skip(
        "photo_too_large",
        "Too many pixels",
        "The photo has more pixels than we take.",
        "Export a smaller version of it.",
    ),
    Skip(
        "file_too_large",
        "Too large",
        "The file is larger than any photo that we take.",
        "Export it as JPEG.",
    ),
    Skip(
        "empty",
        "Empty",
        "The file has no content: copying it may have been cut off.",
        "Copy it into the folder again; we take it as soon as it has content.",
        can_retry=True,
    ),
    Skip(
        "file_gone",
        "Taken away",
        "The file was taken out of the folder before we began.",
        "Put it back if you want it edited.",
        can_retry=True,
    ),
    Skip(
        "backlog_not_chosen",
        "There before we were",
        "It lay in the folder when you connected it, and you chose to edit new photos only.",
        "You can still have it edited.",
        can_retry=True,
    ),
    Skip(
        "preset_unknown",
        "The preset is gone",
        "The preset of this folder is not here any more.",
        "Choose another one for the folder, then have us look at the photo again.",
        can_retry=True,
    ),
    Skip(
        "invalid_preset_parameters",
        "The preset takes other settings",
        "The preset of this folder has changed, and does not take the folder's settings any more.",
        "Save the settings of the folder anew, then have us look at the photo again.",
        can_retry=True,
    ),
    Skip(
        "no_access",
        "We may not read it",
        "Whoever owns this file does not let you, and so us, download it.",
        "Ask its owner to allow downloads, or put a copy of your own into the folder.",
        can_retry=True,
    ),
    Skip(
        "drive_abusive",
        "Held back by Google",
        "Google Drive holds this file to be harmful and does not hand it out.",
    ),
    Skip(
        "shortcut_broken",
        "A shortcut to nothing",
        "The file that this shortcut leads to is gone, or is not shared with you any more.",
        "Put the photo itself into the folder.",
        can_retry=True,
    ),
    Skip(
        "shortcut_to_folder",
        "A shortcut to a folder",
        "We follow shortcuts to photos, not to folders, which might lead round in a circle.",
        "Connect that folder as a source of its own.",
    ),
    Skip(
        "shortcut_loop",
        "A shortcut to a shortcut",
        "This shortcut leads to another shortcut; we follow one step only.",
        "Put the photo itself into the folder.",
    ),
    Skip(
        "name_unreadable",
        "A name we cannot read",
        "The name of this file, or of its folder, holds letters that an old system has written in "
        "its own way.",
        "Give it another name; we edit it then.",
    ),
    Skip(
        "link",
        "A link",
        "This is a link to another place on the disk; we read only what lies in the folder itself.",
        "Put a copy of the photo into the folder.",
    ),
)
_BY_CODE = {skip.code: skip for skip in _SKIPS}
CODES = frozenset(_BY_CODE)


def describe_skip(code: str) -> Skip:
    """Return the words for a stored code; one that an older version has stored is said plainly."""
    return _BY_CODE.get(code) or Skip(
        code, "Not edited", "We could not edit this file.", "Put it into the folder again.", True
    )


def list_retryable() -> list[str]:
    """Return the codes of which another look may make an edit."""
    return sorted(skip.code for skip in _SKIPS if skip.can_retry)


def find_skip_code(seen: SeenFile) -> str | None:
    """Return why the file will not be edited, as far as a look from outside tells; else None.

    Neither its name nor its type is trusted to say that it *is* a photo: what is unknown is read.
    """
    if MARK in seen.marks:
        return "ours"
    if seen.obstacle:
        return seen.obstacle
    if seen.size_bytes > LARGEST_PHOTO_BYTES:
        return "file_too_large"
    return _judge_ending(seen.name.rpartition(".")[2].lower()) or _judge_type(seen.content_type)


def _judge_ending(ending: str) -> str | None:
    if ending in _RAW_ENDINGS:
        return "raw_format"
    if ending in _FILM_ENDINGS:
        return "film"
    if ending in _OTHER_PICTURE_ENDINGS:
        return "format_not_read"
    return "not_a_photo" if ending in _OTHER_ENDINGS else None


def _judge_type(content_type: str) -> str | None:
    if content_type.startswith("video/"):
        return "film"
    # Documents of Google's own have no bytes to fetch.
    return "not_a_photo" if content_type.startswith("application/vnd.google-apps.") else None
