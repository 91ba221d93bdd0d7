"""The names of the API's operations: the same in the document, in the SDKs and in our rules."""

from starlette.requests import HTTPConnection


def name_operation(function_name: str) -> str:
    """Return the operation that a route's function answers: `get_my_job` is `get_job`."""
    return function_name.replace("_my_", "_").replace("_one_", "_")


def get_operation(connection: HTTPConnection) -> str:
    """Return the operation that was asked for; empty where it is none of the API."""
    return name_operation(getattr(connection.scope.get("route"), "name", ""))
