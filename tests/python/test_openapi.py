"""The OpenAPI document says what the API does: real answers have the fields of their schemas and no others."""

import json

import pytest
import requests
from openapi_spec_validator import OpenAPIV31SpecValidator

from conftest import PATIENCE_S, Server
from openapi import Document

START, END = "2023-01-29T08:00:00Z", "2023-01-29T11:00:00Z"
FAULT = {"start": "2023-01-29T09:03:53Z", "end": "2023-01-29T09:05:53Z", "baseline_start": "2023-01-29T08:48:00Z", "baseline_end": "2023-01-29T08:52:00Z"}
RANGE = {"start": START, "end": END}
UNKNOWN_TRACE = "00000000000000000000000000000001"
UNKNOWN_ID = "01900000-0000-7000-8000-000000000001"
DRY_RUN = {"table": "logs", "query": "error", "dry_run": True}
RULES = [
    {"table": "logs", "service": "x", "severity_below": "info", "attributes": {"a": "b"}, "keep": "30d"},
    {"table": "spans", "status": "ERROR", "query": "duration<5ms", "keep": "forever"},
]
ADMIN = {"delete", "redact", "set_retention", "pin", "unpin", "stop_query"}


def ask(server, document, name, path=None, headers=None, body=None, **parameters):
    """Asks what an operation is for."""
    method, template, _ = document.operation(name)
    url = server.http + template.format(**(path or {}))
    return requests.request(method, url, params=parameters, json=body, headers=headers, timeout=PATIENCE_S)


def hold(document, name, answer):
    """Holds an answer to what the document says of its status. Returns what it holds."""
    operation = document.operation(name)[2]
    response = document.response(operation, answer.status_code)
    if "content" not in response:
        assert answer.content == b"", answer.text
        return None
    schema = document.schema(response, answer.headers["content-type"])
    is_json = answer.headers["content-type"].startswith("application/json")
    value = answer.json() if is_json else answer.text
    document.check(value, schema, f"{name} {answer.status_code}")
    return value


def told(server, document, name, **request):
    """Asks and holds the answer, which must be a success, to the document."""
    answer = ask(server, document, name, **request)
    assert answer.status_code < 300, f"{name} {request}: {answer.text[:500]}"
    return hold(document, name, answer)


def refused(server, document, name, status, **request):
    """Asks and holds the answer, which must be that error, to the document."""
    answer = ask(server, document, name, **request)
    assert answer.status_code == status, f"{name} {request}: {answer.status_code} {answer.text[:300]}"
    return hold(document, name, answer)["error"]


@pytest.fixture(scope="session")
def document(recorded):
    return Document(requests.get(f"{recorded.http}/api/v1/openapi.json", timeout=PATIENCE_S).json())


