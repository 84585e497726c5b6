"""Closed-form matting on the unknown band at full resolution.

Levin, Lischinski, Weiss, A Closed-Form Solution to Natural Image Matting, IEEE Transactions
on Pattern Analysis and Machine Intelligence, 2008. The paper's linear system is kept; its
unknowns are the unknown pixels alone, sure pixels are boundary values. It is solved by
conjugate gradients with a two-level preconditioner: damped Jacobi on the pixels, a direct
solve on the colour lines of 8x8 tiles (`colour_space`).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.values import FOREGROUND, UNKNOWN, Image, Matte, Trimap
from maskworks.refine.spread import thread_pool

if TYPE_CHECKING:
    from maskworks.refine.band import Band, Field
    from maskworks.refine.laplacian import Laplacian

LEAST_EPSILON = 1e-9
"""Below, float32 does not resolve what `epsilon` adds to the covariance of a flat window."""
SMALLEST = 3
"""Rows and columns of the smallest picture that holds a window."""


@dataclass(frozen=True, kw_only=True)
class SolverOptions:
    """How closed-form matting is solved.

    Parameters
    ----------
    epsilon : float in [1e-9, 1]
        Regularisation of a window's colour covariance, colours in [0, 1] (the paper's).
    tolerance : float, > 0
        Stop when the mean error of alpha over the unknown pixels is estimated to be at most
        this. The estimate is the last step's mean change of alpha, continued as a geometric
        series at the rate of the last three residuals. On composites of 0.1 to 0.4 million
        unknowns it was 0.8 to 2.5 times the true error (more in the first two steps), on flat
        drawings at worst 0.5 times.
    max_iterations : int, >= 1
        Steps of conjugate gradients; 1 to 20 are usual.
    time_limit_s : float, > 0, optional
        Looked at before each step. Before the first the system is built, which takes about
        1 s per million unknowns; what is returned then is the coarse solution.
    prior : Matte of shape (H, W), optional
        What alpha is believed to be, a network's matte for instance; it counts by
        `prior_weight`, and where the picture is too small for a window. It is not where the
        solver starts: from the coarse solution 0.008 of mean error is left, from a blurred
        truth 0.08.
    prior_weight : float, >= 0
        Adds `prior_weight * (alpha - prior)**2` per unknown pixel to the energy, in which a
        pixel's own weight is about 5.
    threads : int, >= 1, optional
        Default: the cores this process may use, at most 4. The answer does not depend on it.

    Raises
    ------
    UsageError
        If a number is out of its range, or NaN.
    """

    epsilon: float = 1e-7
    tolerance: float = 4e-3
    max_iterations: int = 100
    time_limit_s: float | None = None
    prior: Matte | None = field(default=None, repr=False)
    prior_weight: float = 0.0
    threads: int | None = None

    def __post_init__(self) -> None:
        if not LEAST_EPSILON <= self.epsilon <= 1:
            raise UsageError(f"epsilon must lie in [{LEAST_EPSILON:g}, 1], got {self.epsilon}")
        for name in ("tolerance", "max_iterations", "time_limit_s", "threads"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise UsageError(f"{name} must be a positive number, got {value}")
        if not (self.prior_weight >= 0 and math.isfinite(self.prior_weight)):
            raise UsageError(f"prior_weight must be 0 or more, got {self.prior_weight}")
        if self.prior_weight > 0 and self.prior is None:
            raise UsageError(
                f"prior_weight is {self.prior_weight} but there is no prior; "
                "pass a matte as `prior`, or leave the weight at 0"
            )


@dataclass(frozen=True, eq=False)
class Solution:
    """A matte and how it was reached.

    Attributes
    ----------
    matte : Matte of shape (H, W)
        Exactly 0 and 1 on sure pixels.
    converged : bool
        False if a limit stopped the solver first; the matte is then its best so far.
    iterations : int
        Steps of conjugate gradients.
    residual : float, >= 0
        Norm of what is left of the linear system over that of its right-hand side.
    unknowns : int
        Unknown pixels.
    error : float, >= 0
        Estimated mean error of alpha over the unknown pixels, see `SolverOptions.tolerance`;
        infinite before the first step.
    """

    matte: Matte = field(repr=False)
    converged: bool
    iterations: int
    residual: float
    unknowns: int
    error: float = 0.0


DEFAULTS = SolverOptions()


def closed_form(image: Image, trimap: Trimap, options: SolverOptions = DEFAULTS) -> Solution:
    """Solve alpha on the unknown pixels of a trimap by closed-form matting.

    Memory follows the band: about 350 bytes per unknown pixel besides the matte returned.

    Parameters
    ----------
    image : Image of shape (H, W)
    trimap : Trimap of shape (H, W)

    Returns
    -------
    Solution
        Without unknown pixels: the trimap itself, after 0 iterations. In a picture under 3x3
        pixels no window fits: the prior, else the level of the nearest sure pixel.

    Raises
    ------
    ImageError
        If the sizes differ, or if there are unknown pixels but no sure foreground or no sure
        background and no weighted prior in their stead: alpha would be one constant.

    References
    ----------
    Levin, Lischinski, Weiss, A Closed-Form Solution to Natural Image Matting, IEEE
    Transactions on Pattern Analysis and Machine Intelligence, 2008.

    Examples
    --------
    >>> ramp = np.arange(5, dtype=np.uint8) * 50
    >>> image = Image(np.repeat(np.broadcast_to(ramp, (5, 5))[:, :, None], 3, axis=2))
    >>> levels = np.array([[0, 128, 128, 128, 255]] * 5, np.uint8)
    >>> closed_form(image, Trimap(levels)).matte.alpha[2].round(2).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    # Here: the fast edge, which is the default, needs none of them.
    from maskworks.refine.band import cover
    from maskworks.refine.colour_space import colour_space
    from maskworks.refine.descent import StopRule, descend
    from maskworks.refine.laplacian import matting_laplacian

    started = time.monotonic()
    unknowns = int(np.count_nonzero(trimap.levels == UNKNOWN))
    _refuse(image, trimap, options, unknowns)
    alpha = (trimap.levels == FOREGROUND).astype(np.float32)
    if unknowns == 0:
        return Solution(Matte(alpha), converged=True, iterations=0, residual=0.0, unknowns=0)
    if min(image.size) < SMALLEST:
        _fill_nearest(alpha, trimap, options.prior)
        return Solution(Matte(alpha), converged=True, iterations=0, residual=0.0, unknowns=unknowns)
    limit = options.time_limit_s
    limits = StopRule(
        tolerance=options.tolerance,
        steps=options.max_iterations,
        deadline=math.inf if limit is None else started + limit,
    )
    band = cover(trimap)
    prior = (options.prior.alpha, options.prior_weight) if options.prior else None
    with thread_pool(options.threads) as pool:
        laplacian = matting_laplacian(
            image, trimap, band, epsilon=options.epsilon, prior=prior, pool=pool
        )
        space = colour_space(image, laplacian, pool=pool)
        found = descend(laplacian, space, limits, pool=pool)
    _write(alpha, band, laplacian, found.alpha)
    return Solution(
        Matte(alpha),
        converged=found.converged,
        iterations=found.steps,
        residual=found.residual,
        unknowns=unknowns,
        error=found.error,
    )


