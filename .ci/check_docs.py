#!/usr/bin/env python3
"""Documents describe what exists: settings are complete, links lead somewhere."""

import pathlib
import re
import subprocess
import sys


def problems():
    operations = pathlib.Path("docs/operations.md").read_text()
    settings = pathlib.Path("server/src/settings/raw.rs").read_text()
    known = set(re.findall(r'env = "(SPOOR_\w+)"', settings))
    told = set(re.findall(r"`(SPOOR_\w+)`", operations))
    for name in sorted(known - told):
        yield f"docs/operations.md does not tell of the setting {name}"
    for name in sorted(told - known):
        yield f"docs/operations.md tells of {name}, which is no setting"

    listed = subprocess.run(["git", "ls-files", "*.md"], check=True, capture_output=True, text=True).stdout
    for name in listed.split():
        page = pathlib.Path(name)
        if not page.is_file() or name.startswith("tests/data/"):
            continue
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            if "://" not in target and not (page.parent / target).exists():
                yield f"{name} links to {target}, which does not exist"


found = list(problems())
for problem in found:
    print(f"error: {problem}", file=sys.stderr)
if found:
    sys.exit(1)
print("documents: settings complete, links lead somewhere")
