"""The glossary is in order, and each term stands in the section that it names.

That its links lead somewhere is tested with those of the guide, in test_teaching_guide.py.
"""

import re

from course_map import GLOSSARY, all_sections, rows

ROWS = rows(GLOSSARY.read_text(encoding="utf-8"))
TERMS = [re.fullmatch(r"\*\*(.+?)\*\*(?: \((.+)\))?", row[0]) for row in ROWS]


def test_every_row_is_a_term_a_line_and_a_link():
    for row, term in zip(ROWS, TERMS, strict=True):
        assert term, row
        says, link = row[1:]
        assert says.endswith("."), row
        assert re.fullmatch(r"\[.+\]\(\S+\.ipynb#\S+\)", link), row


def test_terms_are_in_order_and_stand_once():
    terms = [term[1].casefold() for term in TERMS]
    assert terms == sorted(set(terms))


def test_each_term_stands_in_its_section():
    sections = all_sections()
    for row, term in zip(ROWS, TERMS, strict=True):
        text = " ".join(sections[re.search(r"\]\((.*)\)", row[2])[1]].text.split()).casefold()
        forms = [term[1], *(term[2] or "").split(", ")]
        # whole words, so that "map" is not found in "mapping"; a plural will do
        assert any(
            re.search(rf"(?<!\w){re.escape(form.casefold())}s?(?!\w)", text)
            for form in filter(None, forms)
        ), forms
