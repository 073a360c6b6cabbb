"""Link each term of the glossary where a page first uses it, with its line as a tip."""

import html
import re
from dataclasses import dataclass

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

ROW = re.compile(r"^\| \*\*(?P<term>.+?)\*\*(?: \((?P<forms>.+?)\))? \| (?P<says>.+?) \| \[", re.M)
# Where a word is no prose: it is code, a formula, a heading, or leads somewhere already.
NO_PROSE = (
    nodes.literal, nodes.literal_block, nodes.math, nodes.raw, nodes.title,
    nodes.reference, addnodes.pending_xref,
)  # fmt: skip


@dataclass(frozen=True)
class Term:
    """A row of the glossary: the term, its other forms, and the line that explains it."""

    name: str
    forms: tuple[str, ...]
    says: str

    @property
    def anchor(self) -> str:
        """Where the glossary's page has the term."""
        return "term-" + re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


def read_terms(glossary: str) -> list[Term]:
    """Read the terms from the glossary's Markdown."""
    return [
        Term(row["term"], tuple((row["forms"] or "").split(", ")), _plain(row["says"]))
        for row in ROW.finditer(glossary)
    ]


def _plain(markdown: str) -> str:
    return re.sub(r"[`*]|\$", "", re.sub(r"\[(.+?)\]\(.+?\)", r"\1", markdown))


def find_words(terms: list[Term]) -> tuple[re.Pattern, dict[str, Term]]:
    """Return a pattern that finds any form of any term, longest first, and whose each form is."""
    of = {form.casefold(): term for term in terms for form in term.forms if form}
    of |= {term.name.casefold(): term for term in terms}
    of |= {f"{form}s": term for form, term in of.items() if f"{form}s" not in of}
    longest_first = sorted(of, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, longest_first))})(?![\w-])", re.I), of


class LinkTerms(SphinxTransform):
    """Link the first use of each term on a lesson's page, and give the glossary its anchors."""

    default_priority = 700  # after the text is complete

    def apply(self, **_options: object) -> None:
        folder, _, page = self.env.docname.rpartition("/")
        if folder != "course" or page == "index":
            return
        terms = read_terms((self.env.srcdir / "course" / "glossary.md").read_text("utf-8"))
        if page == "glossary":
            anchors = {term.name: term.anchor for term in terms}
            for strong in self.document.findall(nodes.strong):
                if strong.astext() in anchors:
                    strong["ids"].append(anchors[strong.astext()])
        else:
            self._link(*find_words(terms))

    def _link(self, pattern: re.Pattern, of: dict[str, Term]) -> None:
        seen: set[Term] = set()
        for text in list(self.document.findall(nodes.Text)):
            if _is_prose(text):
                parts = _split(text.astext(), pattern, of, seen)
                if len(parts) > 1:
                    text.parent.replace(text, parts)


def _is_prose(text: nodes.Text) -> bool:
    node, in_paragraph = text.parent, False
    while node is not None:
        if isinstance(node, NO_PROSE):
            return False
        in_paragraph = in_paragraph or isinstance(node, nodes.paragraph)
        node = node.parent
    return in_paragraph


def _split(
    text: str, pattern: re.Pattern, of: dict[str, Term], seen: set[Term]
) -> list[nodes.Node]:
    """Split a text at the terms that it is the first to use, which become links."""
    parts, end = [], 0
    for match in pattern.finditer(text):
        term = of[match[0].casefold()]
        if term in seen:
            continue
        seen.add(term)
        opening = (
            f'<a class="term" href="glossary.html#{term.anchor}" '
            f'data-says="{html.escape(term.says)}">'
        )
        parts += [
            nodes.Text(text[end : match.start()]),
            nodes.raw("", opening, format="html"),
            nodes.Text(match[0]),
            nodes.raw("", "</a>", format="html"),
        ]
        end = match.end()
    return [*parts, nodes.Text(text[end:])]
