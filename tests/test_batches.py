"""Batches: every picture once a pass, normalised exactly, augmented each by its own draw."""

import numpy as np
import pytest
import torch
from samples import image_set, tiny_data

from googlenet_lib.data import Augmentation, Batches, ImageSet, load
from googlenet_lib.data.batches import shifted
from googlenet_lib.errors import UsageError


def draw(seed=0):
    return torch.Generator().manual_seed(seed)


def marked(count, size=4):
    """Pictures that carry their own number in every pixel, as do their labels."""
    images = torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, size, size)
    return ImageSet(images.contiguous(), torch.arange(count))


def order_of(batches):
    return torch.cat([labels for _, labels in batches]).tolist()


# ---- order and sizes -----------------------------------------------------------------------------


def test_every_picture_comes_once_a_pass_with_its_label():
    batches = Batches(marked(23), 5, shuffle=True, mean=(0, 0, 0), std=(1, 1, 1))
    for _ in range(2):
        images = torch.cat([images for images, _ in batches])
        assert sorted(order_of(batches)) == list(range(23))
        assert sorted((images[:, 0, 0, 0] * 255).round().int().tolist()) == list(range(23))
    for images, labels in batches:
        assert torch.equal((images[:, 2, 1, 3] * 255).round().long(), labels)


def test_order_differs_between_passes_and_repeats_with_the_generator():
    generator = draw(1)
    batches = Batches(marked(50), 8, shuffle=True, generator=generator)
    first = order_of(batches)
    state = generator.get_state()
    second = order_of(batches)
    assert first != second
    assert order_of(Batches(marked(50), 8, shuffle=True, generator=draw(1))) == first
    generator.set_state(state)
    assert order_of(batches) == second


def test_without_shuffle_the_order_is_that_of_the_set():
    generator = draw()
    batches = Batches(marked(9), 4, generator=generator)
    assert order_of(batches) == list(range(9))
    assert torch.equal(generator.get_state(), draw().get_state())


@pytest.mark.parametrize(
    ("count", "batch_size", "expected"),
    [
        (12, 4, [4, 4, 4]),
        (14, 4, [4, 4, 4, 2]),
        (13, 4, [4, 4, 5]),  # a last batch of one joins the one before
        (5, 4, [5]),
        (4, 4, [4]),
        (3, 2, [3]),
        (3, 1, [1, 1, 1]),
    ],
)
def test_sizes_of_batches(count, batch_size, expected):
    for shuffle in (False, True):
        batches = Batches(marked(count), batch_size, shuffle=shuffle)
        assert [len(labels) for _, labels in batches] == expected
        assert len(batches) == len(expected)


def test_one_picture_alone_can_be_evaluated():
    assert [len(labels) for _, labels in Batches(marked(1), 500)] == [1]


def test_batch_larger_than_the_training_side_is_refused():
    with pytest.raises(UsageError, match="there are 9 training pictures; use --set batch_size=9"):
        Batches(marked(9), 10, shuffle=True)
    assert len(Batches(marked(9), 10)) == 1  # to evaluate, any size will do


@pytest.mark.parametrize("batch_size", [0, -1])
def test_batch_below_one_is_refused(batch_size):
    with pytest.raises(UsageError, match=f"a batch size of {batch_size} came"):
        Batches(marked(9), batch_size)


# ---- values --------------------------------------------------------------------------------------


def test_values_are_normalised_by_mean_and_deviation():
    levels = torch.arange(256, dtype=torch.uint8)
    every_level = ImageSet(levels.view(1, 1, 16, 16).expand(2, 3, 16, 16), torch.zeros(2).long())
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    ((images, _),) = Batches(every_level, 2, mean=mean, std=std)
    for channel in range(3):
        expected = (levels.double() / 255 - mean[channel]) / std[channel]
        torch.testing.assert_close(
            images[1, channel].flatten().double(), expected, rtol=0, atol=5e-7
        )
    assert images.dtype == torch.float32


def test_half_and_half_spans_minus_one_to_one():
    ends = ImageSet(
        torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 3, 1, 1),
        torch.zeros(2).long(),
    )
    ((images, _),) = Batches(ends, 2)
    assert images[:, 0, 0, 0].tolist() == pytest.approx([-1, 1])


