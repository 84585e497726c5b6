"""A matte for every frame of a clip, steadied by optical flow.

The quick way asks the network about every second frame; the frame between takes its matte from
both sides along the flow, weighed by how far the colours agree. The fine way asks about every
frame and averages each matte with those of both neighbours, carried along. What the network says
of a frame is averaged with what it said before, where the colours agree: that takes the flicker
out and leaves motion alone. Nothing crosses a cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from maskworks.batch.work import Status
from maskworks.core.values import Float2D, Pixels
from maskworks.video.flow import Flow, FrameView, agreement, carried, flow_between, warp_error
from maskworks.video.reading import Frame
from maskworks.video.shots import ShotFinder

Steady = Literal["off", "quick", "fine"]
"""How mattes are steadied: each frame for itself, every second frame, every frame averaged."""

KEPT_SHARE = 0.45
"""Weight of the matte before, where colours agree fully."""

NEIGHBOUR_SHARE = 0.5
"""Weight of each neighbour against a frame's own matte, in the fine way."""

_MOST_HELD = 2
"""So many answers of "no subject" in a row are taken for a slip of the network."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What the network says of one frame: `alpha` is float32 (h, w) in [0, 1]."""

    alpha: Float2D
    status: Status
    confidence: float | None


@dataclass(frozen=True, eq=False)
class MattedFrame:
    """A frame with its matte at the network's size.

    `asked` says whether the network saw this frame; `shot` counts from 0, and `begins` is True
    for the first frame of one. `warp_error` is None for that frame.
    """

    frame: Frame
    alpha: Float2D
    status: Status
    confidence: float | None
    asked: bool
    shot: int
    begins: bool
    warp_error: float | None = None


See = Callable[[Pixels], Seen]


@dataclass(frozen=True, eq=False)
class _Held:
    """A frame that waits for its matte or for its neighbour."""

    view: FrameView
    matted: MattedFrame


def matted(
    frames: Iterable[Frame],
    see: See,
    size: tuple[int, int],
    *,
    steady: Steady = "quick",
    first_shot: int = 0,
) -> Iterator[MattedFrame]:
    """Yield each frame with its matte, in order; at most two frames are held back.

    Parameters
    ----------
    frames : in order
    see : asks the network about uint8 (h, w, 3)
    size : (h, w)
        Of what the network sees.
    steady : Steady
    first_shot : number of the shot that the first frame belongs to
    """
    shots = ShotFinder(first_shot)
    way = _Averaged(see) if steady == "fine" else _Alternating(see, 2 if steady == "quick" else 1)
    way.average = steady != "off"
    before: tuple[FrameView, MattedFrame] | None = None
    for done in _in_shots(frames, shots, way, size):
        if before is None or done.matted.begins:
            yield done.matted
        else:
            error = warp_error(done.view, before[0], (done.matted.alpha, before[1].alpha))
            yield replace(done.matted, warp_error=error)
        before = done.view, done.matted


def _in_shots(
    frames: Iterable[Frame], shots: ShotFinder, way: _Way, size: tuple[int, int]
) -> Iterator[_Held]:
    first = True
    for frame in frames:
        view = FrameView.at(frame.pixels, size)
        cut = shots.begins(view.colours)
        if cut:
            yield from way.flush()
        nothing = np.zeros(size, np.float32)
        waiting = MattedFrame(frame, nothing, "ok", None, False, shots.number, cut or first)  # noqa: FBT003
        first = False
        yield from way.take(_Held(view, waiting))
    yield from way.flush()


