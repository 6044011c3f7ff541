"""Data files in a bucket, the catalog in PostgreSQL: nothing is lost, doubled or mixed up."""

import re
import socket
import subprocess
import sys
import time

import duckdb
import pyarrow.dataset
import pyarrow.fs
import pytest
import requests

from conftest import PATIENCE_S, TESTS, Server, binary, environment

KEYS = {"AWS_ACCESS_KEY_ID": "spoor", "AWS_SECRET_ACCESS_KEY": "s3cret-key", "AWS_REGION": "us-east-1"}
QUICK = ("--flush-interval", "100ms")
START_NS = 1_767_225_600_000_000_000


class Bucket:
    """A bucket of an S3 server (moto) on this machine."""

    def __init__(self, endpoint, name):
        self.endpoint, self.name = endpoint, name
        files = {"endpoint_override": endpoint, "scheme": "http", "region": KEYS["AWS_REGION"]}
        keys = {"access_key": KEYS["AWS_ACCESS_KEY_ID"], "secret_key": KEYS["AWS_SECRET_ACCESS_KEY"]}
        self.files = pyarrow.fs.S3FileSystem(**files, **keys, allow_bucket_creation=True)
        self.files.create_dir(name)

    def settings(self, folder="prod"):
        return {
            **KEYS,
            "SPOOR_STORE_URL": f"s3://{self.name}/{folder}",
            "SPOOR_STORE_ENDPOINT": self.endpoint,
        }

    def names(self, folder="prod"):
        selector = pyarrow.fs.FileSelector(f"{self.name}/{folder}", recursive=True, allow_not_found=True)
        return [file.path for file in self.files.get_file_info(selector) if file.is_file]

    def parquet(self, folder="prod"):
        return [name for name in self.names(folder) if name.endswith(".parquet")]


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with open(tmp_path_factory.mktemp("moto") / "log", "wb") as log:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    endpoint = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + PATIENCE_S
    while True:
        assert process.poll() is None and time.monotonic() < deadline, "moto does not start"
        try:
            requests.get(endpoint, timeout=10)
            break
        except requests.RequestException:
            time.sleep(0.05)
    yield endpoint
    process.kill()
    process.wait()


@pytest.fixture
def bucket(s3_server, request):
    name = re.sub("[^a-z0-9]+", "-", request.node.name)
    return Bucket(s3_server, f"b-{name}"[:60].rstrip("-"))


class Database:
    """A database of a PostgreSQL on this machine."""

    def __init__(self, server, name):
        url, self.folder, programs = server
        self.url = url.rsplit("/", 1)[0].replace("postgres@", "postgres:s3cret-word@") + f"/{name}"
        subprocess.run([f"{programs}/createdb", "--maintenance-db", url, name], check=True)
        self.programs = programs

    def settings(self):
        return {"SPOOR_CATALOG_URL": self.url}

    def restart(self):
        subprocess.run([TESTS / "postgres.sh", "restart", self.folder], check=True)

    def query(self, sql):
        command = [f"{self.programs}/psql", "-At", "-c", sql, self.url]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


@pytest.fixture(scope="session")
def postgres_server():
    start = [TESTS / "postgres.sh", "start"]
    server = subprocess.run(start, check=True, capture_output=True, text=True).stdout.split()
    yield server
    subprocess.run([TESTS / "postgres.sh", "stop", server[1]], check=True)


@pytest.fixture
def database(postgres_server, request):
    return Database(postgres_server, request.node.name[:60].rstrip("]").replace("[", "_"))


@pytest.fixture
def start(tmp_path):
    """Starts servers on one data directory; all are killed at the end."""
    running = []

    def start(settings, *flags, name="data"):
        running.append(Server(tmp_path / name, *QUICK, *flags, settings=settings))
        return running[-1]

    yield start
    for server in running:
        server.kill()
        log = server.log_path.read_text()
        assert "s3cret" not in log, log


