"""Exports are read by pyarrow, Polars and DuckDB; one that is broken off is an error for every one of them."""

import io

import duckdb
import polars
import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest
import requests

from conftest import PATIENCE_S

TABLES = {"spans": (53534, "start_time"), "logs": (42758, "time")}


def export(recorded, table, **parameters):
    answer = requests.get(f"{recorded.http}/api/v1/{table}/export", params=parameters, timeout=PATIENCE_S)
    assert answer.status_code == 200, answer.text
    assert answer.headers["spoor-complete"] == "true"
    return answer


def by_service(rows):
    return dict(sorted(rows))


@pytest.mark.parametrize("table", TABLES)
def test_pyarrow_reads_all_rows_in_order(recorded, table):
    rows, time = TABLES[table]
    arrow = pyarrow.ipc.open_stream(export(recorded, table, format="arrow", order="asc").content).read_all()
    parquet = pyarrow.parquet.read_table(io.BytesIO(export(recorded, table, format="parquet", order="asc").content))
    assert arrow.num_rows == parquet.num_rows == rows
    assert arrow.column("record_id").equals(parquet.column("record_id"))
    assert arrow.column("attributes").equals(parquet.column("attributes"))
    assert pyarrow.types.is_map(parquet.schema.field("attributes").type)
    places = list(zip(arrow.column(time).cast("int64").to_pylist(), arrow.column("record_id").to_pylist(), strict=True))
    assert places == sorted(places)
    assert len(set(places)) == rows


@pytest.mark.parametrize("table", TABLES)
def test_polars_and_duckdb_count_what_the_api_counts(recorded, table, tmp_path):
    by_api = by_service(recorded.sql(f"SELECT service_name, count(*) FROM {table} GROUP BY service_name"))
    path = tmp_path / f"{table}.parquet"
    path.write_bytes(export(recorded, table, format="parquet").content)
    query = f"SELECT service_name, count(*) FROM read_parquet('{path}') GROUP BY 1"
    assert by_service(duckdb.sql(query).fetchall()) == by_api
    counted = polars.read_parquet(path).group_by("service_name").len()
    assert by_service(counted.rows()) == by_api
    csv = polars.read_csv(io.BytesIO(export(recorded, table, format="csv").content), infer_schema=False)
    assert by_service(csv.group_by("service_name").len().rows()) == by_api
    lines = export(recorded, table, format="ndjson", query="service:ts-order-service").text.splitlines()
    assert len(lines) == by_api["ts-order-service"]


def test_sql_as_arrow_has_the_types_of_the_columns(recorded):
    kind = "application/vnd.apache.arrow.stream"
    query = "SELECT service_name, count(*) AS n, avg(duration_ns) AS mean FROM spans GROUP BY service_name ORDER BY n DESC"
    answer = requests.post(f"{recorded.http}/api/v1/sql", json={"query": query}, headers={"accept": kind}, timeout=PATIENCE_S)
    assert answer.headers["content-type"] == kind
    table = pyarrow.ipc.open_stream(answer.content).read_all()
    assert [str(field.type) for field in table.schema] == ["string", "int64", "double"]
    assert sum(table.column("n").to_pylist()) == TABLES["spans"][0]


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("kind", ["ndjson", "csv", "arrow", "parquet"])
def test_an_answer_over_its_budget_is_broken_off(recorded, kind, encoding):
    parameters = {"format": kind, "max_bytes": 1_000_000}
    headers = {"accept-encoding": encoding}
    with pytest.raises(requests.exceptions.RequestException):
        answer = requests.get(f"{recorded.http}/api/v1/logs/export", params=parameters, headers=headers, timeout=PATIENCE_S)
        # Parquet may be over its budget before the first row group is written.
        answer.raise_for_status()
