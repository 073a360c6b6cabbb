"""Sets of pictures refuse what is none; splits are seeded, disjoint and complete."""

import pytest
import torch
from samples import image_set, tiny_data

from googlenet_lib.data import Data, ImageSet
from googlenet_lib.data.imageset import combine_checksums, split_validation
from googlenet_lib.errors import UsageError

PICTURES = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)
LABELS = torch.arange(4)


def numbered(count, classes=2):
    """Pictures that carry their own number, so that one can tell where each went."""
    numbers = torch.arange(count)
    pixels = torch.stack([numbers // 256, numbers % 256, numbers * 0], 1).to(torch.uint8)
    return ImageSet(pixels.view(count, 3, 1, 1), numbers % classes)


def numbers(images):
    return (images.images[:, 0, 0, 0].long() * 256 + images.images[:, 1, 0, 0]).tolist()


@pytest.mark.parametrize(
    "pictures",
    [
        PICTURES.float(),
        PICTURES.short(),
        PICTURES[0],
        PICTURES[:, :1],
        PICTURES.permute(0, 2, 3, 1),
    ],
    ids=["float", "int16", "one picture", "grey", "channels at the end"],
)
def test_pictures_of_another_type_or_shape_are_refused(pictures):
    with pytest.raises(UsageError, match=r"expected torch\.uint8 with shape \(N, 3, height"):
        ImageSet(pictures, LABELS)


@pytest.mark.parametrize("labels", [LABELS.float(), LABELS.int(), LABELS[:3], LABELS.view(4, 1)])
def test_labels_of_another_type_or_number_are_refused(labels):
    with pytest.raises(UsageError, match=r"expected torch\.int64 with shape \(4,\)"):
        ImageSet(PICTURES, labels)


@pytest.mark.parametrize(("side", "label"), [("train", -1), ("validation", 3), ("test", 3)])
def test_labels_out_of_range_are_refused_by_side(side, label):
    sides = {name: image_set(6) for name in ("train", "validation", "test")}
    sides[side].labels[2] = label
    with pytest.raises(UsageError, match=f"on the {side} side of x; expected 0 to 2"):
        Data("x", ("a", "b", "c"), **sides, checksum="")


def test_an_empty_side_is_refused():
    full = image_set(6)
    with pytest.raises(UsageError, match="the validation side of x holds no picture"):
        Data("x", ("a", "b", "c"), full, full[:0], full, checksum="")


# ---- limits --------------------------------------------------------------------------------------


def test_limited_takes_pictures_at_even_distances():
    sorted_by_class = ImageSet(numbered(100).images, torch.arange(100) // 50)
    data = Data("x", ("a", "b"), sorted_by_class, sorted_by_class, sorted_by_class, checksum="")
    assert numbers(data.limit(4).train) == [0, 25, 50, 75]
    assert numbers(data.limit(3).train) == [0, 33, 66]
    assert numbers(data.limit(100).train) == list(range(100))


@pytest.mark.parametrize("count", [0, 1.5, None])
def test_limit_below_one_is_refused(count):
    with pytest.raises(UsageError, match=f"a limit of {count} pictures"):
        tiny_data().limit(count)


# ---- splits --------------------------------------------------------------------------------------


@pytest.mark.parametrize("stratified", [False, True])
def test_split_is_disjoint_and_complete_and_repeats(stratified):
    everything = numbered(50)
    rest, validation = split_validation(everything, 7, seed=3, stratified=stratified)
    assert (len(rest), len(validation)) == (43, 7)
    assert sorted(numbers(rest) + numbers(validation)) == list(range(50))
    for part in (rest, validation):
        assert part.labels.tolist() == [number % 2 for number in numbers(part)]
    again = split_validation(everything, 7, seed=3, stratified=stratified)
    assert [numbers(part) for part in again] == [numbers(rest), numbers(validation)]
    other = split_validation(everything, 7, seed=4, stratified=stratified)
    assert sorted(numbers(other[1])) != sorted(numbers(validation))


def test_stratified_split_takes_the_same_share_of_every_class():
    labels = torch.tensor([0] * 60 + [1] * 30 + [2] * 10)
    everything = ImageSet(numbered(100).images, labels)
    for seed in range(5):
        rest, validation = split_validation(everything, 10, seed=seed, stratified=True)
        assert validation.labels.bincount().tolist() == [6, 3, 1]
        assert rest.labels.bincount().tolist() == [54, 27, 9]


def test_split_leaves_one_of_each_class_and_changes_nothing_else():
    labels = torch.tensor([0] * 40 + [1] * 9 + [2])
    everything = ImageSet(numbered(50).images, labels)
    for seed in range(20):
        order = torch.randperm(50, generator=torch.Generator().manual_seed(seed)).tolist()
        rest, validation = split_validation(everything, 10, seed=seed)
        assert rest.labels.unique().tolist() == [0, 1, 2]
        assert sorted(numbers(rest) + numbers(validation)) == list(range(50))
        changed = set(order[-10:]) - set(numbers(validation))
        assert changed == ({49} & set(order[-10:]))
    few = ImageSet(numbered(4).images, torch.tensor([0, 0, 1, 2]))
    rest, validation = split_validation(few, 1)
    assert (rest.labels.sort().values.tolist(), validation.labels.tolist()) == ([0, 1, 2], [0])
    with pytest.raises(UsageError, match="one of each of 3 classes is left to train on: add"):
        split_validation(few, 2)
    for count in (0, 50):
        with pytest.raises(UsageError, match=f"{count} pictures were to be set aside out of 50"):
            split_validation(numbered(50), count)


# ---- checksums -----------------------------------------------------------------------------------


def test_digest_is_of_pixels_and_labels():
    digest = image_set(6).digest()
    assert digest == image_set(6).digest()
    pixel, label = image_set(6), image_set(6)
    pixel.images[3, 1, 4, 5] += 1
    label.labels[3] += 1
    assert len({digest, pixel.digest(), label.digest(), image_set(6)[:5].digest()}) == 4
    assert len(digest) == 64


def test_digest_sees_values_not_memory():
    images = image_set(6)
    turned = ImageSet(images.images.contiguous(memory_format=torch.channels_last), images.labels)
    assert turned.digest() == images.digest()


def test_combined_checksum_knows_one_side_from_another():
    train, test = image_set(6), image_set(4)
    assert combine_checksums(train, test) == combine_checksums(image_set(6), image_set(4))
    assert combine_checksums(train, test) != combine_checksums(test, train)
    assert combine_checksums(train, test) != combine_checksums(train)


class OnGPU(torch.Tensor):
    """Stands for a tensor on a GPU, of which NumPy takes none."""

    def numpy(self):
        raise TypeError("can't convert a tensor of a GPU to NumPy")

    def cpu(self):
        return self.as_subclass(torch.Tensor)


def test_digest_of_pictures_on_a_gpu():
    here = image_set(4)
    there = ImageSet(here.images.as_subclass(OnGPU), here.labels.as_subclass(OnGPU))
    assert there.digest() == here.digest()
