"""What can go wrong with a customer's address. No sentence tells what our own network holds."""

from comfyhoused.kit.errors import InvalidRequest, TooLarge, Unprocessable

#: The one sentence for every name and address that we do not go to, existing or not.
NOT_PUBLIC = "The address must be a public one that the whole internet can reach."


class UrlRefused(InvalidRequest):
    """The address is not one that we go to, whatever may be there."""

    code = "url_refused"
    title = "We do not go to this address"


class UrlFailed(Unprocessable):
    """We went to the address and did not get what we need."""

    code = "url_failed"
    title = "The server at the address did not give what we need"


class UrlUnreachable(UrlFailed):
    """The server at the address does not take our connection, or drops it."""

    code = "url_unreachable"
    title = "The server at the address cannot be reached"
    retryable = True


class UrlTimedOut(UrlFailed):
    """The whole exchange took longer than it may."""

    code = "url_timed_out"
    title = "The server at the address is too slow"
    retryable = True


class UrlCertificateRefused(UrlFailed):
    """The server cannot prove that it is the one the address names."""

    code = "url_certificate_refused"
    title = "The certificate of the server at the address is not valid"


class UrlTooLarge(TooLarge):
    """What the address serves is larger than we take."""

    code = "url_too_large"
    title = "The content at the address is larger than we take"
