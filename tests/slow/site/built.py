"""The built site as the tests in a browser see it: its folder, its pages, three ways to look."""

import shutil
from pathlib import Path

SITE = Path(__file__).parents[3] / "site"
PREFIX = "/googlenet-notebooks"  # as GitHub Pages serves a project
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
PAGES = sorted(
    path.relative_to(SITE).as_posix()
    for path in SITE.rglob("*.html")
    if path.name not in ("genindex.html", "search.html", "404.html")
    and "_static" not in path.parts  # the theme's own macros are no page
)
LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}
