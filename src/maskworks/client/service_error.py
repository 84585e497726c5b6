"""What the service refuses, as an error; and whether to ask again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

from maskworks.core.errors import MaskworksError, UsageError

BUSY = 429


class ServiceError(MaskworksError):
    """An answer of the service that is no success.

    `status` is the HTTP status; `reason` the service's own word, such as "busy"; `message` its
    sentence; `request_id` the number under which its log has the request. `status` is 0 where
    the service could not be reached.
    """

    code: ClassVar[str] = "service"

    def __init__(self, status: int, reason: str, message: str, request_id: str = "") -> None:
        super().__init__(status, reason, message, request_id)
        self.status, self.reason = status, reason
        self.message, self.request_id = message, request_id

    def __str__(self) -> str:
        told = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.status} {self.reason}: {self.message}{told}"


@dataclass(frozen=True)
class Retrying:
    """How often a call that was answered 429 is sent again, and how long is waited in all.

    The service does nothing with such a call, so sending it again costs nothing twice.

    Parameters
    ----------
    times : int, >= 0
    most_s : float
        Seconds of waiting, over all tries; a longer Retry-After is an error at once.
    """

    times: int = 5
    most_s: float = 120.0

    def __post_init__(self) -> None:
        if self.times < 0 or self.most_s < 0:
            raise UsageError(
                f"times and most_s are at least 0, got {self.times} and {self.most_s:g}"
            )

    def wait_s(
        self, status: int, headers: Mapping[str, str], tried: int, waited_s: float
    ) -> float | None:
        """Return how many seconds to wait before the next try, None to give up.

        Parameters
        ----------
        tried : int
            How often it was sent.
        waited_s : float
            What was waited before.

        Examples
        --------
        >>> Retrying().wait_s(429, {"retry-after": "2"}, 1, 0.0)
        2.0
        >>> Retrying(times=1).wait_s(429, {"retry-after": "2"}, 2, 2.0) is None
        True
        """
        if status != BUSY or tried > self.times:
            return None
        wait = _seconds(headers.get("retry-after"), 2.0 ** (tried - 1))
        return None if waited_s + wait > self.most_s else wait


def failure_of(status: int, answer: Any, request_id: str) -> ServiceError:  # noqa: ANN401
    """Return the error that an answer tells, in the service's own shape or remove.bg's.

    Examples
    --------
    >>> print(failure_of(402, {"errors": [{"code": "no_credits", "title": "None left"}]}, "7"))
    402 no_credits: None left (request 7)
    """
    told = answer if isinstance(answer, dict) else {}
    one = told.get("error")
    if isinstance(one, dict):
        return ServiceError(
            status, str(one.get("code")), str(one.get("message")), str(one.get("request_id", ""))
        )
    several = told.get("errors")
    if isinstance(several, list) and several and isinstance(several[0], dict):
        first = several[0]
        message = first.get("detail") or first.get("title")
        return ServiceError(status, str(first.get("code")), str(message), request_id)
    return ServiceError(status, "unknown", "the answer is not one of this service", request_id)


def unreachable(address: str, error: Exception) -> ServiceError:
    """Return the error of a service that does not answer."""
    reason = " ".join(str(error).split()) or type(error).__name__
    message = f"{address} does not answer ({reason}); start it with `maskworks serve`"
    return ServiceError(0, "unreachable", message)


def _seconds(text: str | None, otherwise: float) -> float:
    """Return Retry-After as seconds: a number, or a date."""
    if text is None:
        return otherwise
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return otherwise
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
