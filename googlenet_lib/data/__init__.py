"""Pictures in, batches on the device out."""

from googlenet_lib.data.augment import Augmentation
from googlenet_lib.data.batches import Batches, normalise
from googlenet_lib.data.imageset import CIFAR10_CLASSES, Data, ImageSet
from googlenet_lib.data.load import find_cifar10, load
from googlenet_lib.data.shapes import SHAPES, draw_shapes
from googlenet_lib.data.stream import PictureFiles, make_batches

__all__ = [
    "CIFAR10_CLASSES",
    "SHAPES",
    "Augmentation",
    "Batches",
    "Data",
    "ImageSet",
    "PictureFiles",
    "draw_shapes",
    "find_cifar10",
    "load",
    "make_batches",
    "normalise",
]
