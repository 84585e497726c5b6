"""Cut out many pictures: in order, several at once, with bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from maskworks.batch.workers import share_cores, taking_turns
from maskworks.core.errors import MaskworksError, UsageError
from maskworks.core.public import public
from maskworks.core.reading import Limits
from maskworks.core.sources import Source, to_picture
from maskworks.cutouts.cutout import Cutout
from maskworks.cutouts.cutting import CutOptions, cut_and_refine
from maskworks.refine.refinement import DEFAULTS, RefineOptions

if TYPE_CHECKING:
    from maskworks.models import Model

_LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class CutoutResult:
    """What became of one picture: a cut-out, or the error that says why there is none.

    Parameters
    ----------
    source : as it was given
    """

    source: Source = field(repr=False)
    cutout: Cutout | None = None
    error: MaskworksError | None = None

    def unwrap(self) -> Cutout:
        """Return the cut-out.

        Raises
        ------
        MaskworksError
            The error, if there is none.
        """
        if self.cutout is None:
            raise self.error or UsageError("this result holds neither a cut-out nor an error")
        return self.cutout


@public
def cutout_many(
    sources: Iterable[Source],
    model: Model | str = "cutout",
    *,
    workers: int = 0,
    min_confidence: float = 0.0,
    refinement: RefineOptions = DEFAULTS,
    max_pixels: int = _LIMITS.max_pixels,
) -> Iterator[CutoutResult]:
    """Yield the cut-out of each picture, in order; one that fails does not stop the others.

    Parameters
    ----------
    sources : paths, bytes, arrays or Pillow images; taken one by one, so a generator will do
    model : Model or its name
    workers : int
        Pictures in hand at once, which bounds the memory; 0 is one for each core.
    min_confidence : float in [0, 1]
        A lower confidence gives the status "review".
    max_pixels : int
        A larger picture is refused before it is decoded.

    Raises
    ------
    UsageError
        If `workers` is negative.
    ModelError
        If the model cannot be opened. What is wrong with a picture is in its result instead.

    Examples
    --------
    >>> for result in cutout_many(["no-such-photo.jpg"], workers=1):
    ...     print(result.error.code)
    unreadable
    """
    if workers < 0:
        raise UsageError(f"workers is {workers}; give how many pictures at once, or 0")
    from maskworks.models import load_model

    count = share_cores(workers, workers or 1_000)
    opened = load_model(model, threads=count.threads) if isinstance(model, str) else model
    turns, limits = taking_turns(opened), Limits(max_pixels)
    options = CutOptions(refinement=refinement, min_confidence=min_confidence)

    def work(source: Source) -> CutoutResult:
        try:
            picture = to_picture(source, limits)
            return CutoutResult(source, cut_and_refine(picture, turns, options))
        except MaskworksError as error:
            return CutoutResult(source, error=error)

    return _in_order(sources, work, count.workers)


def _in_order(
    sources: Iterable[Source], work: Callable[[Source], CutoutResult], workers: int
) -> Iterator[CutoutResult]:
    """Yield what `work` says of each source, with at most `workers` begun and not yet yielded."""
    begun: deque[Future[CutoutResult]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="maskworks") as pool:
        try:
            for source in sources:
                begun.append(pool.submit(work, source))
                if len(begun) >= workers:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
