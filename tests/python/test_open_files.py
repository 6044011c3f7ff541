"""Anyone can read the files: DuckDB, pyarrow and Polars see what the API says, without Spoor."""

import base64
import json
import random

import duckdb
import polars
import pyarrow.dataset
import pyarrow.parquet
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
    query = f"SELECT service_name, count(*) FROM read_parquet({files(recorded, table)}, union_by_name = true) GROUP BY 1"
    by_duckdb = duckdb.sql(query).fetchall()
    assert counts(by_api) == counts(by_duckdb)
    assert sum(counts(by_duckdb).values()) == TABLES[table]


@pytest.mark.parametrize("table", TABLES)
def test_duckdb_finds_them_by_one_pattern(recorded, table):
    pattern = f"{recorded.data_dir}/tenant=default/{table}/**/*.parquet"
    query = f"SELECT count(*) FROM read_parquet('{pattern}', union_by_name = true)"
    assert duckdb.sql(query).fetchall() == [(TABLES[table],)]


def test_duckdb_reads_ids_times_and_durations(recorded):
    trace_id, spans = recorded.sql(
        "SELECT trace_id, count(*) FROM spans GROUP BY trace_id ORDER BY count(*) DESC, trace_id LIMIT 1"
    )[0]
    rows = duckdb.execute(
        "SELECT lower(hex(span_id)), lower(hex(parent_span_id)), name, kind, epoch_ns(start_time), duration_ns "
        f"FROM read_parquet({files(recorded, 'spans')}, union_by_name = true) WHERE trace_id = from_hex(?)",
        [trace_id],
    ).fetchall()
    assert len(rows) == spans
    by_api = recorded.sql(
        "SELECT span_id, parent_span_id, name, kind, CAST(start_time AS BIGINT), duration_ns "
        f"FROM spans WHERE trace_id = '{trace_id}'"
    )
    by_api = [(*row[:4], int(row[4]), int(row[5])) for row in by_api]
    assert sorted(rows, key=str) == sorted(by_api, key=str)


def attribute(paths, key):
    """SQL for an attribute: its column where it is not null, else the map."""
    in_map = f"attributes['{key}']"
    if any(f"attributes.{key}" in pyarrow.parquet.read_schema(path).names for path in paths):
        return f'coalesce("attributes.{key}"::VARCHAR, {in_map})'
    return in_map


def test_duckdb_reads_attributes_from_columns_and_maps(recorded):
    paths = files(recorded, "logs")
    query = (
        f"SELECT {attribute(paths, 'http.response.status_code')} AS status, count(*) "
        f"FROM read_parquet({paths}, union_by_name = true) WHERE service_name = 'apache-access' GROUP BY 1"
    )
    expected = json.loads((TESTS / "data" / "expected.json").read_text())
    values = expected["apache-access"]["logs"]["attribute_values"]["http.response.status_code"]
    assert counts(duckdb.sql(query).fetchall()) == values


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


SCOPES = {
    "attributes": ("attributes.", "attribute_types", "attribute_shape"),
    "resource_attributes": ("resource.", "resource_attribute_types", "resource_attribute_shape"),
}


def rows_with_attributes(path, columns):
    """The rows of a file with the attributes of each scope put together as docs/format.md says."""
    layout = json.loads(pyarrow.parquet.read_metadata(path).metadata[b"spoor.attributes"])
    promoted = {}
    for scope, (prefix, types, shape) in SCOPES.items():
        promoted[scope] = [prefix + column["key"] for column in layout[scope]["columns"]]
        columns = [*columns, scope, types, *promoted[scope], *([shape] if promoted[scope] else [])]
    for row in pyarrow.dataset.dataset([path]).to_table(columns=columns).to_pylist():
        for scope, (prefix, types, shape) in SCOPES.items():
            row[scope] = in_order(row, promoted[scope], prefix, row[scope], row[types], row.get(shape))
        yield row


def in_order(row, promoted, prefix, entries, letters, shape):
    assert len(entries) == len(letters) and set(letters) <= TYPE_LETTERS, (entries, letters)
    in_map = [(key, value_of(text, letter)) for (key, text), letter in zip(entries, letters)]
    in_columns = {
        number: (name.removeprefix(prefix), as_shown(row[name]))
        for number, name in enumerate(promoted)
        if row[name] is not None
    }
    if shape is None:
        return dict([*in_columns.values(), *in_map])
    ordered = []
    for step in shape.split(","):
        if step.startswith("*"):
            for _ in range(int(step[1:] or 1)):
                ordered.append(in_map.pop(0))
        else:
            ordered.append(in_columns.pop(int(step)))
    assert not in_map and not in_columns, (row, shape)
    return dict(ordered)


def as_shown(value):
    """The API shows integers beyond 2^53 as text."""
    return str(value) if isinstance(value, int) and abs(value) > 2**53 else value


def test_attributes_are_those_of_the_api(recorded):
    by_trace = {}
    for path in files(recorded, "spans"):
        for row in rows_with_attributes(path, ["trace_id", "span_id", "kind"]):
            by_trace.setdefault(row["trace_id"].hex(), []).append(row)
    # A fixed choice of traces, of every kind of source.
    for trace_id in random.Random(7).sample(sorted(by_trace), 25):
        timeline = recorded.get(f"/api/v1/traces/{trace_id}", view="timeline")
        by_api = {(span["span_id"], span["kind"]): span for span in timeline["spans"]}
        assert len(by_trace[trace_id]) == timeline["span_count"]
        for row in by_trace[trace_id]:
            span = by_api[row["span_id"].hex(), row["kind"]]
            assert row["attributes"] == span["attributes"]
            assert row["resource_attributes"] == span["resource"]


def polars_frame(paths, columns):
    """Columns of files that differ in their attribute columns."""
    frame = polars.scan_parquet(paths, missing_columns="insert", extra_columns="ignore")
    return frame.select(columns).collect()


@pytest.mark.parametrize("table", TABLES)
def test_polars_reads_counts_and_text(recorded, table):
    frame = polars_frame(files(recorded, table), ["service_name", "received_time"])
    assert frame.height == TABLES[table]
    by_polars = dict(frame["service_name"].value_counts().iter_rows())
    by_api = recorded.sql(f"SELECT service_name, count(*) FROM {table} GROUP BY service_name")
    assert by_polars == counts(by_api)


def test_log_bodies_are_those_that_were_sent(recorded):
    frame = polars_frame(files(recorded, "logs"), ["body", "severity_text", "time"])
    assert frame["body"].str.contains("Order Status Wrong", literal=True).sum() == 43
    assert frame.filter(polars.col("severity_text") == "ERROR").height == 397
    assert frame["time"].dtype == polars.Datetime("ns", "UTC")
