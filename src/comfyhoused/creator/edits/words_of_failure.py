"""What a photo's owner is told of a failure: the codes stay, the words are about photos."""

from comfyhoused.core.photos.errors import PhotoWorkFailed
from comfyhoused.kit.errors import Problem

_FREE = "It did not count against your plan."
_WORDS = {
    "file_gone": ("The photo is gone", "It was moved, changed or deleted before we had it."),
    "job_lost": ("The photo was lost on its way", "Try it again: the original is as it was."),
    "step_broke": ("Something broke on our side", "We are told of it. Try it again in a while."),
    "reconnect_needed": ("Google Drive has to be connected again", "Connect it, then try again."),
    "job_timed_out": ("The server took too long", "Try it again in a while."),
    "job_expired": ("No server was free in time", "Try it again."),
    "job_poisonous": ("The servers broke down over this photo", "Another preset may work."),
    "out_of_memory": ("The photo was too large for the server", "Send it in fewer pixels."),
    "no_outputs": ("The preset made no picture of it", "Another preset may work."),
    "preset_made_nothing": ("The preset made no picture of it", "Another preset may work."),
    "preset_unknown": ("The preset is not here any more", "Choose another one."),
    "preset_upgraded": (
        "The preset is newer by now",
        "The photo was edited with its newer version already: see the gallery.",
    ),
    "invalid_preset_parameters": (
        "The preset takes other settings by now",
        "Choose how to edit the photo anew.",
    ),
    PhotoWorkFailed.code: ("We could not work on the photo", "Try it again."),
}
#: Codes whose own words are for the owners of photos already.
_PLAIN = ("photo_", "heic_", "drive_", "name_template", "local_", "raw_", "edited_", "disk_")


def reword(problem: Problem) -> Problem:
    """Return the problem in words for the owner of a photo; what it costs is said, too."""
    title, detail = _WORDS.get(problem["code"], ("The server could not edit it", "Try it again."))
    if problem["code"] not in _WORDS and problem["code"].startswith(_PLAIN):
        title, detail = problem["title"], problem["detail"]
    return {**problem, "title": title, "detail": f"{detail} {_FREE}", "errors": []}
