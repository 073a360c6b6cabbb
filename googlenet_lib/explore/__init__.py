"""Explorers: figures that answer a slider, for a running notebook.

Each stands beside a static figure of the same data, which stays where no kernel runs.
"""

from googlenet_lib.explore.growing import (
    explore_growing,
    growing_view,
    middle_distances,
    radius_that_fills,
)

__all__ = ["explore_growing", "growing_view", "middle_distances", "radius_that_fills"]
