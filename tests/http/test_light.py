"""Modules that a declaration or a log handler needs do not load the HTTP library."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "connectctl.docebo.spec",
        "connectctl.docebo.endpoints",
        "connectctl.docebo.fields",
        "connectctl.docebo.users",
        "connectctl.docebo.courses",
        "connectctl.docebo.enrollments",
        "connectctl.http.redact",
        "connectctl.http.retry",
        "connectctl.http.limits",
    ],
)
def test_importing_it_leaves_the_http_library_out(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({{'requests', 'urllib3', 'sqlite3'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
