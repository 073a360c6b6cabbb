"""Augmentation: each change against a slow or a library's reference, each picture by its draw."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as V

from googlenet_lib.data import Augmentation
from googlenet_lib.data.augment import RATIOS, change_colours, crop, shift
from googlenet_lib.errors import UsageError

EVERYTHING = Augmentation(flip=True, shift=2, crop=0.3, colour=0.5)


def draw(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(count, height=8, width=8):
    return torch.randint(0, 256, (count, 3, height, width), generator=draw()).to(torch.uint8)


def augmented(augment, images, seed=0):
    return augment(images, augment.draw(len(images), draw(seed)))


# ---- shift and flip ------------------------------------------------------------------------------


def slowly_shifted(picture, down, right):
    """One picture, moved by numpy's padding and a crop."""
    most = max(abs(down), abs(right))
    padded = np.pad(picture.numpy(), ((0, 0), (most, most), (most, most)), mode="reflect")
    height, width = picture.shape[1:]
    rows = slice(most + down, most + down + height)
    return torch.from_numpy(padded[:, rows, most + right : most + right + width].copy())


@pytest.mark.parametrize(("most", "height", "width"), [(1, 8, 8), (2, 6, 9), (7, 8, 8)])
def test_shift_is_that_of_a_slow_reference(most, height, width):
    images = noise(200, height, width)
    offsets = Augmentation(shift=most).draw(200, draw(5))["offset"]
    moved = shift(images, offsets)
    for picture, (down, right), result in zip(images, offsets.tolist(), moved, strict=True):
        assert torch.equal(result, slowly_shifted(picture, down, right))
    assert set(offsets[:, 0].tolist()) == set(offsets[:, 1].tolist()) == {*range(-most, most + 1)}


def test_flip_is_that_of_a_slow_reference():
    images, augment = noise(40, 5, 6), Augmentation(flip=True)
    draws = augment.draw(40, draw(5))
    assert 10 < int(draws["mirror"].sum()) < 30
    for picture, mirror, result in zip(
        images, draws["mirror"], augment(images, draws), strict=True
    ):
        expected = picture.numpy()[:, :, ::-1].copy() if mirror else picture.numpy()
        assert torch.equal(result, torch.from_numpy(expected))


def test_shift_beyond_the_picture_is_refused():
    with pytest.raises(UsageError, match="a shift of 8 pixels came for pictures of 8x8"):
        augmented(Augmentation(shift=8), noise(2))


# ---- crops and colours ---------------------------------------------------------------------------


def test_crop_is_the_box_brought_back_to_size():
    images = noise(1, 12, 16)
    box = torch.tensor([[3 / 12, 4 / 16, 6 / 12, 8 / 16]])  # half of each side
    expected = F.interpolate(
        images[:, :, 3:9, 4:12].float(), size=(12, 16), mode="bilinear", align_corners=False
    )
    got = crop(images, box)
    # at the rim, a crop of the whole picture still sees the pixels beyond the box
    torch.testing.assert_close(got[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1], rtol=0, atol=1e-3)


def test_crops_keep_the_share_and_the_form_that_the_paper_says():
    top, left, height, width = Augmentation(crop=0.08).draw(4000, draw())["box"].unbind(1)
    area, ratio = height * width, width / height
    assert 0.07 < float(area.min()) < 0.1  # less than 8% only where a side had to be cut to fit
    assert 0.9 < float(area.max()) <= 1
    assert 0.5 < float(area.mean()) < 0.56
    fits = (height < 1) & (width < 1)
    assert RATIOS[0] - 1e-3 < float(ratio[fits].min()) < 0.77
    assert 1.3 < float(ratio[fits].max()) < RATIOS[1] + 1e-3
    for start, size in ((top, height), (left, width)):
        assert float(start.min()) >= 0
        assert float((start + size).max()) <= 1 + 1e-6
        assert float(start.max()) > 0.5


def test_colours_are_those_of_torchvision():
    images = noise(20)
    factors = torch.empty(20, 3).uniform_(0.4, 1.6, generator=draw(1))
    got = change_colours(images, factors)
    for picture, (brightness, contrast, saturation), result in zip(
        images, factors.tolist(), got, strict=True
    ):
        expected = V.adjust_brightness(picture.float() / 255, brightness)
        expected = V.adjust_contrast(expected, contrast)
        expected = V.adjust_saturation(expected, saturation)
        # torchvision's grey has one digit more
        torch.testing.assert_close(result / 255, expected, rtol=0, atol=2e-3)


# ---- drawing -------------------------------------------------------------------------------------


def test_all_together_stay_in_range_and_leave_the_input_alone():
    images = noise(50)
    before = images.clone()
    changed = augmented(EVERYTHING, images)
    assert (changed.shape, changed.dtype) == (images.shape, torch.float32)
    assert 0 <= float(changed.min()) < float(changed.max()) <= 255
    assert torch.equal(images, before)


def test_a_picture_s_draw_is_its_own_whoever_else_is_in_the_batch():
    images, draws = noise(10), EVERYTHING.draw(10, draw())
    together = EVERYTHING(images, draws)
    odd = EVERYTHING(images[1::2], {name: drawn[1::2] for name, drawn in draws.items()})
    torch.testing.assert_close(together[1::2], odd)
