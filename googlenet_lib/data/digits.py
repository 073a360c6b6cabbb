"""1,797 scans of handwritten digits that come with the library, in colour and at 32x32."""

from importlib.resources import as_file, files

import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from googlenet_lib.data.imageset import ImageSet

# scikit-learn's `load_digits` as whole numbers. They lie here because importing scikit-learn
# takes a second or two, longer than everything else between a learner and the first picture.
SCANS = files("googlenet_lib") / "assets" / "digits.safetensors"
BRIGHTEST = 16  # of the scans' values, 0 being paper


def read_digits() -> ImageSet:
    """Read all scans in their order: images uint8 (1797, 3, 32, 32), labels int64 (1797,).

    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository, 1998 (https://doi.org/10.24432/C50P49).
    """
    with as_file(SCANS) as path:
        scans = load_file(path)
    images = scans["images"].float().unsqueeze(1)  # (1797, 1, 8, 8)
    images = F.interpolate(images, size=(32, 32), mode="bilinear", align_corners=False)
    images = (images * (255 / BRIGHTEST)).round().to(torch.uint8)  # (1797, 1, 32, 32)
    return ImageSet(images.expand(-1, 3, -1, -1).contiguous(), scans["labels"].long())
