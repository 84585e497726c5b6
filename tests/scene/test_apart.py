"""A clip that takes too long, or breaks its reader, costs itself and nothing else."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

import maskworks as mw
from maskworks.core.errors import UnreadableError
from maskworks.core.reading import Limits
from maskworks.scene.apart import assess_apart
from maskworks.scene.running import run_suitability

QUICK = mw.SuitabilityOptions(choices=mw.SignalChoices(ocr=False, threads=1))


def test_a_process_of_its_own_writes_the_same_record(mute, tmp_path):
    seen = []
    assert assess_apart(mute, tmp_path / "apart", QUICK, seconds=300, progress=seen.append)
    request = mw.SuitabilityRequest(inputs=(str(mute),), output=tmp_path / "here", options=QUICK)
    assert [row.status for row in run_suitability(request)] == ["done"]
    apart, here = (tmp_path / at / "suitability.json" for at in ("apart", "here"))
    assert apart.read_bytes() == here.read_bytes()
    assert seen[0] == 0.0


def test_its_time_is_its_end(mute, tmp_path):
    with pytest.raises(UnreadableError, match=r"takes longer than 0\.1 s"):
        assess_apart(mute, tmp_path, QUICK, seconds=0.1)
    assert list(tmp_path.iterdir()) == []


def test_it_is_stopped_at_once(mute, tmp_path):
    stop = threading.Event()
    stop.set()
    assert not assess_apart(mute, tmp_path, QUICK, seconds=300, stop=stop)


def test_errors_come_back_as_they_are(mute, tmp_path):
    (tmp_path / "text.mp4").write_text("this is no clip")
    with pytest.raises(UnreadableError, match=r"text\.mp4"):
        assess_apart(tmp_path / "text.mp4", tmp_path / "out", QUICK, seconds=300)
    small = mw.SuitabilityOptions(choices=QUICK.choices, limits=Limits(1000))
    with pytest.raises(mw.MaskworksError, match=r"181,760 pixels, the limit is 1,000"):
        assess_apart(mute, tmp_path / "out", small, seconds=300)


def test_memory_of_its_process_is_bounded():
    code = (
        "from maskworks.scene.apart import _bound; import numpy as np\n"
        "_bound(30, 1_000_000)\n"
        "try: np.empty(5 << 30, np.uint8)\n"
        "except MemoryError: print('bounded')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    assert done.stdout == b"bounded\n"
