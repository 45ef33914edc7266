"""The image and the Compose file stay in step with the project: what runs, and what it is made of."""

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent.parent
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text()
# For those who develop, and not part of an installation.
TOOLS = {"bench", "chaos", "launch", "sandbox", "tests"}


def compose() -> Any:
    return YAML(typ="safe").load(ROOT / "deploy/compose.yaml")


def procfile(name: str) -> list[str]:
    """The words of a line of the Procfile, its variables at their defaults."""
    (line,) = re.findall(rf"^{name}: (.+)$", (ROOT / "Procfile").read_text(), re.MULTILINE)
    return re.sub(r"\$\{\w+:-([^}]+)\}", r"\1", line).split()


def test_the_image_holds_every_package_of_the_product_and_no_tool() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - TOOLS
    copied = set(re.findall(r"^COPY (\w+) \w+$", DOCKERFILE, re.MULTILINE))
    let_in = set(re.findall(r"^!([\w.]+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))

    assert packages <= copied
    assert copied <= let_in
    assert not copied & TOOLS


def test_the_image_runs_as_nobody_and_installs_by_hash_alone() -> None:
    assert re.search(r"^USER 65532:65532$", DOCKERFILE, re.MULTILINE)
    assert "--require-hashes --only-binary :all:" in DOCKERFILE


def test_its_processes_are_those_of_the_procfile() -> None:
    services = compose()["services"]
    (command,) = re.findall(r"^CMD \[(.+)\]$", DOCKERFILE, re.MULTILINE)
    web = re.findall(r'"([^"]+)"', command)

    assert services["worker"]["command"] == procfile("worker")
    assert services["beat"]["command"] == procfile("beat")
    # One process, which the host may have several of; a file system that is not written to.
    assert set(web) - set(procfile("web")) == {"--worker-tmp-dir", "/tmp"}
    assert set(procfile("web")) - set(web) == {"--workers", "1"}


def test_what_runs_in_it_may_not_change_it() -> None:
    services = compose()["services"]

    for name in ("web", "worker", "beat", "migrate"):
        assert services[name]["read_only"], name
        assert services[name]["cap_drop"] == ["ALL"], name
        assert services[name]["security_opt"] == ["no-new-privileges:true"], name


def test_every_setting_that_it_passes_on_is_one() -> None:
    known = (ROOT / "docs/configuration.md").read_text()

    assert [
        name for name in compose()["services"]["web"]["environment"] if f"`{name}`" not in known
    ] == []
