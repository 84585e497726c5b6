"""Hold `maskworks serve` against `rembg s`: same pictures, same network, same cores, one run.

    make bench-serve                                             a quarter of an hour
    make bench-serve SERVE="--requests 4 --sizes 1mp --long 0"   short: does it work?
    make bench-serve SERVE="--sizes 1mp --clients 4 --long 0"    one row anew, the rest is kept
    make bench-serve SERVE="--write docs/service.md"             and put the tables there

Both servers answer `POST /api/remove` with U2-NetP; they are asked in turn. Then ours alone gets
`--long` requests for cut-outs with refined edges and a score, of small pictures of many sizes,
and its memory after the first 200 is compared with that at the end. Written to
bench/out/serve.json; `--load off` measures the memory alone, `--long 0` the load alone.
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
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

from block import machine, put_block
from peer import Peer, clean_environment, prepare_peer
from photos import PHOTOS, enlarge, load_photo, make_photos
from run import WEIGHTS

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "bench/out"
CLIENTS = (1, 4, 16)
SIZES = {"1mp": (800, 1200), "6mp": (2000, 3000)}
SMALL = tuple((100 + 6 * n, 150 + 8 * ((5 * n) % 20)) for n in range(20))
WARM = 3
SETTLED = 200
TARGET, MOST_GROWTH = 2.0, 0.10
MODEL, LONG_MODEL = "bench-u2netp", "cutout"
LONG_FIELDS = {"model": LONG_MODEL, "edges": "fast"}
PATIENCE_S = 120

Row = dict[str, Any]


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    name: str
    port: int
    process: subprocess.Popen[bytes]

    def post(
        self, path: str, fields: dict[str, str], photo: tuple[str, bytes]
    ) -> tuple[int, float]:
        """Send a photo as (field, content); return status and seconds."""
        part = "--x\r\nContent-Disposition: form-data; name="
        texts = "".join(f'{part}"{name}"\r\n\r\n{value}\r\n' for name, value in fields.items())
        head = f'{part}"{photo[0]}"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        body = (texts + head).encode() + photo[1] + b"\r\n--x--\r\n"
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            kind = {"Content-Type": "multipart/form-data; boundary=x"}
            connection.request("POST", path, body, kind)
            answer = connection.getresponse()
            answer.read()
            return answer.status, time.perf_counter() - began
        except OSError:
            return 0, time.perf_counter() - began
        finally:
            connection.close()

    def remove(self, photo: bytes) -> tuple[int, float]:
        """Have a photo cut out with U2-NetP."""
        model = "u2netp" if self.name == "rembg" else MODEL
        return self.post("/api/remove", {"model": model}, ("file", photo))

    def memory_mb(self) -> float:
        """Return the resident memory."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024


def main(arguments: list[str]) -> int:
    """Measure; return 0 if every request of ours was answered with 200."""
    options = _parsed(arguments)
    given = OUT / "u2net-home/u2netp.onnx"
    peer = prepare_peer(given if given.exists() else options.weights, given.parent)
    sizes = {name: SIZES[name] for name in options.sizes}
    found: dict[str, Any] = {}
    servers = [ours(given, options.threads)]
    try:
        if options.load == "on":
            servers.append(theirs(peer, options.threads))
            folders = make_photos(OUT / "photos", 5, sizes)
            found["load"] = [
                row
                for name in sizes
                for row in measure(servers, (name, sorted(folders[name].glob("*.jpg"))), options)
            ]
        if options.long:
            found["memory"] = long_run(servers[0], small_photos(), options.long)
    finally:
        for server in servers:
            server.process.terminate()
            server.process.wait(60)
    file = OUT / "serve.json"
    before = json.loads(file.read_text()) if file.exists() else {}
    found = {**before, **found, "load": merged(before.get("load", []), found.get("load", []))}
    file.write_text(json.dumps(found, indent=1) + "\n")
    if options.write:
        put_block(options.write, "bench-serve", table(found, options.threads))
    failed = [
        row for row in found.get("load", []) if row["server"] == "maskworks" and row["errors"]
    ]
    return 1 if failed or found.get("memory", {}).get("failed") else 0


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--requests", type=int, default=40, help="of each server, size and load")
    add("--clients", type=int, nargs="+", default=list(CLIENTS), help="who ask at once")
    add("--sizes", nargs="+", choices=SIZES, default=list(SIZES), help="of the photos")
    add("--load", choices=("on", "off"), default="on", help="hold it against rembg")
    add("--long", type=int, default=2000, help="requests of ours, for the memory; 0: none")
    add("--threads", type=int, default=2, help="of each server")
    add("--weights", type=Path, default=WEIGHTS, help="published U2-NetP weights")
    add("--write", type=Path, help="a page with a place for the tables")
    return parser.parse_args(arguments)