@pytest.fixture(scope="session")
def requests_that_read(recorded):
    """For each operation that reads, what it is asked. Together they have every field there is, as far as the data has them."""

    def traces(**parameters):
        return [trace["trace_id"] for trace in recorded.get("/api/v1/traces", **parameters)["traces"]]

    failing = traces(query="status:ERROR", limit=5)
    some = failing + traces(limit=5)
    largest = recorded.sql("SELECT trace_id FROM traces ORDER BY span_count DESC, trace_id LIMIT 1")[0][0]
    of = [{"path": {"trace_id": trace}} for trace in [*some, largest]]
    return {
        "openapi": [{}],
        "status": [{}],
        "healthz": [{}],
        "readyz": [{}],
        "metrics": [{}],
        "logs": [{"limit": 300}, {"query": "error", "order": "asc", **RANGE}, {"query": "has:trace_id"}, {"traceql": "{ status = error }"}],
        "logs_histogram": [RANGE, {"by": "service_name"}, {"query": "nosuchword"}],
        "logs_patterns": [RANGE, {"since": "2023-01-29T09:30:00Z"}, {"query": "nosuchword"}],
        "logs_difference": [{"query": "level:error"}],
        "spans_difference": [{"query": "status:ERROR"}, {"query": "kind:SERVER", "baseline": "kind:CLIENT"}],
        "spans_histogram": [{}, {"by": "service_name", "limit": 3, **RANGE}, {"query": "nosuchword"}],
        "spans_heatmap": [{}, {"buckets": 30, **RANGE}, {"query": "nosuchword"}],
        "traces": [
            {"limit": 50},
            {"query": "status:ERROR", **RANGE},
            {"traceql": "{ status = error } | by(resource.service.name) | count() > 0 | select(name, status, duration)"},
        ],
        "trace": of
        + [{**it, "view": "timeline"} for it in of]
        + [{**it, "view": "timeline", "include": "percentiles,linked_from"} for it in of[:3]],
        "trace_timeline": of
        + [{"path": {"trace_id": largest}, "limit": 2, "depth": 3}]
        + [{**it, "similar": "together", "clock": "adjusted", "include": "analysis"} for it in of]
        + [{**it, "query": "status:error"} for it in of],
        "trace_timeline_find": [{**it, "span_index": 0, "similar": "together", "include": "rows"} for it in of]
        + [{**it, "query": "status:error", "include": "span"} for it in of]
        + [{**it, "query": query} for it in of for query in ("status:error", "nosuchword")],
        "trace_timeline_logs": [{**it, "under": 0, "limit": 3} for it in of] + of,
        "traces_compare": [{"left": some[0], "right": some[1]}, {"left": failing[0], "right": largest}, *median(recorded)],
        "services": [{}, RANGE],
        "services_graph": [{}, {"buckets": 10, **RANGE}],
        "service_changes": [RANGE, {"limit": 1, **FAULT}],
        "exceptions": [{}, {"since": "2023-01-29T09:30:00Z"}, RANGE],
        "failures": [{}, {"since": "2023-01-29T09:30:00Z"}, RANGE],
        "fields": [{}, {"table": "spans", "prefix": "http"}],
        "field_values": [{"path": {"name": "service_name"}}, {"path": {"name": "level"}}, {"path": {"name": "kind"}, "table": "spans"}],
        "sql": [
            {"body": {"query": "SELECT * FROM spans LIMIT 20"}},
            {"body": {"query": "SELECT * FROM logs LIMIT 20"}, "headers": {"accept": "text/csv"}},
            {"body": {"query": "SELECT service_name FROM services"}, "headers": {"accept": "application/x-ndjson"}},
            {"body": {"query": "EXPLAIN ANALYZE SELECT count(*) FROM logs WHERE matches(body, 'error')"}},
        ],
        "explain": [{"query": "error", **RANGE}, {"table": "spans", "query": "status:ERROR", "analyze": "true", "limit": 3}, {"traceql": "{ status = error }", **RANGE}],
        "deletions": [{}],
        "retention": [{}],
        "pins": [{}],
        "searches": [{}],
        "tenants": [{}],
        "queries": [{}],
        "logs_export": [{"query": "error", **RANGE}, {"query": "error", "format": "csv", "order": "desc", **RANGE}],
        "spans_export": [{"query": "status:ERROR", **RANGE}, {"query": "status:ERROR", "format": "csv", "order": "asc", **RANGE}],
    }


def median(recorded):
    """A comparison with the usual trace of an operation that has some."""
    root = "SELECT root_service_name, root_name, max(trace_id) FROM traces WHERE root_name IS NOT NULL AND root_status_code <> 'ERROR'"
    row = recorded.sql(f"{root} GROUP BY root_service_name, root_name HAVING count(*) > 20 ORDER BY count(*) DESC LIMIT 1")
    return [{"left": trace, "right": "median"} for _, _, trace in row]


# Operations that need something made first; the tests below ask them.
ASKED_ELSEWHERE = {"logs_tail", "deletion", "save_search", "search", "replace_search", "delete_search", *ADMIN}


