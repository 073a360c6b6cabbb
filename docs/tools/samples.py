"""Cut the demo's sample pictures from those that scikit-learn and scikit-image ship.

    python docs/tools/samples.py docs/_static/demo/samples

Needs scikit-image, which the course itself does not. Sources and licences are named below the demo.
"""

import sys
from pathlib import Path

import skimage.data
from PIL import Image, ImageOps
from sklearn.datasets import load_sample_images

SIDE = 128  # pixels


def load_pictures() -> dict[str, Image.Image]:
    """Load the six pictures by the names that their files get."""
    temple, flower = load_sample_images().images
    arrays = {
        "temple": temple,
        "flower": flower,
        "cat": skimage.data.chelsea(),
        "rocket": skimage.data.rocket(),
        "coffee": skimage.data.coffee(),
        "astronaut": skimage.data.astronaut(),
    }
    return {name: Image.fromarray(array) for name, array in arrays.items()}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in load_pictures().items():
        ImageOps.fit(picture, (SIDE, SIDE)).save(folder / f"{name}.jpg", quality=90)
