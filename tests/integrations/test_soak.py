"""An app under gunicorn, under load, while Redis meets every outage: `benchmarks.soak`."""

import subprocess
import sys

import pytest

from tests.integrations.workers import ROOT

NEEDS = ("fastapi", "gunicorn", "uvicorn_worker")


@pytest.mark.soak(short=5, full=50)
def test_no_request_fails_and_every_worker_follows_whatever_redis_meets(times: int) -> None:
    command = [sys.executable, "-m", "benchmarks.soak", "--deployments", str(times)]
    command += ["--minutes", str(0.08 * times), "--workers", "2" if times < 50 else "4"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "| failed | 0 |" in done.stdout
