"""Conjugate gradients on the unknown band, with Jacobi and colour lines as preconditioner.

Notay, Flexible Conjugate Gradients, SIAM Journal on Scientific Computing, 2000: the flexible
form, because the coarse solver is not always exact and float32 is not either.
"""

from __future__ import annotations

import math
import time
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from maskworks.refine.band import Field
from maskworks.refine.colour_space import ColourSpace
from maskworks.refine.laplacian import Laplacian

DAMPING = 0.8
"""Of Jacobi: the largest eigenvalue of the Laplacian over its diagonal is about 1.9."""
CAUTION = (12.0, 5.0, 4.0, 1.7)
"""By how much the error estimates of the first steps fall short at worst."""
SLOWEST = 0.97
"""Slowest rate of convergence the error estimate takes into account."""
LOST = 1e-14
"""Fall of the squared residual after which float32 has little left to give."""


@dataclass(frozen=True)
class StopRule:
    """When to stop: mean error of alpha, number of steps, moment of `time.monotonic`."""

    tolerance: float
    steps: int
    deadline: float


@dataclass(frozen=True, eq=False)
class Descent:
    """Where the descent stopped; `alpha` is clipped to [0, 1], `error` the estimated mean."""

    alpha: Field
    converged: bool
    steps: int
    residual: float
    error: float


@dataclass(frozen=True, eq=False)
class _Preconditioner:
    """About the Laplacian's inverse: Jacobi, coarse solve, Jacobi."""

    laplacian: Laplacian
    space: ColourSpace
    scale: Field
    pool: Executor | None

    def __call__(self, rest: Field, spare: Field) -> Field:
        """Return the step for the residual `rest`; `spare` is overwritten."""
        step = self.scale * rest
        np.subtract(rest, self.laplacian.apply(step, spare, self.pool), out=spare)
        step += self.space.correct(spare)
        np.subtract(rest, self.laplacian.apply(step, spare, self.pool), out=spare)
        spare *= self.scale
        step += spare
        return step


def descend(
    laplacian: Laplacian, space: ColourSpace, limits: StopRule, *, pool: Executor | None = None
) -> Descent:
    """Solve `laplacian` for its load, from the coarse solution on.

    The error that is left is estimated as the last step's mean change of alpha, continued as a
    geometric series at the rate of the last three residuals.
    """
    scale = np.zeros_like(laplacian.diagonal)
    np.divide(DAMPING, laplacian.diagonal, out=scale, where=laplacian.diagonal > 0)
    precondition = _Preconditioner(laplacian, space, scale, pool)
    unknowns = float(laplacian.unknown.sum(dtype=np.float64))
    alpha = space.correct(laplacian.load)
    clipped, applied = np.clip(alpha, 0, 1), np.zeros_like(alpha)
    rest = laplacian.load - laplacian.apply(alpha, applied, pool)
    step = precondition(rest, applied)
    direction = step.copy()
    energies = [_dot(rest, step)]
    count, error = 0, 0.0 if energies[0] <= 0 else math.inf
    while error > limits.tolerance and count < limits.steps:
        if energies[-1] <= LOST * energies[0] or time.monotonic() > limits.deadline:
            break
        laplacian.apply(direction, applied, pool)
        curvature = _dot(direction, applied)
        if not curvature > 0:  # rounding has eaten the rest
            break
        count += 1
        length = np.float32(energies[-1] / curvature)
        alpha += length * direction
        before, clipped = clipped, np.clip(alpha, 0, 1)
        change = float(np.abs(clipped - before).sum(dtype=np.float64)) / unknowns
        old = rest.copy()
        rest -= length * applied
        step = precondition(rest, applied)
        energies.append(_dot(rest, step))
        error = _estimate(change, energies)
        old -= rest
        direction *= np.float32(-_dot(old, step) / energies[-2])
        direction += step
    whole = _dot(laplacian.load, laplacian.load)
    residual = math.sqrt(_dot(rest, rest) / whole) if whole > 0 else 0.0
    return Descent(clipped, error <= limits.tolerance, count, residual, error)


def _estimate(change: float, energies: list[float]) -> float:
    past = max(len(energies) - 4, 0)
    fall = max(energies[-1], 0.0) / energies[past]
    rate = min(math.pow(fall, 0.5 / (len(energies) - 1 - past)), SLOWEST)
    count = len(energies) - 1
    return change * rate / (1 - rate) * (CAUTION[count - 1] if count <= len(CAUTION) else 1)


def _dot(a: Field, b: Field) -> float:
    return float((a * b).sum())  # not np.dot: OpenBLAS spins, and sums less exactly
