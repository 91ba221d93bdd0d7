"""What can go wrong between us and Google's accounts.

Unavailable
└── GoogleUnreachable     no answer, or one that makes no sense
Unauthenticated
├── GoogleGrantLost       what we were given is not valid (any more): the user has to come again
└── IdTokenInvalid        Google's word on who somebody is does not hold
Forbidden
└── GoogleRefusesUs       Google does not know this house: its client id, secret or addresses
"""

from comfyhoused.kit.errors import Forbidden, Unauthenticated, Unavailable


class GoogleUnreachable(Unavailable):
    """Google did not answer, or not sensibly; try again in a moment."""

    code = "google_unreachable"
    title = "Google does not answer"


class GoogleGrantLost(Unauthenticated):
    """Google does not honour the permission any more, or it was used already."""

    code = "google_grant_lost"
    title = "Google does not honour the permission"


class IdTokenInvalid(Unauthenticated):
    """What Google said about who signs in cannot be trusted; nobody was signed in."""

    code = "google_id_token_invalid"
    title = "We could not make sure who you are"


class GoogleRefusesUs(Forbidden):
    """Google refuses this house as an app; whoever runs it has to look at its Google project."""

    code = "google_refuses_us"
    title = "Google does not know this house"
