"""What can go wrong with Google Drive. Told apart by the reason in the answer, never by its status.

Each is a DriveFault as well, so that one `except` catches all that Drive may say.

Unavailable               (retryable; `retry_after_seconds` where Google names a time)
├── DriveBusy             too many requests for now, of this user or of the project
└── DriveUnreachable      no answer, or one that makes no sense: what was asked may have been done
Unauthenticated
└── DriveSignedOut        the token is refused, and so is a fresh one
Forbidden
├── DriveScopeMissing     the user has not allowed us to do this
├── DriveNotGranted       the app was not given this file
├── DriveForbidden        the user may not do this with the file or folder
├── DrivePolicyForbids    the administrators of the user's domain do not allow it
├── DriveAbusive          Google holds the file to be harmful
├── DriveFull             the user's storage, or the folder, takes no more
└── DriveNotEnabled       the operator has not switched the Drive API on
NotFound
└── DriveFileMissing      no such file, or none that we see
Conflict
├── DriveIdTaken          a file with this id exists, and it is not the one we meant
├── DriveFileChanged      the file has other bytes than when it was looked at
├── PageTokenInvalid      the changes feed cannot be read on from here: look at everything again
└── UploadLost            the upload's address is not valid any more: begin again, same id
InvalidRequest
└── DriveRefused          Google finds our request wrong; trying again does not help
"""

from comfyhoused.kit.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    Unauthenticated,
    Unavailable,
)


class DriveFault(Exception):
    """Anything that Drive may answer. `reason` is Google's own word, '' where there was none."""

    reason: str = ""
    retry_after_seconds: float | None = None


class DriveBusy(Unavailable, DriveFault):
    """Google takes no more requests for now; nothing was done."""

    code = "drive_busy"
    title = "Google Drive asks us to wait"


class DriveUnreachable(Unavailable, DriveFault):
    """Google did not answer, or not sensibly. What was asked may have been done all the same."""

    code = "drive_unreachable"
    title = "Google Drive does not answer"


class DriveSignedOut(Unauthenticated, DriveFault):
    """Google refuses our token, and a fresh one too: the user has to connect Drive again."""

    code = "drive_signed_out"
    title = "Google does not let us in any more"


class DriveScopeMissing(Forbidden, DriveFault):
    """The user has not allowed us to do this when they connected Drive."""

    code = "drive_scope_missing"
    title = "Google Drive was connected without this permission"


class DriveNotGranted(Forbidden, DriveFault):
    """The file exists, but the user has not given it to us."""

    code = "drive_not_granted"
    title = "We were not given this file"


class DriveForbidden(Forbidden, DriveFault):
    """The user may not do this with the file or folder: only its owner can change that."""

    code = "drive_forbidden"
    title = "Google Drive does not allow this with the file or folder"


class DrivePolicyForbids(Forbidden, DriveFault):
    """The administrators of the user's domain do not allow apps to do this."""

    code = "drive_policy_forbids"
    title = "The administrators of this Google account do not allow it"


class DriveAbusive(Forbidden, DriveFault):
    """Google holds the file to be harmful and does not hand it out."""

    code = "drive_abusive"
    title = "Google Drive holds the file to be harmful"


class DriveFull(Forbidden, DriveFault):
    """The user's Drive, or the folder, has no room left."""

    code = "drive_full"
    title = "Google Drive is full"


class DriveNotEnabled(Forbidden, DriveFault):
    """The Drive API is not switched on in the operator's Google project."""

    code = "drive_not_enabled"
    title = "Google Drive is not set up in this house"


class DriveFileMissing(NotFound, DriveFault):
    """There is no such file, or none that we may see."""

    code = "drive_file_missing"
    title = "The file is not in Google Drive any more"


class DriveIdTaken(Conflict, DriveFault):
    """A file with the id that we took is there, and it is not the one that we meant to put."""

    code = "drive_id_taken"
    title = "The place in Google Drive is taken"


class DriveFileChanged(Conflict, DriveFault):
    """The file was changed while we fetched it: it has a new revision."""

    code = "drive_file_changed"
    title = "The file was changed meanwhile"


class PageTokenInvalid(Conflict, DriveFault):
    """The changes feed cannot be read on from this token: list the folders and begin anew."""

    code = "drive_page_token_invalid"
    title = "Google Drive's list of changes has to be begun anew"


class UploadLost(Conflict, DriveFault):
    """The address of a resumable upload is not valid any more; begin again with the same id."""

    code = "drive_upload_lost"
    title = "The upload to Google Drive has to be begun anew"


class DriveRefused(InvalidRequest, DriveFault):
    """Google finds our request wrong: the same request will not do better."""

    code = "drive_refused"
    title = "Google Drive refused the request"
