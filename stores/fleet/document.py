"""YAML 1.2 as places: values that know their path and line, and collect what is wrong with them.

Works on the composed nodes, not on constructed objects: a country NO stays a text, an id keeps its
leading zeros, and every complaint can name its line. A value of null counts as not said.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from stores.fleet.entries import SecretEntry
from stores.secrets import Secret

MOST_BYTES = 2_000_000
DEEPEST = 20  # levels; a fleet file has six

REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class FleetError(Exception):
    """A fleet file that cannot be meant. `problems` are sentences; none of them holds a value
    that could be a secret."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Problems:
    """What is wrong with a file, by line."""

    def __init__(self) -> None:
        self._found: list[tuple[int, str]] = []

    def add(self, sentence: str, *, line: int) -> None:
        """Note a problem."""
        self._found.append((line, sentence))

    def raise_if_any(self) -> None:
        """Raise FleetError with all of them in the order of the file."""
        if self._found:
            raise FleetError(*(sentence for _, sentence in sorted(self._found)))


def open_document(content: bytes, *, environ: Mapping[str, str]) -> tuple[Place, Problems]:
    """The top of the file, and where all its places write their problems.

    Raises FleetError for what is no YAML mapping at all.
    """
    problems = Problems()
    node = _compose(content)
    if node is None:
        raise FleetError("The file is empty.")
    if not isinstance(node, MappingNode):
        raise FleetError("The file must hold keys and values (version: 1 …), not a list or a text.")
    _refuse_aliases(node, set(), depth=0)
    return Place(node, path="", problems=problems, environ=environ), problems


class Place:
    """One value of the file. What cannot be used is written to `problems` and read as nothing."""

    def __init__(
        self, node: Node, *, path: str, problems: Problems, environ: Mapping[str, str]
    ) -> None:
        self._node = node
        self._problems = problems
        self._environ = environ
        self.path = path
        self.line = node.start_mark.line + 1

    def wrong(self, message: str, *, hint: str = "") -> None:
        """Complain: `message` follows the path, `hint` the line. What a variable holds is not told."""
        written = self._scalar(quiet=True)
        if (reference := REFERENCE.fullmatch(written)) and (value := self._held(reference[1])):
            message = message.replace(repr(value), written).replace(value, written)
        sentence = f"{self.path}: {message} (line {self.line}){hint and '; ' + hint}"
        self._problems.add(sentence, line=self.line)

    def lacks(self, key: str) -> None:
        """Complain that `key` is missing here."""
        if isinstance(self._node, MappingNode):
            sentence = f"{_join(self.path, key)}: is missing (line {self.line})"
            self._problems.add(sentence, line=self.line)

    @property
    def is_mapping(self) -> bool:
        """Whether keys and values stand here."""
        return isinstance(self._node, MappingNode)

    def keys(self, *, known: Collection[str], later: Collection[str] = ()) -> dict[str, Place]:
        """The places of the `known` keys that are said here. `later` ones are refused by name."""
        found = self.entries()
        for key, place in found.items():
            if key in later:
                place.wrong("not supported yet")
            elif key not in known:
                close = get_close_matches(key, known, n=1)
                place.wrong("unknown key", hint=f"did you mean {close[0]}?" if close else "")
        return {key: found[key] for key in found if key in known and not found[key]._is_null}

    def entries(self) -> dict[str, Place]:
        """The places of all keys, whatever their names."""
        if not isinstance(self._node, MappingNode):
            self.wrong("must hold keys and values")
            return {}
        found: dict[str, Place] = {}
        for key, value in self._node.value:
            name = key.value if isinstance(key, ScalarNode) else "?"
            place = self._at(value, _join(self.path, name), line=key.start_mark.line + 1)
            if name in found:
                place.wrong(f"given twice, first in line {found[name].line}")
            found.setdefault(name, place)
        return found

    def items(self) -> list[Place]:
        """The places of a list."""
        if isinstance(self._node, SequenceNode):
            return [
                self._at(node, f"{self.path}[{index}]")
                for index, node in enumerate(self._node.value)
            ]
        self.wrong("must be a list")
        return []

    def text(self) -> str:
        """The text as it is written, or that of the variable it refers to; "" if there is none."""
        written = self._scalar()
        if reference := REFERENCE.fullmatch(written):
            return self._variable(reference[1])
        if REFERENCE.search(written):
            self.wrong("a reference to a variable must be the whole value")
            return ""
        return written

    def secret(self) -> SecretEntry | None:
        """A secret, by reference or literally."""
        reference = REFERENCE.fullmatch(self._scalar(quiet=True))
        if not (value := self.text()):
            return None
        if not value.isprintable():
            self.wrong("holds a line break or another invisible character")
            return None
        return SecretEntry(value=Secret(value), name=reference[1] if reference else "")

    def flag(self) -> bool | None:
        """true or false."""
        if isinstance(self._node, ScalarNode) and self._node.tag == "tag:yaml.org,2002:bool":
            return str(self._node.value).lower() == "true"
        self.wrong("must be true or false")
        return None

    @property
    def _is_null(self) -> bool:
        return isinstance(self._node, ScalarNode) and self._node.tag == "tag:yaml.org,2002:null"

    def _scalar(self, *, quiet: bool = False) -> str:
        is_flag = self._node.tag == "tag:yaml.org,2002:bool"
        if isinstance(self._node, ScalarNode) and not is_flag and not self._is_null:
            text = str(self._node.value).strip()
            if text and "\0" not in text:
                return text
        if not quiet:
            self.wrong("must be a text" if not is_flag else "must be a text: put it into quotes")
        return ""

    def _variable(self, name: str) -> str:
        if value := self._held(name):
            return value
        state = "empty" if name in self._environ else "not set"
        self.wrong(f"the environment variable {name} is {state}")
        return ""

    def _held(self, name: str) -> str:
        return self._environ.get(name, "").strip()

    def _at(self, node: Node, path: str, *, line: int = 0) -> Place:
        place = Place(node, path=path, problems=self._problems, environ=self._environ)
        place.line = line or place.line
        return place


def _compose(content: bytes) -> Node | None:
    if len(content) > MOST_BYTES:
        raise FleetError(f"The file is larger than {MOST_BYTES // 1_000_000} MB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise FleetError(f"The file is not UTF-8 (line {line}).") from None
    try:
        node: Node | None = YAML(typ="rt", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" (line {mark.line + 1})" if mark else ""
        raise FleetError(
            f"The file is not YAML: {error.problem or error.context}{where}."
        ) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise FleetError(f"The file is not YAML ({type(error).__name__}).") from None
    return node


def _refuse_aliases(node: Node, seen: set[int], *, depth: int) -> None:
    """A few aliases can stand for billions of values; sharing is what templates are for."""
    if id(node) in seen:
        line = node.start_mark.line + 1
        raise FleetError(f"Anchors and aliases are not supported: use a template (line {line}).")
    if depth > DEEPEST:
        raise FleetError(f"The file is nested too deeply (line {node.start_mark.line + 1}).")
    seen.add(id(node))
    if isinstance(node, SequenceNode):
        for value in node.value:
            _refuse_aliases(value, seen, depth=depth + 1)
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            _refuse_aliases(key, seen, depth=depth + 1)
            _refuse_aliases(value, seen, depth=depth + 1)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
