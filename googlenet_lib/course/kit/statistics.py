"""Compare two ways of training by a few seeds each: a difference of means with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """A difference of two means, and the interval that holds the true one with 95% confidence.

    There is no interval where the values say nothing of chance: `no_interval` then says why.
    """

    mean: float
    low: float | None = None
    high: float | None = None
    no_interval: str = ""

    @property
    def holds_zero(self) -> bool:
        """Whether the true difference may be none: the interval holds 0, or there is none."""
        return self.low is None or self.high is None or self.low <= 0 <= self.high

    def __str__(self) -> str:
        """Return both in one line, such as "+3.4 points (95%: +1.2 to +5.6)"."""
        return f"{self.in_points()} points ({self.interval_in_points()})"

    def in_points(self) -> str:
        """Return the difference in percentage points, such as "+3.4"."""
        return _signed(self.mean)

    def interval_in_points(self) -> str:
        """Return the interval, such as "95%: +1.2 to +5.6", or why there is none."""
        if self.low is None or self.high is None:
            return self.no_interval
        return f"{CONFIDENCE:.0%}: {_signed(self.low)} to {_signed(self.high)}"


def compare_means(values: Sequence[float], others: Sequence[float]) -> Difference:
    """Compare the mean of `values` with that of `others`, by Welch's t interval.

    The interval assumes neither equal spreads nor equal numbers of values. Source: Welch, 1947, in
    SciPy's `ttest_ind`.
    """
    difference = mean(values) - mean(others)
    if min(len(values), len(others)) < 2:
        return Difference(difference, no_interval="one seed only")
    if len({*values}) == len({*others}) == 1:
        return Difference(difference, no_interval="all seeds alike")
    interval = stats.ttest_ind(values, others, equal_var=False).confidence_interval(CONFIDENCE)
    return Difference(difference, float(interval.low), float(interval.high))


def _signed(share: float) -> str:
    return f"{100 * share:+z.1f}".replace("-", "−")
