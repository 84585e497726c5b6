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


def test_the_same_text_over_many_frames_is_one_finding(drawing):
    signal = open_on_screen(SignalChoices(threads=1))
    seen = []
    for at in range(3):
        text = "They stole my car, call the police"
        pixels = drawing.draw((360, 640), 9 * at, text, shift=120, font_px=28)
        seen += signal.examine(SampledFrame(at, at, 1000 * at, 1000, pixels))
    seen += signal.finish()
    (stole,) = [each for each in seen if each.topic == "crime"]
    assert (stole.time_ms, stole.duration_ms, stole.frame_index) == (0, 3000, 0)
