"""Draw the committed figures anew: `python -m googlenet_lib.figures images/`."""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt

from googlenet_lib.figures.images import write_images

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m googlenet_lib.figures", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the SVG files go")
    plt.switch_backend("svg")  # it needs no screen
    for path in write_images(parser.parse_args().folder):
        print(path)
