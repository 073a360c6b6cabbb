"""Tests that start processes which import torch, again and again: a minute and more together."""

import os

import pytest

slow = pytest.mark.skipif(
    "GOOGLENET_ALL_TESTS" not in os.environ, reason="slow: set GOOGLENET_ALL_TESTS=1 to run it"
)
