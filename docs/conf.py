"""The site: the course as pages, from its committed outputs. Nothing is run; torch is not needed.

python -m pip install -r docs/requirements.txt && sphinx-build -W docs site/
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE / "tools"), str(HERE.parent)]

from api_pages import write_api  # noqa: E402
from gather import NAME, REPOSITORY, SITE, gather  # noqa: E402

gather(HERE.parent, HERE)
write_api(HERE.parent, HERE)

project = "The GoogLeNet notebooks"
author = "The GoogLeNet notebooks authors"
copyright = "the GoogLeNet notebooks authors. Texts and figures CC BY 4.0, code MIT"
language = "en"

extensions = [
    "myst_nb",
    "sphinx_copybutton",
    "sphinx_design",
    "notfound.extension",
    "sphinxext.opengraph",
    "course_pages",
]
exclude_patterns = ["_build", "tools", "requirements.txt"]
nb_execution_mode = "off"  # what is shown is what the tests compared
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
myst_heading_slug_func = "course_pages.make_anchor"
add_module_names = False
smartquotes = False  # quotation marks in docstrings and in code belong to Python
suppress_warnings = ["config.cache"]

html_math_renderer = "mathml"  # drawn by the browser: no script, no other host
html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_favicon = "_static/favicon.svg"
html_domain_indices = False
html_show_sourcelink = False
html_copy_source = False
templates_path = ["_templates"]
html_sidebars = {"index": [], "**": ["course-nav.html"]}
notfound_urls_prefix = f"/{NAME}/"
# What other sites show beside a link to a page: tags alone, nothing is loaded from anywhere.
ogp_site_url = SITE
ogp_image = f"{SITE}_static/card.png"
ogp_image_alt = "The GoogLeNet notebooks, with a drawing of an Inception module's four branches"
ogp_social_cards = {"enable": False}
ogp_enable_meta_description = True
html_theme_options = {
    "navbar_center": [],
    "navbar_end": ["theme-switcher", "navbar-icon-links"],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "github_url": REPOSITORY,
}
