"""A matte for each frame as it comes: the network where there is time, optical flow between.

Nothing waits for a later frame, so nothing is late. A frame that the network does not see takes
the matte of the one before along the flow; what the network says is averaged with that, where the
colours agree, which takes the flicker out.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from maskworks.core.errors import UsageError
from maskworks.core.public import public
from maskworks.core.values import Float2D, Image, Matte, Pixels
from maskworks.models import Model, load_catalogue
from maskworks.models.families.saliency import NO_SUBJECT_BELOW, input_size
from maskworks.models.loading import open_model
from maskworks.video.flow import FrameView, agreement, carried, flow_between
from maskworks.video.live.upsampling import enlarged
from maskworks.video.shots import ShotFinder
from maskworks.video.steadying import KEPT_SHARE

SIDE_PX = 192
"""Side of the square whose area the network sees: 160 x 256 of a frame of 16:9."""

SIDES_PX = (96, 384)
MOST_EVERY = 4
"""The network is asked about every fourth frame at least."""

BUSY, IDLE = 0.9, 0.6
"""Shares of a frame's time: above the first the network is asked less often, below the second,
as it would be then, more often."""

_SLOWNESS = 12  # frames between two changes of how often the network is asked


@dataclass
class HeldRate:
    """How often the network is asked: every frame, or every `every`-th.

    Parameters
    ----------
    budget_s : the time there is for a frame, seconds
    every : 1 to `MOST_EVERY`
    """

    budget_s: float
    every: int = 1
    _asked_s: float = field(default=0.0, repr=False)
    _other_s: float = field(default=0.0, repr=False)
    _since: int = field(default=0, repr=False)

    def took(self, seconds: float, *, asked: bool) -> None:
        """Take what a frame took, and change `every` by one if that is called for.

        Examples
        --------
        >>> rate = HeldRate(0.033)
        >>> for _ in range(40):
        ...     rate.took(0.050, asked=True)
        >>> rate.every > 1
        True
        """
        kept = "_asked_s" if asked else "_other_s"
        before = getattr(self, kept)
        setattr(self, kept, seconds if before == 0 else 0.8 * before + 0.2 * seconds)
        self._since += 1
        if self._since < _SLOWNESS:
            return
        if self.mean_s(self.every) > BUSY * self.budget_s and self.every < MOST_EVERY:
            self.every, self._since = self.every + 1, 0
        elif self.every > 1 and self.mean_s(self.every - 1) < IDLE * self.budget_s:
            self.every, self._since = self.every - 1, 0

    def mean_s(self, every: int) -> float:
        """Return what a frame takes on average if the network is asked about every `every`-th."""
        return (self._asked_s + (every - 1) * self._other_s) / every


@dataclass(frozen=True, eq=False)
class LiveMatte:
    """What is known of one frame.

    `view` is the frame as the network sees it and `alpha` its matte at that size, float32 (h, w)
    in [0, 1]; `asked` says whether the network saw this frame, `confidence` what it said last.
    """

    view: FrameView
    alpha: Float2D
    asked: bool
    confidence: float | None


class LiveEye:
    """Mattes the frames of one stream, in order.

    Parameters
    ----------
    model : Model
        See `live_model`.
    rate : frames a second that are wanted
    """

    def __init__(self, model: Model, rate: float) -> None:
        self.rate = HeldRate(1 / rate)
        self._model = model
        self._shots = ShotFinder()
        self._before: LiveMatte | None = None
        self._unasked = 0

    def see(self, pixels: Pixels) -> LiveMatte:
        """Return the matte of the next frame, uint8 (H, W, 3); sizes may change."""
        began = time.perf_counter()
        height, width = int(pixels.shape[0]), int(pixels.shape[1])
        view = FrameView.at(pixels, input_size((height, width), self._model.spec.input))
        before = self._before
        cut = self._shots.begins(view.colours)
        if before is not None and (cut or before.alpha.shape != view.grey.shape):
            before = None
        asked = before is None or self._unasked + 1 >= self.rate.every
        alpha, confidence = self._alpha(view, before, asked=asked)
        self._unasked = 0 if asked else self._unasked + 1
        self._before = LiveMatte(view, alpha, asked, confidence)
        self.rate.took(time.perf_counter() - began, asked=asked)
        return self._before

    def _alpha(
        self, view: FrameView, before: LiveMatte | None, *, asked: bool
    ) -> tuple[Float2D, float | None]:
        brought = trust = None
        if before is not None:
            flow = flow_between(view, before.view)
            brought = np.clip(carried(before.alpha, flow), 0, 1)
            if not asked:
                return np.asarray(brought, np.float32), before.confidence
            trust = np.float32(KEPT_SHARE) * agreement(view, before.view, flow)
        found = self._model.predict(Image(view.colours), before=brought)
        alpha = found.matte.alpha
        if found.presence is not None and found.presence < NO_SUBJECT_BELOW:
            alpha = np.zeros_like(alpha)
        if brought is not None and trust is not None:
            alpha = alpha + trust * (brought - alpha)
        return np.asarray(alpha, np.float32), found.confidence


MODEL = "cutout-live"
"""The model of live pictures, by its name in the catalogue."""


def live_model(name: str = MODEL, side_px: int = SIDE_PX, *, threads: int = 0) -> Model:
    """Open a cut-out model so that it sees small pictures.

    Parameters
    ----------
    name : of a model that takes pictures of any size, such as "cutout-live" or "cutout"
    side_px : side of the square whose area it sees
    threads : of the network; 0 takes every core

    Raises
    ------
    UsageError
        If the side is outside `SIDES_PX`.
    UnknownModelError, ModelError
        If there is no such model, or it cannot be opened.
    """
    least, most = SIDES_PX
    if not least <= side_px <= most:
        raise UsageError(f"side is {side_px}, it must lie between {least} and {most} pixels")
    spec = load_catalogue().find(name)
    if spec.input.resize == "area":  # the others take one size only
        seen = spec.input.model_copy(update={"height": side_px, "width": side_px})
        spec = spec.model_copy(update={"input": seen, "sharpening": None})
    return open_model(spec, threads=threads)


@public
def live(
    frames: Iterable[Pixels],
    *,
    model: str = MODEL,
    rate: float = 30.0,
    side_px: int = SIDE_PX,
    threads: int = 0,
) -> Iterator[tuple[Pixels, Matte]]:
    """Yield each frame with its matte, as they come: nothing waits for a later one.

    Parameters
    ----------
    frames : uint8 (H, W, 3) RGB each, from a camera, a robot, a loop of your own
    model : str
        A cut-out model of the catalogue.
    rate : float, > 0
        Frames a second that are wanted. Where the network is too slow for that, it sees every
        second, third or fourth frame and optical flow carries its matte to the others.
    side_px : int
        Side of the square whose area the network sees; less is quicker and coarser.
    threads : of the network; 0 takes every core

    Yields
    ------
    frame, Matte
        The frame as it came, and its matte at the frame's size.

    Raises
    ------
    UsageError
        If the rate is not above 0, or the side is out of range.
    ModelError
        If the model cannot be opened.
    ImageError
        If a frame is not uint8 (H, W, 3).

    Examples
    --------
    >>> frames = (np.full((90, 160, 3), 200, np.uint8) for _ in range(2))
    >>> [matte.size for _, matte in live(frames, side_px=96)]
    [(90, 160), (90, 160)]
    """
    if not rate > 0:
        raise UsageError(f"rate is {rate:g}, it must be above 0 frames a second")
    return _live(frames, LiveEye(live_model(model, side_px, threads=threads), rate))


def _live(frames: Iterable[Pixels], eye: LiveEye) -> Iterator[tuple[Pixels, Matte]]:
    for frame in frames:
        image = Image(frame)
        seen = eye.see(image.pixels)
        yield frame, Matte(enlarged(seen.alpha, seen.view.grey, image.pixels))