def test_document_is_valid(document):
    assert document.content["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document.content).validate()


def test_examples_are_of_their_schemas(document):
    def examples(media):
        shown = [it["value"] for it in media.get("examples", {}).values()]
        return shown + ([media["example"]] if "example" in media else [])

    checked = 0
    for _, path, operation in document.operations():
        bodies = [document.resolved(response) for response in operation["responses"].values()]
        bodies += [operation["requestBody"]] if "requestBody" in operation else []
        medias = [media for body in bodies for media in body.get("content", {}).values()]
        for media in medias + operation.get("parameters", []):
            for example in examples(media):
                document.check(example, media["schema"], f"example of {path}")
                checked += 1
    for name, schema in document.content["components"]["schemas"].items():
        for example in schema.get("examples", []):
            document.check(example, schema, f"example of {name}")
            checked += 1
    assert checked > 100


def test_every_operation_is_asked_for(document, requests_that_read):
    names = {operation["operationId"] for _, _, operation in document.operations()}
    assert names == set(requests_that_read) | ASKED_ELSEWHERE


def test_answers_are_of_their_schemas(recorded, document, requests_that_read):
    for name, asked in requests_that_read.items():
        for request in asked:
            told(recorded, document, name, **request)


def test_a_field_on_one_side_only_is_noticed(recorded, document):
    schema = document.response(document.operation("logs")[2], 200)["content"]["application/json"]["schema"]
    answer = recorded.get("/api/v1/logs", limit=1)
    assert document.problems(answer, schema) == []
    record = answer["logs"][0]
    record["new_field"] = 1
    assert document.problems(answer, schema) == ["$.logs[0].new_field is not documented"]
    record["resourse"] = record.pop("resource")
    assert "'resource' is a required property" in document.problems(answer, schema)[0]


def schema_of(document, parameter):
    return document.resolved(parameter["schema"])


def wrong_values(document, parameter):
    """Values that must be refused."""
    schema, reference = schema_of(document, parameter), parameter["schema"].get("$ref", "")
    if schema.get("type") == "integer":
        yield "many"
        if "minimum" in schema:
            yield schema["minimum"] - 1
        if "maximum" in schema:
            yield schema["maximum"] + 1
    elif "enum" in schema:
        yield "nonsense"
    elif reference.endswith("/Time"):
        yield "yesterday"
    elif reference.endswith("/SearchQuery"):
        yield "(open"
    elif reference.endswith("/Cursor"):
        yield "nonsense"


def parameters_of(document, requests_that_read):
    """Every parameter in a query, with a request that it can be added to."""
    for name, asked in requests_that_read.items():
        for parameter in document.operation(name)[2].get("parameters", []):
            if parameter["in"] == "query":
                yield name, asked[0], parameter


def test_malformed_parameters_are_refused_as_documented(recorded, document, requests_that_read):
    refusals = 0
    for name, request, parameter in parameters_of(document, requests_that_read):
        for value in wrong_values(document, parameter):
            # Bounds are looked at where the parameter means something.
            companion = {"traceql": "{}"} if parameter["name"] in ("spans_per_set", "logs") else {}
            error = refused(recorded, document, name, 400, **{**request, **companion, parameter["name"]: value})
            assert error["code"] == "invalid" and error["message"], (name, parameter["name"], value)
            refusals += 1
    assert refusals > 80


def test_bounds_and_defaults_are_what_is_done(recorded, document, requests_that_read):
    def lasting(value):
        # How much a list reads until it has enough rows may differ.
        if isinstance(value, list):
            return [lasting(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {key: lasting(item) for key, item in value.items() if key not in ("elapsed_ms", "elapsed_ns", "scanned_bytes")}

    for name, request, parameter in parameters_of(document, requests_that_read):
        schema = schema_of(document, parameter)
        for bound in {schema.get("minimum"), schema.get("maximum")} - {None}:
            told(recorded, document, name, **{**request, parameter["name"]: bound})
        if "default" in schema:
            plain = {key: value for key, value in request.items() if key != parameter["name"]}
            said = told(recorded, document, name, **{**plain, parameter["name"]: schema["default"]})
            assert lasting(said) == lasting(told(recorded, document, name, **plain)), (name, parameter["name"])


def test_what_is_not_there_is_told_as_documented(recorded, document):
    unknown = {"trace_id": UNKNOWN_TRACE, "id": UNKNOWN_ID, "name": "nosuchfield"}
    asked = 0
    for _, _, operation in document.operations():
        if "404" not in operation["responses"]:
            continue
        name = operation["operationId"]
        parameters = {"left": UNKNOWN_TRACE, "right": UNKNOWN_TRACE} if name == "traces_compare" else {}
        body = {"name": "x", "view": "logs"} if name == "replace_search" else {} if "requestBody" in operation else None
        headers = {"content-type": "application/json"}
        error = refused(recorded, document, name, 404, path=unknown, headers=headers, body=body, **parameters)
        assert error["code"] == "not_found"
        asked += 1
    assert asked >= 8


def test_malformed_ids_and_bodies_are_refused_as_documented(recorded, document):
    wrong = {"trace_id": "xyz", "id": "xyz", "name": "x"}
    for name in ("trace", "trace_timeline", "trace_timeline_find", "trace_timeline_logs", "pin", "unpin", "deletion", "search"):
        body = {} if "requestBody" in document.operation(name)[2] else None
        assert refused(recorded, document, name, 400, path=wrong, body=body)["code"] == "invalid"
    for _, _, operation in document.operations():
        if "requestBody" not in operation:
            continue
        name, path = operation["operationId"], {"trace_id": UNKNOWN_TRACE, "id": UNKNOWN_ID}
        error = refused(recorded, document, name, 400, path=path, body={"nosuchfield": 1})
        assert error["code"] == "invalid", name
        if "415" in operation["responses"]:
            headers = {"content-type": "text/plain"}
            assert refused(recorded, document, name, 415, path=path, headers=headers, body={})["code"] == "unsupported"
    for statement in ("SELECT nosuchcolumn FROM spans", "DROP TABLE spans"):
        refused(recorded, document, "sql", 400, body={"query": statement})


def test_dry_runs_are_of_their_schemas(recorded, document):
    told(recorded, document, "delete", body=DRY_RUN)
    told(recorded, document, "redact", body={**DRY_RUN, "fields": ["http.route"]})
    policy = {"rules": RULES, "max_total_bytes": 1_000_000_000_000, "dry_run": True}
    assert told(recorded, document, "set_retention", body=policy)["dry_run"]
    # Without `confirm` nothing is changed.
    refused(recorded, document, "delete", 400, body={**DRY_RUN, "dry_run": False})


def attribute(key, **value):
    return {"key": key, "value": value}


def span(trace_id, number, parent=None, **fields):
    parent = {"parentSpanId": f"{parent:016x}"} if parent else {}
    times = {"startTimeUnixNano": f"{1674982096000000000 + number}", "endTimeUnixNano": f"{1674982096000001000 - number}"}
    return {"traceId": trace_id, "spanId": f"{number:016x}", "name": f"step {number % 3}", "kind": 2, **times, **parent, **fields}


def everything():
    """Two traces with every field of OTLP, one of which links to the other."""
    values = [
        attribute("text", stringValue="x"),
        attribute("yes", boolValue=True),
        attribute("large", intValue=str(2**60)),
        attribute("half", doubleValue=0.5),
        attribute("none", doubleValue="NaN"),
        attribute("bytes", bytesValue="AAEC"),
        attribute("list", arrayValue={"values": [{"intValue": "1"}, {"kvlistValue": {"values": [attribute("k", stringValue="v")]}}]}),
        attribute("map", kvlistValue={"values": [attribute("k", arrayValue={})]}),
        attribute("empty"),
    ]
    thrown = [attribute("exception.type", stringValue="x.Lock"), attribute("exception.message", stringValue="row 7")]
    counts = {"droppedAttributesCount": 1, "droppedEventsCount": 2, "droppedLinksCount": 3, "flags": 257, "traceState": "a=b"}
    link = {"traceId": "00" * 15 + "0a", "spanId": f"{1:016x}", "traceState": "a=b", "attributes": values, "droppedAttributesCount": 1, "flags": 1}
    event = {"timeUnixNano": "1674982096000000100", "name": "exception", "attributes": thrown, "droppedAttributesCount": 1}
    failed = {"status": {"code": 2, "message": "no"}, "events": [event], "links": [link], "attributes": values, **counts}
    first = "00" * 15 + "0a"
    spans = [span(first, 1), *(span(first, 3 * number, 1) for number in range(1, 5)), span(first, 20, 99, kind=9)]
    spans += [span("00" * 15 + "0b", 1, **failed), span("00" * 15 + "0b", 2, 1, **failed)]
    scope = {"name": "s", "version": "1", "attributes": values, "droppedAttributesCount": 1}
    resource = {"attributes": [attribute("service.name", stringValue="shop"), *values], "droppedAttributesCount": 1}
    scoped = {"scope": scope, "spans": spans, "schemaUrl": "https://opentelemetry.io/schemas/1.30.0"}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [scoped], "schemaUrl": scoped["schemaUrl"]}]}


