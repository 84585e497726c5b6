"""A live run: frames in, mattes, frames out, with the rate that is held said."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from fractions import Fraction

from maskworks.core.errors import UsageError
from maskworks.core.reading import Limits
from maskworks.core.values import Pixels
from maskworks.models import Model
from maskworks.video.ahead import ahead
from maskworks.video.live.painting import Painter
from maskworks.video.live.seeing import MODEL, SIDE_PX, LiveEye, LiveMatte, live_model
from maskworks.video.live.sinks import Put, Write, open_sink
from maskworks.video.live.sources import LiveSource, open_source
from maskworks.video.live.upsampling import enlarged
from maskworks.video.rendering import behind_of

SAY_EVERY_S = 1.0


@dataclass(frozen=True, kw_only=True)
class LiveRequest:
    """The options of one call, as they were given; `to` may be None where pictures are shown."""

    source: str
    to: str | None
    background: str = "blur"
    write: Write = "y4m"
    size: tuple[int, int] | None = None
    rate: Fraction | None = None
    model: str = MODEL
    side_px: int = SIDE_PX
    threads: int = 0
    overwrite: bool = False


@dataclass(frozen=True, kw_only=True)
class LiveState:
    """How a run goes: `rate` is frames a second since it was last said, `wanted` the source's.

    `every` says that the network sees every so many-th frame, `dropped` how many frames of a
    camera came while one was being worked on.
    """

    frames: int
    rate: float
    wanted: float
    every: int
    dropped: int

    def __str__(self) -> str:
        """Return it as a line.

        Examples
        --------
        >>> str(LiveState(frames=60, rate=29.97, wanted=30, every=2, dropped=0))
        '30.0 frames a second of 30.0 wanted, network on every 2nd frame, 0 dropped'
        """
        nth = {1: "every frame", 2: "every 2nd frame", 3: "every 3rd frame"}
        seen = nth.get(self.every, f"every {self.every}th frame")
        return (
            f"{self.rate:.1f} frames a second of {self.wanted:.1f} wanted, network on {seen}, "
            f"{self.dropped} dropped"
        )


def run_live(
    request: LiveRequest,
    stop: threading.Event,
    tell: Callable[[LiveState], None],
    show: Put | None = None,
) -> LiveState:
    """Take frames until the source ends or `stop` is set; return the whole run's state.

    Parameters
    ----------
    tell : called about every `SAY_EVERY_S`
    show : called with every picture, after it was written

    Raises
    ------
    MaskworksError
        If the source cannot be read or the output cannot be written.
    """
    if request.to is None and show is None:
        raise UsageError("pictures go nowhere: give --to PATH, --preview PORT, or both")
    behind = behind_of(request.background, Limits())
    device = request.to is not None and request.to.startswith("/dev/video")
    if (behind is None) != (request.write == "rgba") or (behind is None and device):
        raise UsageError(
            "--background none and --write rgba belong together: only raw RGBA, into a file or "
            "pipe, carries alpha"
        )
    model = live_model(request.model, request.side_px, threads=request.threads)
    source = open_source(request.source, size=request.size, rate=request.rate)
    paced = (device or request.to is None) and not source.live
    with ExitStack() as stack:
        puts: list[Put] = []
        if request.to is not None:
            sink = open_sink(
                request.to, request.write, source.size, source.rate, overwrite=request.overwrite
            )
            puts.append(stack.enter_context(sink))
        if show is not None:
            puts.append(show)
        return _Run(source, model, Painter(behind), puts, paced=paced).go(stop, tell)


class _Run:
    def __init__(
        self,
        source: LiveSource,
        model: Model,
        painter: Painter,
        puts: Sequence[Put],
        *,
        paced: bool,
    ) -> None:
        self._source, self._painter, self._puts = source, painter, puts
        self._paced = paced
        self._eye = LiveEye(model, float(source.rate))
        self._newest = _Newest(source.frames) if source.live else None

    def go(self, stop: threading.Event, tell: Callable[[LiveState], None]) -> LiveState:
        began = said = time.perf_counter()
        done = before = 0
        frames = self._newest.frames() if self._newest is not None else ahead(self._source.frames)
        with closing(frames), closing(ahead(self._seen(frames))) as seen:
            for pixels, matte in seen:
                alpha = enlarged(matte.alpha, matte.view.grey, pixels)
                made = self._painter.paint(pixels, alpha, done / float(self._source.rate))
                for put in self._puts:
                    put(made)
                done += 1
                if self._paced:  # a device, or a person, sees a frame when it comes
                    late = began + done / float(self._source.rate) - time.perf_counter()
                    time.sleep(max(0.0, late))
                now = time.perf_counter()
                if now - said >= SAY_EVERY_S:
                    tell(self._state(done, (done - before) / (now - said)))
                    said, before = now, done
                if stop.is_set():
                    break
        return self._state(done, done / max(time.perf_counter() - began, 1e-6))

    def _seen(self, frames: Iterator[Pixels]) -> Iterator[tuple[Pixels, LiveMatte]]:
        for pixels in frames:
            yield pixels, self._eye.see(pixels)

    def _state(self, frames: int, rate: float) -> LiveState:
        return LiveState(
            frames=frames,
            rate=rate,
            wanted=float(self._source.rate),
            every=self._eye.rate.every,
            dropped=0 if self._newest is None else self._newest.dropped,
        )


class _Newest:
    """The newest frame of a camera, which does not wait; what was not fetched is counted."""

    def __init__(self, source: Iterator[Pixels]) -> None:
        self.dropped = 0
        self._source = source
        self._ready = threading.Condition()
        self._held: Pixels | None = None
        self._error: BaseException | None = None
        self._ended = False

    def frames(self) -> Generator[Pixels]:
        """Yield frames until the camera ends, or raises, which is raised here."""
        thread = threading.Thread(target=self._read, daemon=True)
        thread.start()
        try:
            while True:
                with self._ready:
                    while self._held is None and not self._ended:
                        self._ready.wait()
                    now, self._held = self._held, None
                if now is None:
                    break
                yield now
            if self._error is not None:
                raise self._error
        finally:
            self._ended = True

    def _read(self) -> None:
        try:
            for pixels in self._source:
                with self._ready:
                    if self._ended:
                        return
                    self.dropped += self._held is not None
                    self._held = pixels
                    self._ready.notify()
        except BaseException as error:  # noqa: BLE001 - raised where the frames are used
            self._error = error
        with self._ready:
            self._ended = True
            self._ready.notify()
