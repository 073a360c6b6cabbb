"""Mend what a plain build of the course gets wrong: alt texts, anchors, badges, maths."""

import re
from pathlib import Path
from xml.etree import ElementTree

import imagesize
from docutils import nodes
from gather import REPOSITORY, fill_landing_page, lead_home
from latex2mathml.converter import convert
from myst_nb.core.render import NbElementRenderer
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from terms import LinkTerms

from googlenet_lib.course.lessons import LESSONS

EXPLORERS = Path(__file__).parents[1] / "_static" / "explorers"
COLAB = "https://colab.research.google.com"
COLAB_BADGE = f"{COLAB}/assets/colab-badge.svg"

_render_image = NbElementRenderer.render_image


def make_anchor(title: str) -> str:
    """Return JupyterLab's anchor of a heading, which glossary and guide link to."""
    return title.strip().replace(" ", "-").replace("%", "%25")


def render_image(renderer: NbElementRenderer, data: object) -> list[nodes.Element]:
    """Render a figure with its alt text, of which MyST-NB keeps width and height alone."""
    images = _render_image(renderer, data)
    alt = data.output_metadata.get(data.mime_type, {}).get("alt")
    for image in images:
        if alt:
            image["alt"] = alt
        # a figure has its own opaque ground: no filter and no second frame in dark mode
        image["classes"] = [*image.get("classes", []), "dark-light"]
    return images


class MendPages(SphinxTransform):
    """Replace pictures of other hosts, and drop the empty heads of tables."""

    default_priority = 100  # before images are collected

    def apply(self, **_options: object) -> None:
        for image in self.document.findall(nodes.image):
            if image["uri"] == COLAB_BADGE:
                image["uri"] = "/_static/colab-badge.svg"
            if image["uri"].endswith(".svg"):
                image["classes"] = [*image.get("classes", []), "dark-light"]
        for head in list(self.document.findall(nodes.thead)):
            if not head.astext().strip():
                head.parent.remove(head)
        for cell in list(self.document.findall(nodes.container)):
            if cell.get("nb_element") == "cell_code":
                for name in re.findall(r"^(?:\w+\.)?(explore_\w+)\(", cell.astext(), re.M):
                    lesson = self.env.docname.rpartition("/")[2]
                    cell += nodes.raw("", place_explorer(name, lesson), format="html")


def place_explorer(name: str, lesson: str) -> str:
    """Write what stands below a cell that calls an explorer.

    It is the explorer as a module of JavaScript or as drawn states, or else where to go for it.
    """
    address = REPOSITORY.replace("https://github.com", f"{COLAB}/github")
    link = f'<a href="{address}/blob/main/notebooks/{lesson}.ipynb">open the lesson in Colab</a>'
    if (EXPLORERS / f"{name}.js").is_file():
        drawn = ""
    elif (EXPLORERS / name).is_dir():
        drawn = " drawn"
    else:
        return f"<p>This explorer trains networks, which a page cannot do. To use it, {link}.</p>"
    return (
        f'<course-explorer name="{name}"{drawn}>'
        f"<p>This explorer needs JavaScript; without it, {link}.</p></course-explorer>"
    )


class GiveSizes(SphinxPostTransform):
    """Write the size of every image into its page, which then keeps its room before it comes.

    So it need not come before a reader is near it.
    """

    default_priority = 100

    def run(self, **_options: object) -> None:
        for image in self.document.findall(nodes.image):
            path = Path(self.env.srcdir) / image["uri"]
            if path.is_file():
                width, height = read_size(path)
                shown = int(image.setdefault("width", str(round(width))))
                image["height"] = str(round(shown * height / width))
                image["loading"] = "lazy"


def read_size(path: Path) -> tuple[float, float]:
    """Read how wide and how high an image is, in its own units."""
    if path.suffix != ".svg":
        return imagesize.get(path)
    drawing = ElementTree.parse(path).getroot()
    box = drawing.get("viewBox") or f"0 0 {drawing.get('width')} {drawing.get('height')}"
    return tuple(map(float, box.split()[2:]))


class DescribeLessons(SphinxTransform):
    """Describe a lesson to search engines by its question, not by the badge on its top."""

    default_priority = 100

    def apply(self, **_options: object) -> None:
        questions = {f"course/{lesson.name}": lesson.question for lesson in LESSONS}
        if question := questions.get(self.env.docname):
            says = f"{question} A lesson on GoogLeNet (Inception v1) that you run and check."
            self.env.metadata[self.env.docname]["og:description"] = says
            self.document.insert(0, nodes.meta("", name="description", content=says))


def lead_into_site(_app: Sphinx, name: str, source: list[str]) -> None:
    """Lead a document's links home; those of other folders were led when they were gathered."""
    if name == "index":
        source[0] = fill_landing_page(source[0])
    if "/" not in name:
        source[0] = lead_home(source[0], "")


def write_inline_maths(translator: object, node: nodes.math) -> None:
    """Write a formula within a line as MathML, which browsers draw without a script."""
    translator.body.append(convert(node.astext()))
    raise nodes.SkipNode


def write_display_maths(translator: object, node: nodes.math_block) -> None:
    """Write a formula of its own line as MathML."""
    formula = convert(node.astext(), display="block")
    translator.body.append(f'<div class="formula" tabindex="0">{formula}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register all of it with Sphinx."""
    NbElementRenderer.render_image = render_image
    app.add_transform(MendPages)
    app.add_post_transform(GiveSizes)
    app.add_transform(LinkTerms)
    app.add_transform(DescribeLessons)
    app.connect("source-read", lead_into_site)
    app.add_js_file("explorer.js", type="module")
    app.add_js_file("terms.js", type="module")
    app.add_html_math_renderer("mathml", (write_inline_maths, None), (write_display_maths, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