def test_a_trace_with_everything_is_of_its_schemas(server, document):
    answer = requests.post(f"{server.otlp_http}/v1/traces", json=everything(), timeout=PATIENCE_S)
    assert answer.status_code == 200, answer.text
    for trace_id in ("00" * 15 + "0a", "00" * 15 + "0b"):
        path = {"trace_id": trace_id}
        told(server, document, "trace", path=path)
        timeline = told(server, document, "trace", path=path, view="timeline", include="percentiles,linked_from")
        window = told(server, document, "trace_timeline", path=path, similar="together", include="analysis")
        told(server, document, "trace_timeline_find", path=path, span_id=f"{1:016x}", similar="together")
        told(server, document, "traces_compare", left=trace_id, right="00" * 15 + "0b")
        if trace_id.endswith("a"):
            assert timeline["linked_from"] and timeline["similar_siblings"] and timeline["warnings"]
            assert any(row["similar"] for row in window["rows"]) and window["services"] and window["warnings"]
        else:
            assert timeline["spans"][0]["links"] and timeline["error_origin"]["exception"]
            assert window["error_origin"]["exception"] == timeline["error_origin"]["exception"]
    told(server, document, "sql", body={"query": "SELECT * FROM spans"})
    told(server, document, "traces", traceql='{ span.text = "x" } | select(span.list, span.half)')
    for name in ("services", "services_graph", "exceptions", "failures", "fields"):
        told(server, document, name)


