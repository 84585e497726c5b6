"""How often something happened, and how sure one can be of that from so few cases."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z_95 = 1.959963984540054
"""The 97.5 % point of the normal distribution: 95 % lie between -Z_95 and Z_95."""


@dataclass(frozen=True)
class Rate:
    """`hits` out of `n` cases."""

    hits: int
    n: int

    @property
    def share(self) -> float:
        """Hits by cases, in [0, 1]; 0 if there are no cases."""
        return self.hits / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The Wilson score interval of the share at 95 %; (0, 1) if there are no cases.

        Unlike the plain normal interval it stays inside [0, 1] and is right for few cases and
        for shares near 0 and 1.

        References
        ----------
        Wilson, Probable Inference, the Law of Succession, and Statistical Inference,
        Journal of the American Statistical Association 22 (1927).

        Examples
        --------
        >>> [round(bound, 3) for bound in Rate(9, 10).interval]
        [0.596, 0.982]
        """
        if self.n == 0:
            return 0.0, 1.0
        square = Z_95**2 / self.n
        centre = (self.share + square / 2) / (1 + square)
        spread = self.share * (1 - self.share) / self.n + square / (4 * self.n)
        half = Z_95 * math.sqrt(spread) / (1 + square)
        return max(0.0, centre - half), min(1.0, centre + half)
