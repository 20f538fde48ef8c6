"""STAND-IN for `promptops gate`, until that is there: delete this file and its fixture then.

Takes the gate's options, prints and writes the gate.json that the test prepared, and ends with
that verdict's exit code. `test_the_stand_in_is_still_needed` fails as soon as the command exists.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--base", required=True)
parser.add_argument("--env", action="append", required=True)
parser.add_argument("--out", type=Path, required=True)
parser.add_argument("--offline", action="store_true")
options = parser.parse_args()

asked = {"base": options.base, "env": options.env, "offline": options.offline}
Path(os.environ["RUNNER_TEMP"], "gate-asked.json").write_text(json.dumps(asked))
prepared = Path(os.environ["STAND_IN_GATE"])
if not prepared.exists():
    sys.exit(4)
gate = json.loads(prepared.read_text("utf-8"))
for finding in gate["findings"]:
    # The line of the file, as it would stand in a text report: a prompt may hold anything.
    print(finding["source"])  # noqa: T201
shutil.copy(prepared, options.out)
sys.exit(0 if gate["verdict"] == "pass" else 1)
