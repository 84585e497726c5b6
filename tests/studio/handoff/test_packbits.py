from __future__ import annotations

import numpy as np
import pytest
from psd_tools.compression import decode_rle

from maskworks.studio.handoff.packbits import pack


def _channel(rng, kind: str, size: tuple[int, int]) -> np.ndarray:
    noise = rng.integers(0, 256, size, dtype=np.uint8)
    return {
        "noise": noise,
        "flat": np.full(size, 9, np.uint8),
        "few": noise // 64,
        "runs": np.repeat(noise, 5, axis=1)[:, : size[1]],
    }[kind]


@pytest.mark.parametrize("kind", ["noise", "flat", "few", "runs"])
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (3, 127), (2, 128), (2, 129), (5, 1000)])
def test_packed_rows_are_what_psd_tools_decodes(rng, kind, size):
    channel = np.ascontiguousarray(_channel(rng, kind, size))
    packed = pack(channel)
    assert packed.counts.sum() == len(packed.data)
    header = packed.counts.astype(">u2").tobytes()
    decoded = decode_rle(header + packed.data, size[1], size[0], 8, 1)
    np.testing.assert_array_equal(np.frombuffer(decoded, np.uint8).reshape(size), channel)


def test_equal_bytes_take_two_for_128():
    assert len(pack(np.zeros((10, 1280), np.uint8)).data) == 10 * 20
