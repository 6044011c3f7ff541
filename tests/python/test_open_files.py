"""Anyone can read the files: DuckDB, pyarrow and Polars see what the API says, without Spoor."""

import base64
import json
import random

import duckdb
import polars
import pyarrow.dataset
import pytest

from conftest import TESTS

TYPE_LETTERS = set("sbidxamn")


def files(recorded, table):
    found = sorted(recorded.data_dir.rglob("*.parquet"))
    found = [str(path) for path in found if f"/{table}/" in str(path)]
    assert found, f"no files of {table}"
    return found


def counts(rows):
    return {row[0]: row[1] for row in rows}


TABLES = {"spans": 53534, "logs": 42758}


@pytest.mark.parametrize("table", TABLES)
def test_duckdb_counts_what_the_api_counts(recorded, table):
    by_api = recorded.sql(f"SELECT service_name, count(*) FROM {table} GROUP BY service_name")
    query = f"SELECT service_name, count(*) FROM read_parquet({files(recorded, table)}) GROUP BY 1"
    by_duckdb = duckdb.sql(query).fetchall()
    assert counts(by_api) == counts(by_duckdb)
    assert sum(counts(by_duckdb).values()) == TABLES[table]


@pytest.mark.parametrize("table", TABLES)
def test_duckdb_finds_them_by_one_pattern(recorded, table):
    pattern = f"{recorded.data_dir}/tenant=default/{table}/**/*.parquet"
    query = f"SELECT count(*) FROM read_parquet('{pattern}')"
    assert duckdb.sql(query).fetchall() == [(TABLES[table],)]


def test_duckdb_reads_ids_times_and_durations(recorded):
    trace_id, spans = recorded.sql(
        "SELECT trace_id, count(*) FROM spans GROUP BY trace_id ORDER BY count(*) DESC, trace_id LIMIT 1"
    )[0]
    rows = duckdb.execute(
        "SELECT lower(hex(span_id)), lower(hex(parent_span_id)), name, kind, epoch_ns(start_time), duration_ns "
        f"FROM read_parquet({files(recorded, 'spans')}) WHERE trace_id = from_hex(?)",
        [trace_id],
    ).fetchall()
    assert len(rows) == spans
    by_api = recorded.sql(
        "SELECT span_id, parent_span_id, name, kind, CAST(start_time AS BIGINT), duration_ns "
        f"FROM spans WHERE trace_id = '{trace_id}'"
    )
    by_api = [(*row[:4], int(row[4]), int(row[5])) for row in by_api]
    assert sorted(rows, key=str) == sorted(by_api, key=str)


def test_duckdb_reads_attributes_from_the_map(recorded):
    query = (
        "SELECT attributes['http.response.status_code'][1] AS status, count(*) "
        f"FROM read_parquet({files(recorded, 'logs')}) WHERE service_name = 'apache-access' GROUP BY 1"
    )
    # Maps are read as a list of values by older DuckDB versions and as the value by newer ones.
    try:
        found = duckdb.sql(query.replace("[1]", "")).fetchall()
        if isinstance(found[0][0], list):
            found = duckdb.sql(query).fetchall()
    except duckdb.Error:
        found = duckdb.sql(query).fetchall()
    expected = json.loads((TESTS / "data" / "expected.json").read_text())
    values = expected["apache-access"]["logs"]["attribute_values"]["http.response.status_code"]
    assert counts(found) == values


def test_pyarrow_reads_both_tables(recorded):
    for table, expected in TABLES.items():
        dataset = pyarrow.dataset.dataset(files(recorded, table))
        assert dataset.count_rows() == expected
        ids = dataset.to_table(columns=["record_id"]).column("record_id").to_pylist()
        assert len(set(ids)) == expected, "record ids are unique"


def value_of(text, letter):
    """The attribute value a map entry stands for, as the API shows it."""
    if letter == "s":
        return text
    if letter == "b":
        return {"true": True, "false": False}[text]
    if letter == "i":
        number = int(text)
        return number if abs(number) <= 2**53 else text
    if letter == "d":
        return float(text)
    if letter == "x":
        base64.b64decode(text, validate=True)
        return text
    if letter == "n":
        assert text is None
        return None
    return plain(json.loads(text))


def plain(otlp):
    """OTLP JSON of a list or a key-value list as plain JSON."""
    if "values" in otlp:
        values = otlp["values"]
        if values and "key" in values[0]:
            return {entry["key"]: plain(entry["value"]) for entry in values}
        return [plain(value) for value in values]
    ((case, inner),) = otlp.items()
    if case in ("arrayValue", "kvlistValue"):
        return plain(inner)
    return int(inner) if case == "intValue" else inner


def as_attributes(entries, letters):
    assert len(entries) == len(letters) and set(letters) <= TYPE_LETTERS, (entries, letters)
    return {key: value_of(text, letter) for (key, text), letter in zip(entries, letters)}


def test_attribute_maps_are_those_of_the_api(recorded):
    columns = [
        "trace_id",
        "span_id",
        "kind",
        "attributes",
        "attribute_types",
        "resource_attributes",
        "resource_attribute_types",
    ]
    rows = pyarrow.dataset.dataset(files(recorded, "spans")).to_table(columns=columns).to_pylist()
    by_trace = {}
    for row in rows:
        by_trace.setdefault(row["trace_id"].hex(), []).append(row)
    # A fixed choice of traces, of every kind of source.
    for trace_id in random.Random(7).sample(sorted(by_trace), 25):
        timeline = recorded.get(f"/api/v1/traces/{trace_id}", view="timeline")
        by_api = {(span["span_id"], span["kind"]): span for span in timeline["spans"]}
        assert len(by_trace[trace_id]) == timeline["span_count"]
        for row in by_trace[trace_id]:
            span = by_api[row["span_id"].hex(), row["kind"]]
            assert as_attributes(row["attributes"], row["attribute_types"]) == span["attributes"]
            resource = as_attributes(row["resource_attributes"], row["resource_attribute_types"])
            assert resource == span["resource"]


@pytest.mark.parametrize("table", TABLES)
def test_polars_reads_counts_and_text(recorded, table):
    frame = polars.read_parquet(files(recorded, table), columns=["service_name", "received_time"])
    assert frame.height == TABLES[table]
    by_polars = dict(frame["service_name"].value_counts().iter_rows())
    by_api = recorded.sql(f"SELECT service_name, count(*) FROM {table} GROUP BY service_name")
    assert by_polars == counts(by_api)


def test_log_bodies_are_those_that_were_sent(recorded):
    frame = polars.read_parquet(files(recorded, "logs"), columns=["body", "severity_text", "time"])
    assert frame["body"].str.contains("Order Status Wrong", literal=True).sum() == 43
    assert frame.filter(polars.col("severity_text") == "ERROR").height == 397
    assert frame["time"].dtype == polars.Datetime("ns", "UTC")
