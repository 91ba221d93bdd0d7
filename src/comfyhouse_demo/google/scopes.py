"""What an app may be allowed to do, and which of it each call needs (as in drive.v3)."""

_AUTH = "https://www.googleapis.com/auth/"

DRIVE = f"{_AUTH}drive"
DRIVE_FILE = f"{_AUTH}drive.file"
DRIVE_READONLY = f"{_AUTH}drive.readonly"
DRIVE_METADATA = f"{_AUTH}drive.metadata"
DRIVE_METADATA_READONLY = f"{_AUTH}drive.metadata.readonly"

EMAIL = f"{_AUTH}userinfo.email"
PROFILE = f"{_AUTH}userinfo.profile"

#: Google answers with the long names, whichever were asked for.
LONG_NAMES = {"email": EMAIL, "profile": PROFILE}

#: What needs no box to tick: it comes with signing in.
BASIC = frozenset({"openid", EMAIL, PROFILE})

WORDS = {
    DRIVE: "See, edit, create and delete all of your Google Drive files",
    DRIVE_READONLY: "See and download all your Google Drive files",
    DRIVE_METADATA: "View and manage metadata of files in your Google Drive",
    DRIVE_METADATA_READONLY: "See information about your Google Drive files",
    DRIVE_FILE: "See, edit, create and delete only the Google Drive files you use with this app",
}

SEES_ALL = frozenset({DRIVE, DRIVE_READONLY, DRIVE_METADATA, DRIVE_METADATA_READONLY})

READS = SEES_ALL | {DRIVE_FILE}
READS_BYTES = frozenset({DRIVE, DRIVE_READONLY, DRIVE_FILE})
WRITES = frozenset({DRIVE, DRIVE_FILE})
CHANGES = WRITES | {DRIVE_METADATA}


def read_scopes(text: str) -> list[str]:
    """Return the scopes of a request, by their long names, each once, in order."""
    return list(dict.fromkeys(LONG_NAMES.get(one, one) for one in text.split()))


def describe_scope(scope: str) -> str:
    """Return what the consent page says about it."""
    return WORDS.get(scope, scope)
