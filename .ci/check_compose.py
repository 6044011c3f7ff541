#!/usr/bin/env python3
"""Checks docker-compose.yml where there is no Docker: that it is YAML and names what exists."""

import pathlib
import re
import sys

try:
    import yaml
except ImportError:
    print("docker-compose.yml: not checked (neither docker compose nor PyYAML is here)")
    sys.exit(0)


def problems(compose):
    services = compose.get("services", {})
    volumes = compose.get("volumes", {})
    for name, service in services.items():
        for wanted in service.get("depends_on", {}):
            if wanted not in services:
                yield f"{name} depends on {wanted}, which is no service"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if not source.startswith((".", "/")) and source not in volumes:
                yield f"{name} mounts the volume {source}, which is not declared"
        for port in service.get("ports", []):
            if not port.startswith("127.0.0.1:"):
                yield f"{name} publishes {port} beyond loopback"
        build = service.get("build")
        if build and not pathlib.Path(build["context"], build["dockerfile"]).is_file():
            yield f"{name} is built from {build['dockerfile']}, which does not exist"
    settings = pathlib.Path("server/src/settings/raw.rs").read_text()
    known = set(re.findall(r'env = "(SPOOR_\w+)"', settings))
    used = {key for service in services.values() for key in service.get("environment", {})}
    dockerfile = pathlib.Path("deploy/Dockerfile").read_text()
    used |= set(re.findall(r"\b(SPOOR_\w+)=", dockerfile))
    for key in sorted(used - known):
        yield f"{key} is set, but Spoor knows no such setting"


found = list(problems(yaml.safe_load(pathlib.Path("docker-compose.yml").read_text())))
for problem in found:
    print(f"error: docker-compose.yml: {problem}", file=sys.stderr)
if found:
    sys.exit(1)
print("docker-compose.yml: names what exists")
