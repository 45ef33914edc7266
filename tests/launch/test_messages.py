"""The catalogues say in each language what the code says, and nothing stands outside of them."""

import ast
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from launch.messages import LOCALE, ROOT, SOURCES, compiled, template, untranslated, updated

CATALOGUES = sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# Names, and what is the same in every language.
NAMES = {"Connector", "Shopify", "WooCommerce"}


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_a_catalogue_holds_every_message_of_the_code_translated(path: Path) -> None:
    kept = read_po(io.BytesIO(path.read_bytes()))
    code = {(message.id, message.context) for message in template() if message.id}

    assert {(message.id, message.context) for message in kept if message.id} == code
    assert untranslated(kept) == []
    assert [str(error) for _message, errors in kept.check() for error in errors] == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_what_django_reads_was_made_of_what_people_translate(path: Path) -> None:
    assert path.with_suffix(".mo").read_bytes() == compiled(updated(path))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_word_of_a_template_stands_outside_of_a_translation(path: Path) -> None:
    text = re.sub(r"(?s){% blocktranslate.*?{% endblocktranslate %}", "", path.read_text("utf-8"))
    text = re.sub(r"(?s)<(code|pre).*?</\1>", "", text)
    text = re.sub(r"(?s){#.*?#}|{%.*?%}|{{.*?}}|<!--.*?-->|<[^>]*>|&\w+;", " ", text)

    assert set(re.findall(r"[^\W\d_]{2,}", text)) <= NAMES


def test_no_message_hides_in_an_f_string_where_it_is_not_found() -> None:
    assert list(hidden()) == []


def hidden() -> Iterator[str]:
    for path in [path for source in SOURCES for path in (ROOT / source).rglob("*.py")]:
        tree = ast.parse(path.read_text("utf-8"))
        texts = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
        for call in [node for text in texts for node in ast.walk(text)]:
            name = getattr(getattr(call, "func", None), "id", "")
            if name == "_" or "gettext" in name:
                yield f"{path.relative_to(ROOT)}:{call.lineno}"
