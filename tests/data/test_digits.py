import torch
from safetensors.torch import load_file
from sklearn.datasets import load_digits

from googlenet_lib.data.digits import SCANS, read_digits


def test_the_committed_scans_are_those_of_scikit_learn():
    ours, theirs = load_file(str(SCANS)), load_digits()
    assert torch.equal(ours["images"].double(), torch.from_numpy(theirs.images))
    assert torch.equal(ours["labels"].long(), torch.from_numpy(theirs.target).long())


def test_digits_are_grey_pictures_of_32_pixels_on_the_whole_range():
    digits = read_digits()
    assert digits.images.shape == (1797, 3, 32, 32)
    assert (digits.images.dtype, digits.labels.dtype) == (torch.uint8, torch.int64)
    assert (digits.images[:, :1] == digits.images).all()
    assert (int(digits.images.min()), int(digits.images.max())) == (0, 255)


def test_digits_keep_their_order_and_their_labels():
    digits, scans = read_digits(), load_file(str(SCANS))
    # shrunk again, each is nearest to the scan that it was made of
    small = torch.nn.functional.avg_pool2d(digits.images[:, :1].float(), 4)  # (1797, 1, 8, 8)
    shrunk, first = small.flatten(1) * 16 / 255, scans["images"].float().flatten(1)
    nearest = torch.cdist(shrunk, first).argmin(1)
    assert (nearest == torch.arange(1797)).float().mean() > 0.99
    assert torch.equal(digits.labels, scans["labels"].long())
