"""Every signal there is, in one place."""

from __future__ import annotations

from collections.abc import Callable

from maskworks.scene.signals.adult import open_adult
from maskworks.scene.signals.classifier import open_classifier
from maskworks.scene.signals.codes import open_codes
from maskworks.scene.signals.logos import open_logos
from maskworks.scene.signals.loudness import open_loudness
from maskworks.scene.signals.on_screen import open_on_screen
from maskworks.scene.signals.protocol import Signal, SignalChoices
from maskworks.scene.signals.seen import open_seen
from maskworks.scene.signals.speech import open_speech
from maskworks.scene.signals.spoken import lists_of, open_spoken

OPENERS: tuple[Callable[[SignalChoices], Signal], ...] = (
    open_adult,
    open_classifier,
    open_logos,
    open_codes,
    open_seen,
    open_on_screen,
    open_spoken,
    open_loudness,
    open_speech,
)


def open_signals(choices: SignalChoices) -> tuple[Signal, ...]:
    """Open each signal; one whose extra is not installed says why it does not look.

    Raises
    ------
    UsageError
        If what the user gave (terms, logos, a classifier) is wrong.
    ModelError
        If a classifier cannot be opened.
    """
    return tuple(opener(choices) for opener in OPENERS)


def check_choices(choices: SignalChoices) -> None:
    """Look at what the user gave, without opening any other model.

    Raises
    ------
    UsageError, ModelError
        As `open_signals`.
    """
    lists_of(choices)
    for opener in (open_logos, open_classifier):
        opener(choices)