def send(server, first, count):
    """Log records `first`, `first + 1`, …, over three hours; returns when they are acknowledged."""
    records = [
        {"timeUnixNano": str(START_NS + number % 3 * 3_600_000_000_000 + number), "body": {"stringValue": f"n{number}"}}
        for number in range(first, first + count)
    ]
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}
    answer = requests.post(f"{server.otlp_http}/v1/logs", json=body, timeout=PATIENCE_S)
    assert answer.status_code == 200, answer.text


def count(server):
    return server.sql("SELECT count(*), count(DISTINCT body) FROM logs")


def refused(tmp_path, settings, name="data"):
    """What a server says that must not start."""
    command = [binary(), "serve", "--data-dir", str(tmp_path / name)]
    for flag in ("--otlp-grpc-addr", "--otlp-http-addr", "--http-addr"):
        command += [flag, "127.0.0.1:0"]
    ended = subprocess.run(
        command, env={**environment(), **settings}, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert ended.returncode == 1, ended.stderr
    return ended.stderr


def check(tmp_path, settings):
    command = [binary(), "check", "--data-dir", str(tmp_path / "data")]
    ended = subprocess.run(command, env={**environment(), **settings}, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_files_are_in_the_bucket_and_anyone_can_read_them(bucket, start, tmp_path):
    settings = bucket.settings()
    server = start(settings)
    for first in range(0, 300, 50):
        send(server, first, 50)
    assert count(server) == [[300, 300]]
    server.stop()
    assert not list((tmp_path / "data").rglob("*.parquet")), "no data file on the local disk"
    dataset = pyarrow.dataset.dataset(bucket.parquet(), filesystem=bucket.files)
    assert dataset.count_rows() == 300
    assert duckdb.sql("SELECT count(*), count(DISTINCT body) FROM dataset").fetchall() == [(300, 300)]

    server = start(settings)
    assert count(server) == [[300, 300]]
    found = server.get("/api/v1/logs", query="n17")
    assert [log["body"] for log in found["logs"]] == ["n17"]
    kept = [path for path in (tmp_path / "data" / "cache").rglob("*") if path.is_file()]
    assert kept, "what a query read is kept"
    for path in kept[::2]:
        path.write_bytes(path.read_bytes()[:-5])
    for path in kept[1::2]:
        path.unlink()
    assert count(server) == [[300, 300]], "torn blocks are fetched again"
    server.stop()
    assert "300 rows" in check(tmp_path, settings)


@pytest.mark.parametrize("catalog", ["sqlite", "postgres"])
def test_a_killed_server_on_a_bucket_loses_nothing(bucket, start, tmp_path, catalog, request):
    settings = bucket.settings()
    if catalog == "postgres":
        settings |= request.getfixturevalue("database").settings()
    acknowledged = 0
    for round_number in range(4):
        server = start(settings)
        assert count(server) == [[acknowledged, acknowledged]]
        for _ in range(12):
            send(server, acknowledged, 10)
            acknowledged += 10
        # Sometimes in the middle of a flush, sometimes after it.
        time.sleep(0.1 * round_number)
        server.kill()
    server = start(settings)
    assert count(server) == [[acknowledged, acknowledged]]
    server.stop()
    assert f"{acknowledged} rows" in check(tmp_path, settings)


def test_a_folder_of_a_bucket_has_one_owner(bucket, start, tmp_path):
    server = start(bucket.settings())
    send(server, 0, 10)
    server.stop()
    before = sorted(bucket.names())
    said = refused(tmp_path, bucket.settings(), name="another")
    assert "missing" in said or "belongs to another catalog" in said, said
    assert sorted(bucket.names()) == before, "nothing was touched"
    # Beside it there is room.
    other = start(bucket.settings("staging"), name="third")
    send(other, 0, 5)
    other.stop()
    assert sorted(bucket.names()) == before
    # And the files are not looked for where they are not.
    said = refused(tmp_path, bucket.settings("staging"))
    assert "the catalog's files are in" in said, said


def test_the_catalog_is_in_postgres(database, start, tmp_path):
    settings = database.settings()
    acknowledged = 0
    for _ in range(3):
        server = start(settings)
        assert count(server) == [[acknowledged, acknowledged]]
        for _ in range(10):
            send(server, acknowledged, 10)
            acknowledged += 10
        said = refused(tmp_path, settings, name="another")
        assert "in use by another spoor" in said, said
        server.kill()
    assert not (tmp_path / "data" / "catalog.sqlite").exists()
    server = start(settings)
    assert count(server) == [[acknowledged, acknowledged]]
    server.stop()
    (rows,) = database.query("SELECT sum(row_count) FROM files WHERE state = 'live'")
    assert int(rows) == acknowledged
    assert f"{acknowledged} rows" in check(tmp_path, settings)
    said = refused(tmp_path, settings, name="another")
    assert "another data directory" in said, said
    said = refused(tmp_path, {})
    assert "is missing" in said, said


def test_postgres_may_go_away_and_come_back(database, start, tmp_path):
    settings = database.settings()
    server = start(settings)
    acknowledged = 0
    for _ in range(3):
        for _ in range(10):
            send(server, acknowledged, 10)
            acknowledged += 10
        database.restart()
        send(server, acknowledged, 10)
        acknowledged += 10
        assert count(server) == [[acknowledged, acknowledged]]
    server.stop()
    (rows,) = database.query("SELECT sum(row_count) FROM files WHERE state = 'live'")
    assert int(rows) == acknowledged
    assert f"{acknowledged} rows" in check(tmp_path, settings)


@pytest.mark.parametrize("catalog", ["sqlite", "postgres"])
def test_deleted_bytes_leave_bucket_and_cache(bucket, start, tmp_path, catalog, request):
    settings = bucket.settings()
    if catalog == "postgres":
        settings |= request.getfixturevalue("database").settings()
    server = start(settings, "--delete-deadline", "1s")
    send(server, 0, 300)
    server.stop()
    server = start(settings, "--delete-deadline", "1s")
    assert count(server) == [[300, 300]]

    def objects():
        return {name.rsplit("/", 1)[1].split(".")[0] for name in bucket.parquet()}

    def bodies():
        files = pyarrow.dataset.dataset(bucket.parquet(), filesystem=bucket.files)
        return set(files.to_table(columns=["body"]).column("body").to_pylist())

    def cached():
        # A block lies in a folder with the name of its object.
        return {str(path) for path in (tmp_path / "data" / "cache").rglob("*") if path.is_file()}

    before = objects()
    assert {"n17", "n18"} <= bodies()
    assert any(name in block for block in cached() for name in before), "the count was of cached blocks"

    def ask(path, **body):
        answer = requests.post(f"{server.http}/api/v1/{path}", json={"table": "logs", **body}, timeout=PATIENCE_S)
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert ask("redact", query="n17", fields=["body"], replacement="gone", confirm=1)["rows"] == 1
    assert ask("delete", query="n18", confirm=1)["rows"] == 1
    assert count(server) == [[299, 299]]
    server.kill()
    server = start(settings, "--delete-deadline", "1s")
    assert count(server) == [[299, 299]]
    deadline = time.monotonic() + PATIENCE_S
    while any(report["state"] != "done" for report in server.get("/api/v1/deletions")["deletions"]):
        assert time.monotonic() < deadline, server.get("/api/v1/deletions")
        time.sleep(0.05)
    assert not {"n17", "n18"} & bodies()
    assert count(server) == [[299, 299]]
    gone = before - objects()
    assert gone, "files were written again"
    assert not [block for block in cached() if any(name in block for name in gone)]
    server.stop()
    assert "299 rows" in check(tmp_path, settings)
