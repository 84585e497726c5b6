"""Text is read off moving pictures: nearly every letter, and once for as long as it is shown."""

from __future__ import annotations

import pytest
from rapidfuzz.distance import Levenshtein

from maskworks.scene.signals.on_screen import ScreenReader, open_on_screen
from maskworks.scene.signals.protocol import SampledFrame, SignalChoices

TEXTS = (
    "The train leaves at half past nine",
    "Nobody told me about the meeting",
    "We sell fresh bread every morning",
    "Der Zug kommt heute später an",
    "Où est la bibliothèque centrale ?",
    "Mañana iremos juntos a la playa",
    "Chapter 12: a long way home",
    "Thank you for watching!",
)


@pytest.fixture(scope="module")
def reader():
    return ScreenReader(1)


def test_letters_of_drawn_subtitles_over_moving_pictures_are_right(reader, drawing):
    wrong = letters = 0
    for at, text in enumerate(TEXTS):
        lines = reader.read(drawing.draw((360, 640), 7 * at, text, shift=31 * at, font_px=28))
        read = " ".join(line.text for line in lines)
        wrong += Levenshtein.distance(text.replace(" ", ""), read.replace(" ", ""))
        letters += len(text.replace(" ", ""))
    assert 1 - wrong / letters >= 0.95


def test_a_picture_without_text_has_none(reader, drawing):
    assert reader.read(drawing.draw((200, 300), 3)) == []


@pytest.fixture(scope="module")
def signal():
    return open_on_screen(SignalChoices(threads=1))


def told(signal, frames):
    """Show pictures, a second each; return what was found by topic."""
    seen = []
    for at, pixels in enumerate(frames):
        seen += signal.examine(SampledFrame(at, at, 1000 * at, 1000, pixels))
    seen += signal.finish()
    return [(each.topic, each.time_ms, each.duration_ms, each.frame_index) for each in seen]


STOLE = "They stole my car, call the police"


def test_the_same_text_over_many_frames_is_one_finding(signal, drawing):
    parts = [(STOLE, 120)] * 3 + [("A gun, look out", 40)] * 2
    frames = [
        drawing.draw((360, 640), 9 * at, text, shift=shift, font_px=28)
        for at, (text, shift) in enumerate(parts)
    ]
    assert told(signal, frames) == [("crime", 0, 3000, 0), ("arms", 3000, 2000, 3)]


def test_a_text_outlives_one_frame_that_the_reader_misses(signal, drawing):
    # the second of these three is not read by the models of rapidocr 3.10
    frames = [drawing.draw((270, 480), 9 * at, STOLE, font_px=22) for at in range(3)]
    assert told(signal, frames) == [("crime", 0, 3000, 0)]


def test_a_text_that_comes_again_later_is_another_finding(signal, drawing):
    gun = drawing.draw((360, 640), 36, "A gun, look out", shift=40, font_px=28)
    nothing = drawing.draw((360, 640), 9, "", shift=40)
    found = told(signal, [gun, nothing, nothing, nothing, gun])
    assert found == [("arms", 0, 1000, 0), ("arms", 4000, 1000, 4)]
