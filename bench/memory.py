"""Follow the memory of a process through /proc."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

EVERY_S = 0.1


@dataclass(frozen=True)
class Trace:
    """Resident memory of one run: samples in kB, EVERY_S apart, and the kernel's own peak."""

    samples: tuple[int, ...]
    peak: int  # kB
    seconds: float
    exit_code: int

    def peak_between(self, start: float, end: float) -> int:
        """Return the largest sample between two shares (0 to 1) of the run, kB."""
        count = len(self.samples)
        return max(self.samples[int(start * count) : max(int(end * count), 1)])


def follow(
    command: list[str],
    environment: dict[str, str],
    *,
    due: Callable[[], bool] = lambda: False,
    aside: Callable[[], None] = lambda: None,
) -> Trace:
    """Run `command` to its end and sample its resident memory.

    Only the process itself is followed: `maskworks cutout` works in threads. Whenever `due`
    says so it stands still while `aside` does something; that time does not count.
    """
    start, stood = time.perf_counter(), 0.0
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    status = Path(f"/proc/{process.pid}/status")
    samples, peak = [], 0
    while process.poll() is None:
        fields = _fields(status)
        if "VmRSS" in fields:
            samples.append(fields["VmRSS"])
            peak = max(peak, fields["VmHWM"])
        if due():
            stopped = time.perf_counter()
            process.send_signal(signal.SIGSTOP)
            try:
                aside()
            finally:
                process.send_signal(signal.SIGCONT)
            stood += time.perf_counter() - stopped
        time.sleep(EVERY_S)
    seconds = time.perf_counter() - start - stood
    return Trace(tuple(samples) or (0,), peak, seconds, process.returncode)


def _fields(status: Path) -> dict[str, int]:
    try:
        lines = status.read_text().splitlines()
    except OSError:  # it ended between two looks
        return {}
    pairs = (line.split() for line in lines if line.startswith(("VmRSS", "VmHWM")))
    return {words[0].rstrip(":"): int(words[1]) for words in pairs}
