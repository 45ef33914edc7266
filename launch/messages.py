"""Keeps the catalogues of locale/ in step with the code: `make messages`.

Takes every message out of the Python modules and the templates into each language's .po, where people
translate, and compiles the .mo, which Django reads. A message that has changed loses its translation,
and the test of the catalogues names it.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).parent.parent
LOCALE = ROOT / "locale"
SOURCES = ("conversions", "dashboard", "purchases", "shop_webhooks", "stores", "connector")
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
}


def main() -> int:
    """Bring every catalogue up to date; exit with 1 where a translation is missing."""
    missing = 0
    for path in sorted(LOCALE.glob("*/LC_MESSAGES/django.po")):
        catalogue = updated(path)
        with path.open("wb") as written:
            write_po(written, catalogue, width=100, ignore_obsolete=True, include_lineno=False)
        path.with_suffix(".mo").write_bytes(compiled(catalogue))
        lacking = untranslated(catalogue)
        missing += len(lacking)
        sys.stdout.write(f"{path.relative_to(ROOT)}: {len(catalogue)} messages\n")
        sys.stdout.writelines(f"  not translated: {message}\n" for message in lacking)
    return 1 if missing else 0


def updated(path: Path) -> Catalog:
    """The catalogue at `path` with the messages that the code has now, and no others."""
    with path.open("rb") as kept:
        catalogue = read_po(kept)
    catalogue.update(template(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    return catalogue


def template() -> Catalog:
    """Every message of the code, without translations."""
    catalogue = Catalog(fuzzy=False)
    for place, message, context in _messages():
        catalogue.add(message, locations=[(place, 0)], context=context)
    return catalogue


def compiled(catalogue: Catalog) -> bytes:
    """The catalogue as a .mo."""
    written = io.BytesIO()
    write_mo(written, catalogue)
    return written.getvalue()


def untranslated(catalogue: Catalog) -> list[str]:
    """The messages that have no translation, in whole or in one of their plural forms."""
    return [
        str(message.id)
        for message in catalogue
        if message.id
        and not all(message.string if isinstance(message.string, tuple) else [message.string])
    ]


def _messages() -> Iterator[tuple[str, str | tuple[str, ...], str | None]]:
    for path in _files():
        place, text = path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
        code = _as_python(text) if path.suffix == ".html" else text
        found = extract("python", io.BytesIO(code.encode()), KEYWORDS)
        for _line, message, _comments, context in found:
            yield place, message, context


def _as_python(template: str) -> str:
    """The template's translations as calls; its own indentation means nothing to Python."""
    return "\n".join(line.lstrip() for line in templatize(template).splitlines())


def _files() -> list[Path]:
    modules = [path for source in SOURCES for path in (ROOT / source).rglob("*.py")]
    return sorted([*modules, *(ROOT / "templates").rglob("*.html")])


if __name__ == "__main__":
    sys.exit(main())
