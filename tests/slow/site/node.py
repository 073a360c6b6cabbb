"""Running JavaScript in Node, from tests: each prints JSON, which comes back as Python's."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="needs Node, which runs JavaScript")


def run_script(script: str, *arguments: object) -> Any:
    """Run a module that is given as text; its first argument is process.argv[1]."""
    return _run("--input-type=module", "-e", script, *arguments)


def run_file(name: str, *arguments: object) -> Any:
    """Run a module beside this file; its first argument is process.argv[2]."""
    return _run(Path(__file__).with_name(name), *arguments)


def _run(*words: object) -> Any:
    command = [NODE, *map(str, words)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    return json.loads(done.stdout)
