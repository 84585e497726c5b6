"""`maskworks serve` as a process: how it starts, stops, and refuses."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
import urllib.request

import pytest


class Process:
    """A server of its own process; `log` are its lines after the first."""

    def __init__(self, process: subprocess.Popen[bytes]):
        self.process, self.log = process, []
        for line in process.stderr:
            if b"serves http" in line:
                self.url = line.split()[2].decode()
                break
            self.log.append(line)
        self._reading = threading.Thread(target=lambda: self.log.extend(process.stderr))
        self._reading.start()

    def stop(self, sign=signal.SIGTERM) -> int:
        self.process.send_signal(sign)
        code = self.process.wait(60)
        self._reading.join(10)
        self.process.stdout.close()
        self.process.stderr.close()
        return code


@pytest.fixture
def serving(start, tmp_path):
    """A function that starts `maskworks serve` with more options."""
    running = []

    def begin(*options):
        command = [
            "serve",
            "--port",
            "0",
            "--data",
            tmp_path / "data",
            "--model",
            "bright",
            "--edges",
            "fast",
        ]
        running.append(Process(start(*command, "--threads", "1", *options)))
        return running[-1]

    yield begin
    for one in running:
        if one.process.poll() is None:
            one.stop(signal.SIGKILL)


@pytest.mark.parametrize(
    "sign",
    [
        pytest.param(signal.SIGTERM, id="term"),
        pytest.param(signal.SIGINT, id="ctrl-c", marks=pytest.mark.slow),
    ],
)
def test_server_finishes_what_it_has_and_ends(serving, photos, sign):
    server = serving()
    photo = photos.write("large.png", size=(900, 1200)).read_bytes()
    head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    body = head + photo + b"\r\n--x--\r\n"
    request = urllib.request.Request(f"{server.url}/v1/cutout", body)
    request.add_header("Content-Type", "multipart/form-data; boundary=x")
    answers = []

    def ask():
        with urllib.request.urlopen(request, timeout=60) as answer:
            answers.append((answer.status, len(answer.read())))

    asking = threading.Thread(target=ask)
    asking.start()
    _wait_until_taken(server.url)
    code = server.stop(sign)
    asking.join(60)
    assert answers[0][0] == 200
    assert code in (0, -sign, 130)
    events = [json.loads(line) for line in server.log]
    assert any(one.get("path") == "/v1/cutout" and one["status"] == 200 for one in events)


def _wait_until_taken(url):
    for _ in range(2000):
        with urllib.request.urlopen(f"{url}/readyz", timeout=10) as answer:
            if json.load(answer)["taken"]:
                return
    raise AssertionError("the request never arrived")


def test_port_that_is_taken_is_told(maskworks, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = maskworks("serve", "--port", port, "--data", tmp_path / "data")
    assert done.returncode == 1
    assert b"cannot be listened on" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(["--model", "none-such"], b"no model is named", id="model"),
        pytest.param(["--url-network", "home"], b"write it as 10.1.0.0/16", id="network"),
        pytest.param(["--clicks", "none-such"], b"there is no such folder", id="clicks"),
    ],
)
def test_wrong_option_is_told(maskworks, tmp_path, options, message):
    done = maskworks("serve", "--port", "0", "--data", tmp_path / "data", *options)
    assert done.returncode != 0
    assert message in done.stderr
    assert b"Traceback" not in done.stderr