def ours(network: Path, threads: int) -> Server:
    """Start our server with the network that rembg has."""
    home, data = OUT / "serve-home", OUT / "serve-data"
    environment = {**clean_environment(), "MASKWORKS_HOME": str(home)}
    program = [sys.executable, "-m", "maskworks.apps.cli"]
    form = ["--input-size", "320", "--resize", "squash", "--scale", "max", "--force"]
    command = [*program, "models", "import", str(network), "--name", MODEL, *form]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    port = _free_port()
    command = [*program, "serve", "--port", str(port), "--data", str(data), "--model", MODEL]
    command += ["--threads", str(threads), "--deadline", str(PATIENCE_S), "--log-level", "warning"]
    return _started("maskworks", port, (command, environment))


def theirs(peer: Peer, threads: int) -> Server:
    """Start rembg's server."""
    port = _free_port()
    command = [peer.program("rembg"), "s", "--host", "127.0.0.1", "--port", str(port), "--no-ui"]
    return _started("rembg", port, (command, peer.environment(threads)))


def merged(before: list[Row], new: list[Row]) -> list[Row]:
    """Return the rows of earlier runs, those that were measured again replaced."""

    def key(row: Row) -> tuple[str, int, str]:
        return row["size"], row["clients"], row["server"]

    rows = {key(row): row for row in [*before, *new]}
    return [rows[name] for name in sorted(rows)]


def measure(
    servers: list[Server], photographs: tuple[str, list[Path]], options: argparse.Namespace
) -> list[Row]:
    """Ask every server under every load, in turn; print and return a row of each."""
    size, paths = photographs
    requests: int = options.requests
    photos = [path.read_bytes() for path in paths]
    for server in servers:
        for photo in photos[:WARM]:
            server.remove(photo)
        with ThreadPoolExecutor(WARM) as pool:
            list(pool.map(server.remove, photos[:WARM]))
    rows: list[Row] = []
    for clients in options.clients:
        rates = {}
        for server in servers:
            began = time.perf_counter()
            with ThreadPoolExecutor(clients) as pool:
                chosen = [photos[number % len(photos)] for number in range(requests)]
                answers = list(pool.map(server.remove, chosen))
            rates[server.name] = requests / (time.perf_counter() - began)
            rows.append(_row(server, (size, clients), answers, rates[server.name]))
            print("  ".join(f"{name} {value}" for name, value in rows[-1].items()), flush=True)
        times = rates["maskworks"] / rates["rembg"]
        print(f"  ours / theirs at {clients}: {times:.2f}x", flush=True)
    return rows


def _row(
    server: Server, load: tuple[str, int], answers: list[tuple[int, float]], rate: float
) -> Row:
    seconds = sorted(each for _, each in answers)
    return {
        "server": server.name, "size": load[0], "clients": load[1], "requests": len(answers),
        "per_s": round(rate, 3), "median_s": round(statistics.median(seconds), 3),
        "p95_s": round(seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))], 3),
        "errors": sum(status != 200 for status, _ in answers),
        "memory_mb": round(server.memory_mb()),
    }  # fmt: skip


