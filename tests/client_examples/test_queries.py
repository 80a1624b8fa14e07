"""The examples' operations: each is valid, and the page sends the very ones that are shown."""

import re
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from server import simulate_partner as partner

ROOT = Path(__file__).parent.parent.parent
QUERIES = sorted((ROOT / "client-examples" / "queries").glob("*.graphql"))
README = (ROOT / "README.md").read_text()
PAGE = (ROOT / "client-examples" / "live-operations" / "queries.js").read_text()
SCHEMA = build_schema((ROOT / "schema" / "schema.graphql").read_text())


def operations_of_the_page() -> set[str]:
    line = re.search(r"const LINE = `(.*?)`;", PAGE, re.DOTALL)
    assert line is not None
    found = re.findall(r"export const \w+ = `(.*?)`;", PAGE, re.DOTALL)
    return {text.replace("${LINE}", line[1]) for text in found}


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_an_example_is_valid(path: Path) -> None:
    errors = validate(SCHEMA, parse(path.read_text()))

    assert errors == []


def test_the_page_sends_the_operations_that_are_shown() -> None:
    shown = {path.read_text() for path in QUERIES}

    assert operations_of_the_page() <= shown
    assert len(operations_of_the_page()) == 4


def test_the_partner_sends_valid_mutations() -> None:
    for document in (partner.UPSERT_JOURNEY, partner.UPSERT_CONTACTS, partner.RECORD_EVENTS):
        assert validate(SCHEMA, parse(document)) == []


def test_the_readme_shows_valid_operations() -> None:
    pasted = re.findall(r'"query": "(.*?)"', README)
    shown = re.findall(r"```graphql\n(.*?)```", README, re.DOTALL)

    assert len(pasted) >= 2
    assert len(shown) >= 1
    for document in pasted + shown:
        assert validate(SCHEMA, parse(document)) == []
