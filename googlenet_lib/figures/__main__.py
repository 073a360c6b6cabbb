"""Draw the committed figures anew: `python -m googlenet_lib.figures images/`."""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt

from googlenet_lib.figures.images import folder_page, write_images

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m googlenet_lib.figures", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the SVG files and their page go")
    plt.switch_backend("svg")  # it needs no screen
    folder = parser.parse_args().folder
    written = write_images(folder)
    print(*written, sep="\n")
    page = folder / "README.md"
    page.write_text(
        folder_page({path.name: alt for path, alt in written.items()}),
        encoding="utf-8",
        newline="\n",
    )
    print(page)