def test_memory_format():
    for channels_last in (False, True):
        ((images, _),) = Batches(image_set(4), 4, channels_last=channels_last)
        assert images.is_contiguous(memory_format=torch.channels_last) == channels_last
        assert images.is_contiguous() != channels_last
        assert images.shape == (4, 3, 8, 8)


def test_layout_leaves_the_values_as_they_are():
    batches = [
        Batches(
            image_set(9),
            4,
            shuffle=True,
            channels_last=channels_last,
            augment=Augmentation(flip=True, shift=2),
        )
        for channels_last in (False, True)
    ]
    for (one, _), (other, _) in zip(*batches, strict=True):
        assert torch.equal(one, other)


# ---- augmentation --------------------------------------------------------------------------------


def slowly_shifted(picture, down, right):
    """One picture, moved by numpy's padding and a crop."""
    most = max(abs(down), abs(right))
    padded = np.pad(picture.numpy(), ((0, 0), (most, most), (most, most)), mode="reflect")
    height, width = picture.shape[1:]
    rows = slice(most + down, most + down + height)
    return torch.from_numpy(padded[:, rows, most + right : most + right + width].copy())


@pytest.mark.parametrize(("most", "height", "width"), [(1, 8, 8), (2, 6, 9), (7, 8, 8)])
def test_shift_is_that_of_a_slow_reference(most, height, width):
    count = 200
    images = torch.randint(0, 256, (count, 3, height, width), generator=draw()).to(torch.uint8)
    moved = shifted(images, most, draw(5))
    down, right = torch.randint(-most, most + 1, (2, count, 1), generator=draw(5)).squeeze(-1)
    for i in range(count):
        assert torch.equal(moved[i], slowly_shifted(images[i], int(down[i]), int(right[i])))
    assert set(down.tolist()) == set(right.tolist()) == set(range(-most, most + 1))


def test_flip_is_that_of_a_slow_reference():
    images = torch.randint(0, 256, (40, 3, 5, 6), generator=draw()).to(torch.uint8)
    flipped = Augmentation(flip=True)(images, draw(5))
    mirrored = torch.rand(40, generator=draw(5)) < 0.5
    assert 10 < int(mirrored.sum()) < 30
    for i in range(40):
        expected = np.fliplr(images[i].permute(1, 2, 0)) if mirrored[i] else None
        assert torch.equal(
            flipped[i],
            images[i] if expected is None else torch.tensor(expected.copy()).permute(2, 0, 1),
        )


@pytest.mark.parametrize("augment", [Augmentation(flip=True), Augmentation(shift=2)])
def test_each_picture_of_a_batch_draws_its_own(augment):
    same = image_set(1).images.expand(300, -1, -1, -1)
    results = {picture.numpy().tobytes() for picture in augment(same, draw())}
    assert len(results) == (2 if augment.flip else 25)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_augmentation_keeps_shape_type_and_input(dtype):
    images = image_set(6).images.to(dtype)
    before = images.clone()
    augmented = Augmentation(flip=True, shift=3)(images, draw())
    assert (augmented.shape, augmented.dtype) == (images.shape, dtype)
    assert torch.equal(images, before)
    assert not torch.equal(augmented, before)


def test_no_augmentation_changes_and_draws_nothing():
    generator = draw()
    assert torch.equal(Augmentation()(image_set(6).images, generator), image_set(6).images)
    assert torch.equal(generator.get_state(), draw().get_state())


def test_augmentation_differs_between_passes_and_repeats_with_the_generator():
    def passes(seed):
        batches = Batches(
            image_set(8), 8, augment=Augmentation(flip=True, shift=2), generator=draw(seed)
        )
        return [next(iter(batches))[0] for _ in range(2)]

    first, second = passes(0)
    assert not torch.equal(first, second)
    assert all(torch.equal(*pair) for pair in zip(passes(0), [first, second], strict=True))


@pytest.mark.parametrize("most", [8, 20])
def test_shift_beyond_the_picture_is_refused(most):
    with pytest.raises(UsageError, match=f"a shift of {most} pixels came for pictures of 8x8"):
        Augmentation(shift=most)(image_set(2).images, draw())


def test_sets_say_whether_their_pictures_may_be_mirrored():
    assert not load("digits").mirrors
    assert tiny_data().mirrors
