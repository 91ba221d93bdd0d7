"""What can be wrong with a photo. Their codes become the reasons of skipped photos: permanent."""

from comfyhoused.kit.errors import (
    ComfyhouseError,
    TooLarge,
    Unprocessable,
    UnsupportedMediaType,
)


class PhotoKindUnknown(UnsupportedMediaType):
    """The bytes are no JPEG, PNG, WebP, TIFF or HEIC photo, whatever their name says."""

    code = "photo_kind_unknown"
    title = "This is not a photo that we read"


class HeicNotInstalled(PhotoKindUnknown):
    """It is a HEIC photo, and this server was set up without what reads them."""

    code = "heic_not_installed"
    title = "HEIC photos are not read on this server"


class PhotoUnreadable(Unprocessable):
    """The photo ends early or is damaged inside."""

    code = "photo_unreadable"
    title = "The photo is damaged"


class PhotoTooLarge(TooLarge):
    """More pixels, or more memory to open it, than one photo may take here."""

    code = "photo_too_large"
    title = "The photo has more pixels than we take"


class PhotoWorkFailed(ComfyhouseError):
    """The process that worked on the photo was killed or took too long; it may be tried again."""

    code = "photo_work_failed"
    title = "Working on the photo failed"
    retryable = True


class NameTemplateWrong(Unprocessable):
    """A template of file names has a field that does not exist, or would make no name."""

    code = "name_template_wrong"
    title = "The naming of results cannot be used"
