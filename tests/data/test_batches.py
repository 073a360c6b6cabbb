"""Batches: every picture once a pass, normalised exactly, augmented each by its own draw."""

import pytest
import torch
from samples import image_set
from torchvision.transforms.v2 import functional as V

from googlenet_lib.data import Augmentation, Batches, ImageSet, normalise
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


@pytest.mark.parametrize(
    ("count", "batch_size", "expected"),
    [
        (12, 4, [4, 4, 4]),
        (14, 4, [4, 4, 4, 2]),
        (13, 4, [4, 4, 5]),  # a last batch of one joins the one before
        (3, 1, [1, 1, 1]),
        (9, 10, [9]),  # all of them are one batch
        (1, 500, [1]),
    ],
)
def test_sizes_of_batches(count, batch_size, expected):
    for shuffle in (False, True):
        batches = Batches(marked(count), batch_size, shuffle=shuffle)
        assert [len(labels) for _, labels in batches] == expected
        assert len(batches) == len(expected)


# ---- values --------------------------------------------------------------------------------------


def test_values_are_normalised_by_mean_and_deviation():
    levels = torch.arange(256, dtype=torch.uint8).view(16, 16).expand(2, 3, 16, 16)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    ((images, _),) = Batches(ImageSet(levels, torch.zeros(2).long()), 2, mean=mean, std=std)
    expected = V.normalize(levels.double() / 255, mean, std)
    torch.testing.assert_close(images.double(), expected, rtol=0, atol=5e-7)
    assert images.dtype == torch.float32
    assert torch.equal(images[1], normalise(levels[1], mean, std))
    ends = normalise(torch.tensor([0, 255]).view(2, 1, 1, 1).expand(2, 3, 1, 1), *[(0.5,) * 3] * 2)
    assert ends[:, 0, 0, 0].tolist() == pytest.approx([-1, 1])


def test_layout_leaves_the_values_as_they_are():
    how = {"shuffle": True, "augment": Augmentation(flip=True, shift=2)}
    plain, last = (
        Batches(image_set(9), 4, channels_last=layout, **how) for layout in (False, True)
    )
    for (one, _), (other, _) in zip(plain, last, strict=True):
        assert torch.equal(one, other)
        assert one.is_contiguous()
        assert other.is_contiguous(memory_format=torch.channels_last)


# ---- augmentation, and shares of it --------------------------------------------------------------


@pytest.mark.parametrize("count", [16, 17, 19])
def test_processes_share_the_batches_of_one(count):
    def passed(rank=0, world_size=1):
        how = {"augment": Augmentation(flip=True, shift=2), "generator": draw(3), "shuffle": True}
        return [*Batches(image_set(count), 8, rank=rank, world_size=world_size, **how)]

    whole, shares = passed(), [passed(rank, 2) for rank in range(2)]
    assert [len(one) for one in shares] == [2, 2]
    if count != 19:
        for batch, *parts in zip(whole, *shares, strict=True):
            for tensor, *some in zip(batch, *parts, strict=True):
                assert torch.equal(tensor[0::2], some[0])
                assert torch.equal(tensor[1::2], some[1])
    # three pictures left would be two and one: they join the batch before
    assert sum(len(labels) for share in shares for _, labels in share) == count
    assert all(len(labels) > 1 for share in shares for _, labels in share)


def test_fewer_pictures_than_processes_are_refused():
    with pytest.raises(UsageError, match=r"a batch size of 2 came for 9 pictures; .* at least 3"):
        Batches(image_set(9), 2, rank=0, world_size=3)
    with pytest.raises(UsageError, match=r"a batch size of 8 came for 2 pictures; .* at least 3"):
        Batches(image_set(2), 8, rank=0, world_size=3)
    with pytest.raises(UsageError, match="a batch size of 0 came"):
        Batches(image_set(9), 0)
