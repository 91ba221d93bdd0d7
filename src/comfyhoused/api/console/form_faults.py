"""A form that cannot be used as it was sent."""

from comfyhoused.kit.errors import Unprocessable


class FormIncomplete(Unprocessable):
    """A field of a form on our pages holds what cannot be used; `errors` says which."""

    code = "form_incomplete"
    title = "Something in the form needs a change"