def _refuse(image: Image, trimap: Trimap, options: SolverOptions, unknowns: int) -> None:
    sizes = {"trimap": trimap.size}
    if options.prior is not None:
        sizes["prior"] = options.prior.size
    for name, size in sizes.items():
        if size != image.size:
            raise ImageError(
                f"the {name} is {size[1]}x{size[0]}, the picture {image.size[1]}x{image.size[0]}; "
                "they must be the same size: resize one of them first"
            )
    if unknowns == 0 or options.prior_weight > 0:
        return
    for name, value in (("foreground", FOREGROUND), ("background", 0)):
        if not (trimap.levels == value).any():
            raise ImageError(
                f"the trimap has {unknowns:,} unknown pixels but no sure {name}, so that alpha "
                f"would be one constant; mark some {name} ({value}), or give a prior matte "
                "with a weight"
            )


def _write(alpha: NDArray[np.float32], band: Band, laplacian: Laplacian, solved: Field) -> None:
    """Put the unknown pixels of the tiles into the picture."""
    flat = alpha.reshape(-1)
    for chunk in band.chunks:
        rows, columns = band.pixels(chunk, 0)
        here = laplacian.unknown[..., chunk] > 0
        flat[(rows[:, None] * band.size[1] + columns[None])[here]] = solved[..., chunk][here]


def _fill_nearest(alpha: NDArray[np.float32], trimap: Trimap, prior: Matte | None) -> None:
    unknown = trimap.levels == UNKNOWN
    if prior is not None:
        alpha[unknown] = prior.alpha[unknown]
        return
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(unknown, return_distances=False, return_indices=True)
    alpha[unknown] = alpha[tuple(nearest)][unknown]
