"""Hold `maskworks serve` against `rembg s`: same pictures, same network, same cores, one run.

    make bench-serve                                 a quarter of an hour
    make bench-serve SERVE="--requests 12 --long 0"  short: does it work?

Both servers answer `POST /api/remove` with U2-NetP; they are asked in turn. Then ours alone gets
`--long` requests, and its memory after the first 200 is compared with that at the end.
Written to bench/out/serve.json.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from peer import Peer, clean_environment, prepare_peer
from photos import make_photos
from run import WEIGHTS

ROOT = Path(__file__).resolve().parents[1]
CLIENTS = (1, 4, 16)
SIZE = {"1mp": (800, 1200)}
WARM = 3
SETTLED = 200
MODEL = "bench-u2netp"
PATIENCE_S = 120


@dataclass(frozen=True)
class Server:
    """A server that runs; `field` is what it calls the picture."""

    name: str
    port: int
    model: str
    process: subprocess.Popen[bytes]

    def post(self, photo: bytes) -> tuple[int, float]:
        """Send a photo; return status and seconds."""
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n'
        head += b"Content-Type: image/jpeg\r\n\r\n"
        model = f'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\n{self.model}\r\n'
        body = model.encode() + head + photo + b"\r\n--x--\r\n"
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            kind = {"Content-Type": "multipart/form-data; boundary=x"}
            connection.request("POST", "/api/remove", body, kind)
            answer = connection.getresponse()
            answer.read()
            return answer.status, time.perf_counter() - began
        except OSError:
            return 0, time.perf_counter() - began
        finally:
            connection.close()

    def memory_mb(self) -> float:
        """Return the resident memory."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024


def main(arguments: list[str]) -> int:
    """Measure; return 0 if every request was answered with 200."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=60, help="of each server and load")
    parser.add_argument("--long", type=int, default=2000, help="of ours, for the memory")
    parser.add_argument("--threads", type=int, default=2, help="of each server")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="published U2-NetP weights")
    options = parser.parse_args(arguments)
    out = ROOT / "bench/out"
    home = out / "u2net-home"
    given = home / "u2netp.onnx"
    peer = prepare_peer(given if given.exists() else options.weights, home)
    folder = make_photos(out / "photos", 5, SIZE)["1mp"]
    photos = [path.read_bytes() for path in sorted(folder.glob("*.jpg"))]
    servers = [ours(out, given, options.threads), theirs(peer, options.threads)]
    try:
        rows = measure(servers, photos, options.requests)
        memory = long_run(servers[0], photos, options.long) if options.long else {}
    finally:
        for server in servers:
            server.process.terminate()
            server.process.wait(60)
    (out / "serve.json").write_text(json.dumps({"load": rows, "memory": memory}, indent=1) + "\n")
    return 1 if any(row["errors"] for row in rows if row["server"] == "maskworks") else 0


def ours(out: Path, network: Path, threads: int) -> Server:
    """Start our server with the network that rembg has."""
    home, data = out / "serve-home", out / "serve-data"
    environment = {**clean_environment(), "MASKWORKS_HOME": str(home)}
    program = [sys.executable, "-m", "maskworks.apps.cli"]
    form = ["--input-size", "320", "--resize", "squash", "--scale", "max", "--force"]
    command = [*program, "models", "import", str(network), "--name", MODEL, *form]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    port = _free_port()
    command = [*program, "serve", "--port", str(port), "--data", str(data), "--model", MODEL]
    command += ["--threads", str(threads), "--deadline", str(PATIENCE_S), "--log-level", "warning"]
    return _started("maskworks", port, MODEL, (command, environment))


def theirs(peer: Peer, threads: int) -> Server:
    """Start rembg's server."""
    port = _free_port()
    command = [peer.program("rembg"), "s", "--host", "127.0.0.1", "--port", str(port), "--no-ui"]
    return _started("rembg", port, "u2netp", (command, peer.environment(threads)))


def measure(servers: list[Server], photos: list[bytes], requests: int) -> list[dict[str, object]]:
    """Ask every server under every load, in turn; print and return a row of each."""
    for server in servers:
        for photo in photos[:WARM]:
            server.post(photo)
    rows: list[dict[str, object]] = []
    for clients in CLIENTS:
        rates = {}
        for server in servers:
            began = time.perf_counter()
            with ThreadPoolExecutor(clients) as pool:
                chosen = [photos[number % len(photos)] for number in range(requests)]
                answers = list(pool.map(server.post, chosen))
            rate = requests / (time.perf_counter() - began)
            seconds = sorted(each for _, each in answers)
            p95 = seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))]
            errors = sum(status != 200 for status, _ in answers)
            rates[server.name] = rate
            row = {
                "server": server.name, "clients": clients, "per_s": round(rate, 3),
                "median_s": round(statistics.median(seconds), 3), "p95_s": round(p95, 3),
                "errors": errors, "memory_mb": round(server.memory_mb()),
            }  # fmt: skip
            rows.append(row)
            print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        print(
            f"  ours / theirs at {clients}: {rates['maskworks'] / rates['rembg']:.2f}x", flush=True
        )
    return rows


def long_run(server: Server, photos: list[bytes], requests: int) -> dict[str, object]:
    """Send many requests from four clients; return the memory early and at the end."""
    lock, count = threading.Lock(), 0
    early = 0.0

    def one(number: int) -> int:
        nonlocal count, early
        status, _ = server.post(photos[number % len(photos)])
        with lock:
            count += 1
            if count == min(SETTLED, requests):
                early = server.memory_mb()
        return status

    with ThreadPoolExecutor(4) as pool:
        failed = sum(status != 200 for status in pool.map(one, range(requests)))
    late = server.memory_mb()
    found = {
        "requests": requests, "failed": failed, "early_mb": round(early), "late_mb": round(late),
        "growth": round(late / early - 1, 4),
    }  # fmt: skip
    print("  ".join(f"{name} {value}" for name, value in found.items()), flush=True)
    return found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _started(name: str, port: int, model: str, how: tuple[list[str], dict[str, str]]) -> Server:
    """Start a server and wait until it accepts connections."""
    command, environment = how
    log = ROOT / f"bench/out/serve-{name}.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=stream, stderr=stream
        )
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return Server(name, port, model, process)
        except OSError:
            time.sleep(0.2)
    process.kill()
    message = f"{name} does not start; see {log}"
    raise SystemExit(message)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
