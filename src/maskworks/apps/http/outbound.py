"""Going out to other hosts, never to this house's own: for `image_url` and webhooks.

A name is resolved once, every address it has is checked, and the connection goes to one of
these very addresses, so that a name that changes its mind in between (DNS rebinding) gains
nothing. Every redirect begins anew.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import SplitResult, urljoin, urlsplit

from maskworks.apps.http.settings import Network
from maskworks.core.errors import DownloadError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_REDIRECTS = (301, 302, 303, 307, 308)
_PIECE_BYTES = 1 << 16
_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_OUTSIDE = ipaddress.ip_network("2000::/3")
_SPECIAL = tuple(map(ipaddress.ip_network, (
    "192.88.99.0/24",  # relays of 6to4
    "192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24",  # AS112, AMT: infrastructure
    "2001::/23", "3fff::/20", "5f00::/16", "2620:4f:8000::/48",  # protocols, examples, AS112
)))  # fmt: skip
_LOOKUPS = threading.BoundedSemaphore(16)
_TRY_ANOTHER = "give the address of a public picture"


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Where the service may go, how long and how often it is sent on.

    Parameters
    ----------
    networks : private networks that are allowed all the same, on any port
    seconds : for everything together
    redirects : at most
    """

    networks: tuple[Network, ...] = ()
    seconds: float = 20.0
    redirects: int = 5
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)

    def fetch(self, url: str, *, most_bytes: int) -> bytes:
        """Download from an address.

        Raises
        ------
        DownloadError
            If it may not be reached, does not answer with 200 in time, or is too large.
        """
        ends = time.monotonic() + self.seconds
        for _ in range(self.redirects + 1):
            with _Call(self, url, ends) as call:
                answer = call.send("GET", b"", {"Accept": "image/*"})
                if answer.status in _REDIRECTS and (to := answer.getheader("location")):
                    url = urljoin(url, to)
                    continue
                if answer.status != 200:
                    raise DownloadError(url, f"it answers with {answer.status}", _TRY_ANOTHER)
                return call.body(answer, most_bytes)
        raise DownloadError(url, f"it was sent on more than {self.redirects} times", _TRY_ANOTHER)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send a message and return the status of the answer; redirects are not followed.

        Raises
        ------
        DownloadError
            If it may not be reached or does not answer in time.
        """
        with _Call(self, url, time.monotonic() + self.seconds) as call:
            return call.send("POST", body, headers).status

    def check(self, url: str) -> None:
        """Return unless an address can never be reached from here; nothing is sent.

        What may be so for a moment only, such as a resolver that does not answer, is let pass.

        Raises
        ------
        DownloadError
            If it is no address, leads to a network or port that is not allowed, or its name is
            none.
        """
        with _Call(self, url, time.monotonic() + self.seconds) as call:
            call.check()

    def allows(self, address: Address) -> bool:
        """Say whether an address is outside, or in a network that is allowed.

        Examples
        --------
        >>> reach = Reach()
        >>> [reach.allows(ipaddress.ip_address(a)) for a in ("93.184.216.34", "10.0.0.1",
        ...     "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "fec0::1")]
        [True, False, False, False, False, False, False]
        """
        inner = embedded(address)
        if any(inner.version == net.version and inner in net for net in self.networks):
            return True
        if isinstance(inner, ipaddress.IPv6Address) and inner not in _OUTSIDE:
            return False  # site-local and whatever is not given out
        if any(inner.version == net.version and inner in net for net in _SPECIAL):
            return False
        return inner.is_global and not inner.is_multicast and not inner.is_reserved


def embedded(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


class _Call:
    """One connection to one checked address."""

    def __init__(self, reach: Reach, url: str, ends: float) -> None:
        self._reach, self._url, self._ends = reach, url, ends
        try:
            self._parts = urlsplit(url)
            self._port = self._parts.port or _PORTS.get(self._parts.scheme, 0)
        except ValueError as error:
            raise DownloadError(url, f"is no address ({error})", _TRY_ANOTHER) from error
        self._host = _checked_host(self._parts, url)
        self._connection: http.client.HTTPConnection | None = None
        self._alarm: threading.Timer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        if self._connection is not None:
            self._connection.close()

    def check(self) -> None:
        """Return if the name leads to where calls may go, or may do so later."""
        try:
            self._resolved()
        except socket.gaierror as error:
            if error.errno == socket.EAI_NONAME:
                raise DownloadError(self._url, "has a name that nobody knows", _TRY_ANOTHER) from (
                    error
                )
        except UnicodeError as error:
            raise DownloadError(self._url, f"is no address ({error})", _TRY_ANOTHER) from error
        except OSError:  # not now; it may be reached later
            return

    def send(self, verb: str, body: bytes, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        """Send a request and return the answer, whose body is not read yet."""
        path = (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")
        own = {"User-Agent": "maskworks", "Accept-Encoding": "identity", "Connection": "close"}
        try:
            self._connection = http.client.HTTPConnection(self._host, self._port)
            sock = self._connected()
            self._alarm = threading.Timer(self._left(), _hang_up, [sock])
            self._alarm.daemon = True
            self._alarm.start()
            self._connection.sock = sock
            self._connection.request(verb, path, body or None, own | dict(headers))
            return self._connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise DownloadError(self._url, f"cannot be reached ({error})", _TRY_ANOTHER) from error

    def body(self, answer: http.client.HTTPResponse, most: int) -> bytes:
        """Read a body of at most so many bytes, in time."""
        pieces, seen = [], 0
        try:
            while piece := answer.read1(_PIECE_BYTES):
                seen += len(piece)
                if seen > most:
                    raise DownloadError(self._url, f"has more than {most:,} bytes", _TRY_ANOTHER)
                pieces.append(piece)
                self._left()
        except (OSError, http.client.HTTPException) as error:
            raise DownloadError(self._url, f"breaks off ({error})", _TRY_ANOTHER) from error
        self._left()  # hung up on for being too slow, it may look like an end
        return b"".join(pieces)

    def _left(self) -> float:
        left = self._ends - time.monotonic()
        if left <= 0:
            seconds = f"takes longer than {self._reach.seconds:g} s"
            raise DownloadError(self._url, seconds, _TRY_ANOTHER)
        return left

    def _connected(self) -> socket.socket:
        address = self._resolved()
        plain = socket.create_connection((str(address), self._port), timeout=self._left())
        if self._parts.scheme == "http":
            return plain
        try:
            return self._reach.context.wrap_socket(plain, server_hostname=self._host)
        except BaseException:
            plain.close()
            raise

    def _resolved(self) -> Address:
        """Return one address of the host, if all of them are allowed."""
        found = _look_up(self._host, self._port, self._left())
        addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
        if not addresses or not all(map(self._reach.allows, addresses)):
            raise DownloadError(self._url, "leads into a private network", _TRY_ANOTHER)
        inside = any(embedded(addresses[0]) in net for net in self._reach.networks)
        if self._port != _PORTS[self._parts.scheme] and not inside:
            raise DownloadError(self._url, f"port {self._port} is not allowed", _TRY_ANOTHER)
        return addresses[0]


def _look_up(host: str, port: int, seconds: float) -> list[Any]:
    """Return what a name resolves to, within a time: the system's own may be half a minute.

    Raises
    ------
    OSError
        If it resolves to nothing, or not in time.
    """
    if not _LOOKUPS.acquire(timeout=seconds):
        raise TimeoutError("too many names are looked up")
    answer: queue.SimpleQueue[list[Any] | OSError | UnicodeError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answer.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answer.put(error)
        finally:
            _LOOKUPS.release()

    threading.Thread(target=ask, name="name", daemon=True).start()
    try:
        found = answer.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError("its name is not resolved in time") from None
    if isinstance(found, Exception):
        raise found
    return found


def _hang_up(sock: socket.socket) -> None:
    """End a connection whose time is over, whoever waits on it."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _checked_host(parts: SplitResult, url: str) -> str:
    if parts.scheme not in _PORTS:
        raise DownloadError(url, "does not begin with http:// or https://", _TRY_ANOTHER)
    if parts.username is not None or not parts.hostname:
        raise DownloadError(url, "has no host, or a user's name", _TRY_ANOTHER)
    if any(ord(c) <= 32 or ord(c) == 127 for c in url):
        raise DownloadError(url, "holds a space or a control character", _TRY_ANOTHER)
    return parts.hostname
