import { expect, test } from "vitest";
import type { LogRecord } from "../api/types";
import { toOtlp } from "./otlplog";

const log: LogRecord = {
  id: "1", time: "", time_unix_nano: "1674982096546346267", observed_time_unix_nano: null, severity_number: 9, severity_text: "INFO", level: "info", service_name: "cart", body: "hello", body_type: "string", event_name: null, trace_id: "ab".repeat(16), span_id: null,
  attributes: { n: 3, x: 0.5, yes: true, none: null, list: ["a", 1], map: { k: "v" } }, body_fields: {}, resource: { "service.name": "cart" }, scope: { name: "lib", version: null, attributes: {} },
};

test("a record is an export request with all that came with it", () => {
  expect(toOtlp(log)).toEqual({
    resourceLogs: [
      {
        resource: { attributes: [{ key: "service.name", value: { stringValue: "cart" } }] },
        scopeLogs: [
          {
            scope: { name: "lib" },
            logRecords: [
              {
                timeUnixNano: "1674982096546346267", severityNumber: 9, severityText: "INFO", body: { stringValue: "hello" }, traceId: "ab".repeat(16),
                attributes: [
                  { key: "n", value: { intValue: "3" } },
                  { key: "x", value: { doubleValue: 0.5 } },
                  { key: "yes", value: { boolValue: true } },
                  { key: "none", value: {} },
                  { key: "list", value: { arrayValue: { values: [{ stringValue: "a" }, { intValue: "1" }] } } },
                  { key: "map", value: { kvlistValue: { values: [{ key: "k", value: { stringValue: "v" } }] } } },
                ],
              },
            ],
          },
        ],
      },
    ],
  });
});

test("a body that was a map is one again", () => {
  const [first] = (toOtlp({ ...log, body: '{"a":1}', body_type: "kvlist", body_fields: { a: 1 } }) as { resourceLogs: { scopeLogs: { logRecords: { body: object }[] }[] }[] }).resourceLogs;
  expect(first?.scopeLogs[0]?.logRecords[0]?.body).toEqual({ kvlistValue: { values: [{ key: "a", value: { intValue: "1" } }] } });
});

test("bytes are bytes again", () => {
  const [first] = (toOtlp({ ...log, body: "AAE=", body_type: "bytes", attributes: { key: "AAE=", text: "AAE=", parts: ["AAE=", { in: "AAE=" }] }, bytes_in_attributes: { key: true, parts: { "1": { in: true } } } }) as { resourceLogs: { scopeLogs: { logRecords: object[] }[] }[] }).resourceLogs;
  expect(first?.scopeLogs[0]?.logRecords[0]).toMatchObject({
    body: { bytesValue: "AAE=" },
    attributes: [
      { key: "key", value: { bytesValue: "AAE=" } },
      { key: "text", value: { stringValue: "AAE=" } },
      { key: "parts", value: { arrayValue: { values: [{ stringValue: "AAE=" }, { kvlistValue: { values: [{ key: "in", value: { bytesValue: "AAE=" } }] } }] } } },
    ],
  });
});
