from __future__ import annotations

import numpy as np

from maskworks.scene.signals.loudness import open_loudness
from maskworks.scene.signals.protocol import SignalChoices, SoundBlock
from maskworks.scene.signals.speech import RATE, open_speech


def looked(signal, samples, block=5000):
    seen = []
    for at in range(0, len(samples), block):
        part = samples[at : at + block].astype(np.float32)
        seen += signal.examine(SoundBlock(at / RATE, RATE, part))
    return seen + list(signal.finish())


def test_a_bang_is_found_once_where_it_is_whatever_the_blocks(bang):
    for block in (777, 5000, 200_000):
        (found,) = looked(open_loudness(SignalChoices()), bang, block)
        assert abs(found.time_ms - 3000) <= 50
        assert found.hint


def test_steady_sound_has_no_transient():
    tone = 0.5 * np.sin(np.arange(4 * RATE) * 0.2)
    assert looked(open_loudness(SignalChoices()), tone) == []
    assert looked(open_loudness(SignalChoices()), np.zeros(2 * RATE)) == []


def test_silence_holds_neither_speech_nor_music():
    assert looked(open_speech(SignalChoices()), np.zeros(2 * RATE)) == []
