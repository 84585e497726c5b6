"""The service's clients: one that waits, one for asyncio; what a call is, is told in `calls`.

Both send the same values (`Call`), try again in the same cases (`Retrying`) and raise the same
errors (`ServiceError`); they differ in how they wait.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from maskworks.client.call import Answer, Call, EventAnswer, FileAnswer, Part, plain
from maskworks.client.service_error import Retrying, ServiceError, failure_of, unreachable
from maskworks.core.errors import UsageError
from maskworks.core.extras import how_to_install

if TYPE_CHECKING:
    import httpx

ADDRESS = "http://127.0.0.1:7000"


class _Settings:
    """Where the service is, who calls, and how often; `_kind` is httpx's client for it."""

    _kind: ClassVar[str]
    _http: Any

    def __init__(
        self,
        address: str = ADDRESS,
        *,
        key: str | None = None,
        timeout_s: float = 120.0,
        retrying: Retrying = Retrying(),  # noqa: B008 - frozen
    ) -> None:
        self.address = address.rstrip("/")
        self.retrying = retrying
        self._http = getattr(_httpx(), self._kind)(
            base_url=self.address,
            headers={} if key is None else {"X-Api-Key": key},
            timeout=timeout_s,
        )


class Client(_Settings):
    """Calls the service and waits for its answer; close it, or use it in `with`.

    Parameters
    ----------
    address : str
        Of the service, such as "http://127.0.0.1:7000".
    key : str, optional
        One of `maskworks keys add`; on the service's own machine none is needed.
    timeout_s : float
        Of a connection, and of each pause within an answer.
    retrying : Retrying
        How often a call that was answered 429 is sent again.

    Raises
    ------
    UsageError
        If httpx is not installed.

    Examples
    --------
    >>> from maskworks.client import Client, calls
    >>> with Client() as service:  # doctest: +SKIP
    ...     service.send(calls.cutout("cat.jpg")).save("cat.png")
    """

    _kind = "Client"
    _http: httpx.Client

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, call: Call[Answer]) -> Answer:
        """Send a call and return what it answers.

        Raises
        ------
        ServiceError
            If the service refuses it, answers 429 to the last, or is not there.
        UnreadableError
            If a file to send cannot be read.
        """
        tried, waited = 0, 0.0
        while True:
            tried += 1
            with call.opened() as parts:
                try:
                    response = self._http.send(_request(self._http, call, parts))
                except _httpx().TransportError as error:
                    raise unreachable(self.address, error) from error
            wait = self.retrying.wait_s(response.status_code, response.headers, tried, waited)
            if wait is None:
                return cast("Answer", _answer(call.kind, response))
            time.sleep(wait)
            waited += wait

    def follow(self, call: Call[EventAnswer]) -> Iterator[EventAnswer]:
        """Yield the events of a job until it has ended.

        Raises
        ------
        ServiceError
            If the service refuses it, or goes away before the end.
        """
        request = _request(self._http, call, [])
        try:
            response = self._http.send(request, stream=True)
            try:
                if response.status_code >= 400:
                    response.read()
                    _answer("json", response)
                name = ""
                for line in response.iter_lines():
                    name, event = _event(line, name)
                    if event is not None:
                        yield event
            finally:
                response.close()
        except _httpx().TransportError as error:
            raise unreachable(self.address, error) from error


class AsyncClient(_Settings):
    """Calls the service from asyncio; as `Client`, with `await` and `async with`.

    Examples
    --------
    >>> from maskworks.client import AsyncClient, calls
    >>> async def cut(path):
    ...     async with AsyncClient() as service:
    ...         return await service.send(calls.cutout(path))
    """

    _kind = "AsyncClient"
    _http: httpx.AsyncClient

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, call: Call[Answer]) -> Answer:
        """Send a call and return what it answers; errors as `Client.send`."""
        tried, waited = 0, 0.0
        while True:
            tried += 1
            with call.opened() as parts:
                try:
                    response = await self._http.send(_request(self._http, call, parts))
                except _httpx().TransportError as error:
                    raise unreachable(self.address, error) from error
            wait = self.retrying.wait_s(response.status_code, response.headers, tried, waited)
            if wait is None:
                return cast("Answer", _answer(call.kind, response))
            await asyncio.sleep(wait)
            waited += wait

    async def follow(self, call: Call[EventAnswer]) -> AsyncIterator[EventAnswer]:
        """Yield the events of a job until it has ended; errors as `Client.follow`."""
        request = _request(self._http, call, [])
        try:
            response = await self._http.send(request, stream=True)
            try:
                if response.status_code >= 400:
                    await response.aread()
                    _answer("json", response)
                name = ""
                async for line in response.aiter_lines():
                    name, event = _event(line, name)
                    if event is not None:
                        yield event
            finally:
                await response.aclose()
        except _httpx().TransportError as error:
            raise unreachable(self.address, error) from error


def _httpx() -> Any:  # noqa: ANN401 - a library that need not be here
    try:
        import httpx
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the client needs httpx, which is not installed; {how_to_install('client')}"
        ) from error
    return httpx


def _request(
    http: httpx.Client | httpx.AsyncClient, call: Call[Any], parts: list[Part]
) -> httpx.Request:
    kept = None if call.json is None else {k: v for k, v in call.json.items() if v is not None}
    return http.build_request(
        call.verb,
        call.address,
        params=plain(call.query),
        data=plain(call.form) or None,
        json=kept,
        files=cast("Any", parts) or None,
        headers={"Accept": call.accept},
    )


def _answer(kind: str, response: httpx.Response) -> object:
    """Return what an answer holds, as its kind says.

    Raises
    ------
    ServiceError
        If it is no success.
    """
    number = response.headers.get("x-request-id", "")
    if response.status_code >= 400:
        raise failure_of(response.status_code, _parsed(response), number)
    if kind == "file":
        media_type = response.headers.get("content-type", "").partition(";")[0]
        return FileAnswer(response.content, media_type, response.headers)
    if kind == "text":
        return response.text
    found = _parsed(response)
    if found is None:
        raise ServiceError(
            response.status_code, "unknown", "the answer is not JSON, as it should be", number
        )
    return found


def _parsed(response: httpx.Response) -> object:
    try:
        return cast("object", response.json())
    except ValueError:
        return None


def _event(line: str, name: str) -> tuple[str, EventAnswer | None]:
    """Read a line of a stream of events: what the next is called, or one that is complete."""
    kind, _, value = line.partition(": ")
    if kind == "event":
        return value, None
    if kind == "data":
        return "", EventAnswer(name or "message", json.loads(value))
    return name, None
