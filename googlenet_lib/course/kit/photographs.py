"""The two photographs that come with scikit-learn, which lessons, figures and tests look at."""

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor


def load_photographs() -> list[Image.Image]:
    """Return the two photographs: a temple and a flower."""
    # takes a second to import
    from sklearn.datasets import load_sample_images

    return [Image.fromarray(pixels) for pixels in load_sample_images().images]


def load_temple(width: int = 96, height: int = 96) -> Tensor:
    """Return the photograph of the temple, cut and resized: uint8, (3, height, width)."""
    temple, _ = load_photographs()
    return torch.from_numpy(np.array(ImageOps.fit(temple, (width, height)))).permute(2, 0, 1)
