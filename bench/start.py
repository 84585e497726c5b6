"""What `maskworks cutout ONE.jpg` costs beyond the picture itself, in processor time.

Run ``python bench/start.py [PICTURE] [--runs N]``. The command and, in a process that has cut the
picture out once already, its decode, network, edges and encoding are timed in turn, so that both
see the same machine; the difference is the start: interpreter, imports, opening the model.
Modules come compiled, as pip installs them: one command goes before, and is not counted.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PICTURE = Path(__file__).parents[1] / "src/maskworks/apps/demo/bundled/boots.jpg"
TARGET_S = 0.7
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

WARM = """
import sys, time
import maskworks as mw
def once():
    mw.cutout(sys.argv[1], model=model).save(sys.argv[2])
model = mw.load_model("cutout")
once()
began = time.process_time()
once()
print(time.process_time() - began)
"""


def main() -> None:
    """Print the command's time, the picture's, and the difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", nargs="?", type=Path, default=PICTURE)
    parser.add_argument("--runs", type=int, default=9)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(chosen.picture, Path(folder), -1)
        pairs = [measure(chosen.picture, Path(folder), run) for run in range(chosen.runs)]
    for name, values in (
        ("maskworks cutout ONE.jpg", [command for command, _ in pairs]),
        ("its decode, network, edges, encode, warm", [picture for _, picture in pairs]),
        (f"the start (target: {TARGET_S} s)", [command - picture for command, picture in pairs]),
    ):
        print(f"{name:42} median {statistics.median(values):.2f} s, least {min(values):.2f} s")
    print(f"processor time, user and system, {chosen.runs} pairs in turn")


def measure(picture: Path, folder: Path, run: int) -> tuple[float, float]:
    """Return the processor seconds of the command, and of the picture in a warm process."""
    before = spent()
    command = [sys.executable, "-m", "maskworks.apps.cli", "cutout", str(picture)]
    subprocess.run(
        [*command, "-o", str(folder / f"{run}.png"), "--quiet"], check=True, env=ENVIRONMENT
    )
    whole = spent() - before
    arguments = [str(picture), str(folder / "warm.png")]
    warm = subprocess.run(
        [sys.executable, "-c", WARM, *arguments],
        env=ENVIRONMENT,
        check=True,
        capture_output=True,
        text=True,
    )
    return whole, float(warm.stdout)


def spent() -> float:
    """Return the processor seconds of all processes that this one waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
