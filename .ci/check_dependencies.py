#!/usr/bin/env python3
"""Two rules about dependencies that the compiler does not know.

1. One version of the crates whose types cross our crate borders.
2. The crates of the workspace depend on each other in one direction only.
"""

import json
import subprocess
import sys
import tomllib

ONE_VERSION = ["arrow", "arrow-schema", "datafusion", "object_store", "parquet", "prost", "rustls", "tonic"]
NOT_AT_ALL = ["openssl-sys", "native-tls"]
# crate: what it may depend on in the workspace
GRAPH = {
    "spoor-storage": set(),
    "spoor-collector": {"spoor-storage"},
    "spoor-query": {"spoor-storage"},
    "spoor-web": set(),
    "spoor-server": {"spoor-storage", "spoor-collector", "spoor-query", "spoor-web"},
    "spoor-bench": set(),
}


def lock_problems(packages):
    for name in ONE_VERSION:
        versions = sorted(p["version"] for p in packages if p["name"] == name)
        if len(versions) != 1:
            yield f"Cargo.lock has {len(versions)} versions of {name} ({', '.join(versions)}), it must have one"
    for name in NOT_AT_ALL:
        if any(p["name"] == name for p in packages):
            yield f"Cargo.lock has {name}: TLS is rustls here (cargo tree -i {name} says who wants it)"


def graph_problems(members):
    for name in sorted(members.keys() - GRAPH.keys()):
        yield f"{name} is new: add it to GRAPH in .ci/check_dependencies.py"
    for name in sorted(GRAPH.keys() - members.keys()):
        yield f"{name} is in GRAPH but not in the workspace"
    for name, wants in sorted(members.items()):
        for other in sorted(wants - GRAPH.get(name, set())):
            yield f"{name} depends on {other}, which turns the crate graph around"


def workspace_members():
    command = ["cargo", "metadata", "--format-version", "1", "--no-deps", "--locked"]
    packages = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["packages"]
    names = {package["name"] for package in packages}
    # Development dependencies may go anywhere: tests of a crate may use its neighbours.
    return {
        package["name"]: {
            dependency["name"]
            for dependency in package["dependencies"]
            if dependency["name"] in names and dependency["kind"] != "dev"
        }
        for package in packages
    }


def main():
    with open("Cargo.lock", "rb") as file:
        packages = tomllib.load(file)["package"]
    problems = [*lock_problems(packages), *graph_problems(workspace_members())]
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    if problems:
        return 1
    print(f"dependencies: one version each of {', '.join(ONE_VERSION)}; crate graph in order")
    return 0


if __name__ == "__main__":
    sys.exit(main())