def line(body, **fields):
    return json.dumps({"timestamp": "2023-01-29T08:00:00Z", "message": body, "service": "shop", "level": "error", **fields})


def send_logs(server, *lines):
    answer = requests.post(f"{server.otlp_http}/v1/logs/json", data="\n".join(lines), timeout=PATIENCE_S)
    assert answer.status_code == 200, answer.text


def test_changes_are_told_as_documented(server, document):
    send_logs(server, *(line(f"password {number}") for number in range(3)), line("other", user="ann"))
    trace = {"trace_id": UNKNOWN_TRACE}
    told(server, document, "pin", path=trace, body={"note": "why"})
    assert told(server, document, "pins")["pins"][0]["note"] == "why"
    told(server, document, "unpin", path=trace)

    body = {"table": "logs", "query": "password"}
    refused(server, document, "delete", 409, body={**body, "confirm": 1})
    deleted = told(server, document, "delete", body={**body, "confirm": 3})
    assert deleted["rows"] == 3
    told(server, document, "deletion", path={"id": deleted["deletion_id"]})
    redacted = told(server, document, "redact", body={"table": "logs", "query": "other", "fields": ["user"], "confirm": 1})
    assert redacted["deletion"]["fields"] == ["user"]
    assert len(told(server, document, "deletions")["deletions"]) == 2

    rules = {"rules": [*RULES, {"table": "logs", "keep": "1d"}]}
    told(server, document, "set_retention", body=rules)
    hidden = told(server, document, "retention")
    assert [rule["keep"] for rule in hidden["rules"]] == ["30d", "forever", "1d"]

    search = {"name": "slow", "view": "logs", "query": "x", "parameters": {"start": "-1h"}}
    saved = told(server, document, "save_search", body=search)
    refused(server, document, "save_search", 409, body=search)
    told(server, document, "search", path=saved)
    told(server, document, "replace_search", path=saved, body={**search, "name": "slower"})
    assert len(told(server, document, "searches", view="logs")["searches"]) == 1
    told(server, document, "delete_search", path=saved)


def test_events_of_a_tail_are_as_documented(server, document):
    operation = document.operation("logs_tail")[2]
    stream = requests.get(f"{server.http}/api/v1/logs/tail", stream=True, timeout=PATIENCE_S)
    with stream:
        document.schema(document.response(operation, stream.status_code), stream.headers["content-type"])
        event, lines = None, stream.iter_lines(decode_unicode=True, chunk_size=1)
        for text in lines:
            if text.startswith("event: "):
                event = text.removeprefix("event: ")
                assert event in operation["description"] or event == "ready"
            if text.startswith("data: ") and event == "ready":
                send_logs(server, line("as it comes in"))
            if text.startswith("data: ") and event == "log":
                record = json.loads(text.removeprefix("data: "))
                document.check(record, {"$ref": "#/components/schemas/LogRecord"}, "a log of a tail")
                assert record["body"] == "as it comes in"
                return
    raise AssertionError("the tail ended")


def test_tokens_are_asked_for_as_documented(tmp_path, document):
    tokens = {"SPOOR_READ_TOKEN": "r" * 32, "SPOOR_ADMIN_TOKEN": "a" * 32}
    server = Server(tmp_path / "data", settings=tokens)
    path = {"trace_id": UNKNOWN_TRACE, "id": UNKNOWN_ID, "name": "x"}
    try:
        for _, _, operation in document.operations():
            name, body = operation["operationId"], {} if "requestBody" in operation else None
            security = operation.get("security", document.content["security"])
            schemes = {scheme for requirement in security for scheme in requirement}
            if not schemes:
                told(server, document, name)
                continue
            assert schemes == ({"admin_token"} if name in ADMIN else {"admin_token", "read_token"})
            headers = {"content-type": "application/json"}
            assert refused(server, document, name, 401, path=path, headers=headers, body=body)["code"] == "unauthenticated"
            if name in ADMIN:
                headers["authorization"] = f"Bearer {tokens['SPOOR_READ_TOKEN']}"
                assert refused(server, document, name, 403, path=path, headers=headers, body=body)["code"] == "forbidden"
    finally:
        server.kill()
