"""The glossary is in order, and each term stands in the section that it names.

That its links lead somewhere is tested with those of the guide, in test_teaching_guide.py.
"""

import re

import pytest
from course_map import GLOSSARY, all_sections, rows

ROWS = rows(GLOSSARY.read_text(encoding="utf-8"))
TERMS = [re.fullmatch(r"\*\*(.+?)\*\*(?: \((.+)\))?", row[0]) for row in ROWS]


@pytest.fixture(scope="module")
def sections():
    return all_sections()


def test_every_row_is_a_term_a_line_and_a_link():
    assert len(ROWS) > 80
    for row, term in zip(ROWS, TERMS, strict=True):
        assert term, row
        said, link = row[1:]
        assert said.endswith("."), row
        assert len(said.split()) <= 25, "one line"
        assert re.fullmatch(r"\[.+\]\(\S+\.ipynb#\S+\)", link), row


def test_terms_are_in_order_and_stand_once():
    terms = [term[1].casefold() for term in TERMS]
    assert terms == sorted(set(terms))


@pytest.mark.parametrize(("row", "term"), [*zip(ROWS, TERMS, strict=True)], ids=lambda one: one[0])
def test_the_term_stands_in_its_section(row, term, sections):
    text = " ".join(sections[re.search(r"\]\((.*)\)", row[2])[1]].text.split()).casefold()
    forms = [term[1], *(term[2] or "").split(", ")]
    # whole words, so that "map" is not found in "mapping"; a plural will do
    assert any(
        re.search(rf"(?<!\w){re.escape(form.casefold())}s?(?!\w)", text)
        for form in filter(None, forms)
    ), forms
