"""What an app loads and starts with promptops: next to nothing."""

import os
import subprocess
import sys

import pytest

from promptops.live.store import Store
from tests.deployments import deploy

DEPENDENCIES = {"redis", "click", "yaml", "jsonschema", "git", "rfc8785"}

USES_SQLITE = """
import sys
from promptops import Client
with Client(sys.argv[1], environment="production", app="helpdesk") as client:
    client.wait_ready(10)
    client.on_change(print)
    assert client.get("greeter").request()["messages"]
    assert client.status().state == "READY"
print(*sys.modules)
"""
KEEPS_A_COPY = {"promptops.client.copy_file", "promptops.client.disk", "promptops.client.journal"}

COUNTS_THREADS = """
import threading
import promptops
from promptops import Client
print(*(thread.name for thread in threading.enumerate()))
"""


def run(
    code: str, *arguments: str, flags: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *flags, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={name: value for name, value in os.environ.items() if name != "PYTHONIMPORTTIME"},
    )


def imported(code: str) -> set[str]:
    """The modules that Python reports to have loaded for `code`, in `-X importtime`."""
    report = run(code, flags=("-X", "importtime")).stderr
    names = {line.rpartition("|")[2].strip() for line in report.splitlines()[1:]}
    return {name for name in names if not name.startswith("org")}  # `copy` asks for Jython's


@pytest.mark.parametrize("statement", ["import promptops", "from promptops import Client"])
def test_importing_promptops_loads_the_standard_library_and_itself(statement: str) -> None:
    loaded = imported(statement) - imported("pass")
    top = {name.partition(".")[0] for name in loaded}

    assert "promptops" in top
    assert top <= sys.stdlib_module_names | {"promptops"}
    assert not top & DEPENDENCIES
    assert "asyncio" not in top


def test_the_client_is_loaded_when_it_is_named() -> None:
    assert "promptops.client.client" not in imported("import promptops")
    assert "promptops.client.client" in imported("from promptops import Client")


def test_importing_promptops_starts_no_thread() -> None:
    assert run(COUNTS_THREADS).stdout.split() == ["MainThread"]


def test_an_app_on_sqlite_never_loads_redis_or_another_dependency(
    embedded: Store, embedded_url: str
) -> None:
    deploy(embedded, greeter="Hello")
    before = set(run("import sys; print(*sys.modules)").stdout.split())
    loaded = set(run(USES_SQLITE, embedded_url).stdout.split()) - before

    assert "promptops.live.sqlite" in loaded
    assert "promptops.live.redis" not in loaded
    top = {name.partition(".")[0] for name in loaded}
    assert top <= sys.stdlib_module_names | {"promptops"}
    assert not top & {"asyncio", "socket"}
    assert not loaded & KEEPS_A_COPY


def test_a_name_that_promptops_does_not_have_is_an_attribute_error() -> None:
    import promptops

    with pytest.raises(AttributeError, match="module 'promptops' has no attribute 'Cleint'"):
        _ = promptops.Cleint
