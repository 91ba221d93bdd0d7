# Written from comfyhouse/_async by `make docs`: change it there.
"""One request and its retries."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from comfyhouse.errors import ApiError, ConnectionFailed, make_error
from comfyhouse.retries import RetryPolicy, make_idempotency_key
from comfyhouse.version import VERSION

_SAFE = frozenset({"GET", "PUT", "DELETE"})


class Transport:
    """Sends requests with the key, retries what may be retried, raises what the answer says."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        *,
        timeout: float,
        retries: RetryPolicy,
        http: httpx.Client | None = None,
    ) -> None:
        self.retries = retries
        self._http = http or httpx.Client(timeout=timeout, follow_redirects=False)
        self._base_url = base_url.rstrip("/") + "/api/v1"
        self._headers = {"User-Agent": f"comfyhouse-python/{VERSION}"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        is_keyed: bool = False,
        files: Any = None,
        timeout: float | None = None,
    ) -> httpx.Response:
        """Return a 2xx or 3xx answer; raises ApiError and ConnectionFailed.

        `is_keyed`: the operation takes an idempotency key, so one is made where none is given
        and the very same request can be sent again. Without it only safe methods are retried.
        """
        sent = {**self._headers, **(headers or {})}
        if is_keyed:
            sent["Idempotency-Key"] = idempotency_key or make_idempotency_key()
        options: dict[str, Any] = {"headers": sent, "params": _drop_none(query)}
        if json is not None:
            options["json"] = json
        if files is not None:
            options["files"] = files
        if timeout is not None:
            options["timeout"] = timeout
        may_retry = files is None and (is_keyed or method in _SAFE)
        return self._try(method, self._base_url + path, options, may_retry=may_retry)

    def _try(
        self, method: str, url: str, options: dict[str, Any], *, may_retry: bool
    ) -> httpx.Response:
        attempt = 0
        while True:
            failure: ApiError | ConnectionFailed
            try:
                response = self._http.request(method, url, **options)
            except httpx.TransportError as error:
                failure = ConnectionFailed(f"{url} was not reached: {error!r}")
                failure.__cause__ = error
                status, wish, is_retryable = None, None, True
            else:
                if response.status_code < 400:
                    return response
                failure = read_error(response)
                status, wish = response.status_code, failure.retry_after
                # What the job itself met is not mended by sending the request again.
                is_retryable = failure.retryable and failure.job_id is None
            if not may_retry or not self.retries.should_retry(
                attempt, status, is_retryable=is_retryable
            ):
                raise failure
            time.sleep(self.retries.get_pause(attempt, wish))
            attempt += 1

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Iterator[httpx.Response]:
        """Open an answer that is read piece by piece; raises as `request` does, never retries."""
        url = path if path.startswith("http") else self._base_url + path
        sent = {**(self._headers if url.startswith(self._base_url) else {}), **(headers or {})}
        limits = httpx.Timeout(30 if timeout is None else timeout)
        try:
            with self._http.stream(
                method, url, headers=sent, timeout=limits, follow_redirects=True
            ) as response:
                if response.status_code >= 400:
                    response.read()
                    raise read_error(response)
                yield response
        except httpx.TransportError as error:
            raise ConnectionFailed(f"{url} broke off: {error!r}") from error


def read_error(response: httpx.Response) -> ApiError:
    """Return the error that an answer carries, whatever its body is."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {"title": "The server's answer is no problem document", "detail": ""}
        problem["retryable"] = response.status_code in (429, 502, 503, 504)
    return make_error(response.status_code, problem, response.headers)


def _drop_none(query: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (query or {}).items() if value is not None}
