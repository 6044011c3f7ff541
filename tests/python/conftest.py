"""Starts the real `spoor` for the tests, on free ports, in a folder of its own."""

import json
import os
import pathlib
import signal
import subprocess
import time

import pytest
import requests

TESTS = pathlib.Path(__file__).resolve().parent.parent
PATIENCE_S = 180


def binary():
    path = os.environ.get("SPOOR_BINARY", TESTS.parent / "target" / "debug" / "spoor")
    assert pathlib.Path(path).is_file(), f"{path} is missing: cargo build --bin spoor"
    return str(path)


def environment():
    return {k: v for k, v in os.environ.items() if not k.startswith(("SPOOR_", "OTEL_", "AWS_", "PG"))}


class Server:
    """A running `spoor serve`."""

    def __init__(self, data_dir, *flags, settings=None):
        self.data_dir = pathlib.Path(data_dir)
        self.log_path = self.data_dir.parent / f"{self.data_dir.name}-{time.monotonic_ns()}.log"
        addresses = ["--otlp-grpc-addr", "--otlp-http-addr", "--http-addr"]
        command = [binary(), "serve", "--data-dir", str(self.data_dir)]
        for flag in addresses:
            command += [flag, "127.0.0.1:0"]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [*command, *flags],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**environment(), **(settings or {})},
            )
        self._wait_until_ready()

    def _wait_until_ready(self):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log_path.read_text()
            try:
                self.addresses = json.loads((self.data_dir / "spoor.json").read_text())
                if self.addresses["pid"] == self.process.pid:
                    if requests.get(f"{self.http}/readyz", timeout=10).status_code == 200:
                        return
            except (OSError, ValueError, requests.RequestException):
                pass
            time.sleep(0.02)
        raise AssertionError(f"not ready in time:\n{self.log_path.read_text()}")

    @property
    def http(self):
        return f"http://{self.addresses['http_addr']}"

    @property
    def otlp_http(self):
        return f"http://{self.addresses['otlp_http_addr']}"

    @property
    def otlp_grpc(self):
        return f"http://{self.addresses['otlp_grpc_addr']}"

    def get(self, path, **parameters):
        answer = requests.get(self.http + path, params=parameters, timeout=PATIENCE_S)
        assert answer.status_code == 200, answer.text
        json_answer = answer.json()
        assert json_answer.get("complete", True), json_answer["incomplete_reasons"]
        return json_answer

    def sql(self, query):
        answer = requests.post(f"{self.http}/api/v1/sql", json={"query": query}, timeout=PATIENCE_S)
        assert answer.status_code == 200, answer.text
        assert answer.json()["complete"]
        return answer.json()["rows"]

    def stop(self):
        """A clean end, which writes everything to files."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE_S) == 0, self.log_path.read_text()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def server(tmp_path):
    """An empty server."""
    running = Server(tmp_path / "data")
    yield running
    running.kill()


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """A server whose recorded telemetry is in files."""
    data_dir = tmp_path_factory.mktemp("recorded") / "data"
    files = sorted(str(path) for path in (TESTS / "data" / "otlp").glob("*.jsonl.gz"))
    command = [binary(), "import", "--data-dir", str(data_dir), *files]
    subprocess.run(command, check=True, env=environment(), stdin=subprocess.DEVNULL)
    running = Server(data_dir, "--flush-interval", "1h")
    yield running
    running.kill()