def small_photos() -> list[bytes]:
    """Return small JPEGs, no two of one size."""
    written = []
    for number, size in enumerate(SMALL):
        stream = BytesIO()
        photo = load_photo(PHOTOS[number % len(PHOTOS)])
        enlarge(photo, size, seed=number).save(stream, "JPEG", quality=90)
        written.append(stream.getvalue())
    return written


def long_run(server: Server, photos: list[bytes], requests: int) -> Row:
    """Send many requests from four clients; return the memory early and at the end."""
    lock, count = threading.Lock(), 0
    early = most = 0.0

    def one(number: int) -> int:
        nonlocal count, early, most
        photo = photos[number % len(photos)]
        status, _ = server.post("/v1/cutout", LONG_FIELDS, ("image", photo))
        with lock:
            count += 1
            now = server.memory_mb()
            most = max(most, now)
            if count == min(SETTLED, requests):
                early = now
        return status

    began = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        failed = sum(status != 200 for status in pool.map(one, range(requests)))
    late = server.memory_mb()
    found: Row = {
        "requests": requests, "failed": failed, "early_mb": round(early), "late_mb": round(late),
        "most_mb": round(most), "growth": round(late / early - 1, 4),
        "per_s": round(requests / (time.perf_counter() - began), 2),
    }  # fmt: skip
    print("  ".join(f"{name} {value}" for name, value in found.items()), flush=True)
    return found


def table(found: dict[str, Any], threads: int) -> list[str]:
    """Return the tables of the page."""
    lines = [
        (
            f"{machine()}; maskworks {version('maskworks')} and rembg's server at the pins of "
            f"`bench/rembg.txt`, {threads} threads each, U2-NetP, JPEG in and PNG out, in turn. "
            "Written by `make bench-serve`."
        ),
        "",
        (
            "| photos | clients | requests/s | rembg | ours / theirs | p95, s | rembg "
            "| memory, MB | rembg | errors |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    rows = {(r["server"], r["size"], r["clients"]): r for r in found.get("load", [])}
    for (name, size, clients), ours_ in rows.items():
        if name != "maskworks":
            continue
        peer = rows["rembg", size, clients]
        times = ours_["per_s"] / peer["per_s"]
        verdict = "" if times >= TARGET else f", below the {TARGET:g}x aimed at"
        lines.append(
            f"| {size.replace('mp', ' MP')} | {clients} | {ours_['per_s']:.2f} | "
            f"{peer['per_s']:.2f} | {times:.2f}x{verdict} | {ours_['p95_s']:.2f} | "
            f"{peer['p95_s']:.2f} | {ours_['memory_mb']:,} | {peer['memory_mb']:,} | "
            f"{ours_['errors']} and {peer['errors']} |"
        )
    memory = found.get("memory")
    if memory:
        low, high = SMALL[0], (max(h for h, _ in SMALL), max(w for _, w in SMALL))
        lines += [
            "",
            (
                f"Memory: {memory['requests']:,} cut-outs with edges and score (`{LONG_MODEL}`, "
                f"photos of {low[1]} x {low[0]} to {high[1]} x {high[0]}, four clients, "
                f"{memory['per_s']}/s, {memory['failed']} failed): {memory['early_mb']} MB after "
                f"the first {SETTLED}, {memory['late_mb']} MB after the last, "
                f"{100 * memory['growth']:+.1f} % (aim: less than {100 * MOST_GROWTH:.0f} %)."
            ),
        ]
    return lines


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _started(name: str, port: int, how: tuple[list[str], dict[str, str]]) -> Server:
    """Start a server and wait until it accepts connections."""
    command, environment = how
    log = OUT / f"serve-{name}.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=stream, stderr=stream
        )
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return Server(name, port, process)
        except OSError:
            time.sleep(0.2)
    process.kill()
    message = f"{name} does not start; see {log}"
    raise SystemExit(message)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