class _Way:
    """Takes frames of one shot and gives them back with mattes."""

    average = True

    def __init__(self, see: See) -> None:
        self._see = see
        self._unseen = 0

    def take(self, held: _Held) -> Iterator[_Held]:
        raise NotImplementedError

    def flush(self) -> Iterator[_Held]:
        raise NotImplementedError

    def _ask(self, held: _Held, before: _Held | None) -> _Held:
        """Return a frame with what the network says of it, averaged with what it said before."""
        seen = self._see(held.view.colours)
        alpha, status, confidence = seen.alpha, seen.status, seen.confidence
        if before is not None and self.average:
            flow = flow_between(held.view, before.view)
            if status == "no-subject":
                self._unseen += 1
                if before.matted.status != "no-subject" and self._unseen <= _MOST_HELD:
                    alpha, status, confidence = _from(before, flow), "review", None
            else:
                self._unseen = 0
                if before.matted.status != "no-subject":
                    weight = KEPT_SHARE * agreement(held.view, before.view, flow)
                    alpha = alpha + weight * (_from(before, flow) - alpha)
        return replace(
            held,
            matted=replace(
                held.matted, alpha=alpha, status=status, confidence=confidence, asked=True
            ),
        )


class _Alternating(_Way):
    """The network sees every `every`-th frame, flow fills those between from both sides."""

    def __init__(self, see: See, every: int) -> None:
        super().__init__(see)
        self._every = every
        self._before: _Held | None = None
        self._between: list[_Held] = []

    def take(self, held: _Held) -> Iterator[_Held]:
        if self._before is not None and len(self._between) + 1 < self._every:
            self._between.append(held)
            return
        done = self._ask(held, self._before)
        for at, one in enumerate(self._between):
            share = (at + 1) / (len(self._between) + 1)
            yield _filled(one, self._before, done, share)
        yield done
        self._before, self._between = done, []

    def flush(self) -> Iterator[_Held]:
        for one in self._between:
            yield _filled(one, self._before, None, 0.0)
        self._before, self._between, self._unseen = None, [], 0


class _Averaged(_Way):
    """The network sees every frame, and each is averaged with both neighbours."""

    def __init__(self, see: See) -> None:
        super().__init__(see)
        self._before: _Held | None = None
        self._now: _Held | None = None

    def take(self, held: _Held) -> Iterator[_Held]:
        asked = self._ask(held, self._now)
        if self._now is not None:
            yield _among(self._now, (self._before, asked))
        self._before, self._now = self._now, asked

    def flush(self) -> Iterator[_Held]:
        if self._now is not None:
            yield _among(self._now, (self._before, None))
        self._before, self._now, self._unseen = None, None, 0


def _from(other: _Held, flow: Flow) -> Float2D:
    return np.asarray(np.clip(carried(other.matted.alpha, flow), 0, 1), np.float32)


def _among(held: _Held, neighbours: tuple[_Held | None, _Held | None]) -> _Held:
    """Return a frame's matte averaged with those of its neighbours."""
    if held.matted.status == "no-subject":
        return held
    total = held.matted.alpha.copy()
    weight = np.ones_like(total)
    for other in neighbours:
        if other is None or other.matted.status == "no-subject":
            continue
        flow = flow_between(held.view, other.view, fine=True)
        share = NEIGHBOUR_SHARE * agreement(held.view, other.view, flow)
        total += share * _from(other, flow)
        weight += share
    return replace(held, matted=replace(held.matted, alpha=total / weight))


def _filled(held: _Held, before: _Held | None, after: _Held | None, share: float) -> _Held:
    """Return a frame that the network did not see, with a matte from both sides.

    Parameters
    ----------
    share : how far it lies on the way from `before` to `after`, in [0, 1]
    """
    sides = [
        (other, 1 - apart)
        for other, apart in ((before, share), (after, 1 - share))
        if other is not None
    ]
    total, weight = np.zeros_like(held.matted.alpha), np.full(held.matted.alpha.shape, 1e-6)
    for other, near in sides:
        flow = flow_between(held.view, other.view)
        trust = near * (agreement(held.view, other.view, flow) + 0.01)
        total += trust * _from(other, flow)
        weight += trust
    known = [other.matted.confidence for other, _ in sides if other.matted.confidence is not None]
    statuses = {other.matted.status for other, _ in sides}
    status: Status = "no-subject" if statuses == {"no-subject"} else "ok"
    return replace(
        held,
        matted=replace(
            held.matted,
            alpha=np.clip(total / weight, 0, 1).astype(np.float32),
            status="review" if "review" in statuses else status,
            confidence=min(known) if known else None,
        ),
    )
