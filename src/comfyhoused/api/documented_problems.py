"""The failures that the OpenAPI document promises, as `responses` of the routes."""

from typing import Any

from comfyhoused.api.problems import ProblemDocument


def _answer(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {
            "application/problem+json": {"schema": {"$ref": f"#/components/schemas/{_NAME}"}}
        },
    }


_NAME = ProblemDocument.__name__
PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: _answer("No key, or none that is valid"),
    403: _answer("The key was not made for this"),
    422: _answer("A parameter breaks a rule"),
    429: _answer("More requests than your plan allows; `Retry-After` says when to go on"),
    503: _answer("A part of the house is down; `Retry-After` says when to try again"),
}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: _answer("Nothing of yours has this id")}
BODY_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: _answer("The body is not valid JSON"),
    409: _answer("The Idempotency-Key belongs to another request"),
    413: _answer("The body is too large"),
    415: _answer("The body is not of a kind that is read here"),
    422: _answer("Something in the body breaks a rule; `errors` says what and where"),
    429: _answer("A limit was reached"),
}
INVALID: dict[int | str, dict[str, Any]] = {422: _answer("A parameter breaks a rule")}
