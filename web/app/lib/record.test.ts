import { describe, expect, it } from "vitest";
import type { LogRecord } from "../api/types";
import { csvHeader, fieldOf, fieldText, shownBody, shownText, toCsv, toNdjson, toTsv } from "./record";

const LOG: LogRecord = {
  id: "7", time: "2026-01-02T03:04:05.000000006Z", time_unix_nano: "1767323045000000006", observed_time_unix_nano: null, severity_number: 9, severity_text: "INFO",
  level: "info", service_name: "cart", body: 'said "no",\nand left', body_type: "string", event_name: null, trace_id: "ab", span_id: null,
  attributes: { "http.route": "/a", host: "record", n: 3 }, body_fields: { user: { id: 5 } }, resource: { host: "machine", "host.name": "m1" },
  scope: { name: "lib", version: "2", attributes: {} },
};

describe("fields of a record", () => {
  it("are found as the query language finds them", () => {
    expect(fieldOf(LOG, "service")).toBe("cart");
    expect(fieldOf(LOG, "host")).toBe("record");
    expect(fieldOf(LOG, "resource.host")).toBe("machine");
    expect(fieldOf(LOG, "host.name")).toBe("m1");
    expect(fieldOf(LOG, "scope.version")).toBe("2");
    expect(fieldText(LOG, "user")).toBe('{"id":5}');
    expect(fieldText(LOG, "nothing")).toBe("");
  });
});

describe("a table to copy", () => {
  it("has the columns of the list and each record on one line", () => {
    const log: LogRecord = { ...LOG, body: "one\n\ttwo", attributes: { key: "AAE=" }, bytes_in_attributes: { key: true } };
    expect(toTsv([log], ["level", "key"])).toBe("time\tlevel\tkey\tbody\n2026-01-02T03:04:05.000000006Z\tinfo\t0x0001\tone two\n");
  });
});

describe("bytes of a record", () => {
  it("are in hex within a body that is a map, where no number is lost by it", () => {
    const map: LogRecord = { ...LOG, body: '{"id":"AAE=","text":"AAE=","http":{"key":"/w==","list":[1,"AAE="]}}', body_type: "kvlist", bytes_in_body_fields: { id: true, "http.key": true, "http.list": { "1": true } } };
    expect(shownBody(map)).toBe('{"id":"0x0001","text":"AAE=","http":{"key":"0xff","list":[1,"0x0001"]}}');
    const long: LogRecord = { ...map, body: '{"id":"AAE=","n":9007199254740993}' };
    expect(shownBody(long)).toBe(long.body);
    expect(shownBody({ ...LOG, body: "/w==", body_type: "bytes" })).toBe("0xff");
    expect(shownBody({ ...LOG, body: '["AAE="]', body_type: "array" })).toBe('["AAE="]');
  });

  const log: LogRecord = {
    ...LOG, body: "AAE=", body_type: "bytes", attributes: { id: "AAE=", text: "AAE=", parts: [1, "AAE="] }, bytes_in_attributes: { id: true, parts: { "1": true } },
    resource: { id: "/w==", key: "/w==" }, bytes_in_resource: { key: true },
    scope: { name: null, version: null, attributes: { digest: "/w==" }, bytes_in_attributes: { digest: true } },
  };

  it("are shown in hex wherever they stand, and compared as they came", () => {
    expect(["id", "text", "parts", "attributes.id", "resource.id", "resource.key", "key", "scope.digest", "body"].map((name) => shownText(log, name))).toEqual(["0x0001", "AAE=", '[1,"0x0001"]', "0x0001", "/w==", "0xff", "0xff", "0xff", "0x0001"]);
    expect(["id", "key", "body", "parts"].map((name) => fieldText(log, name))).toEqual(["AAE=", "/w==", "AAE=", '[1,"AAE="]']);
    expect(shownText(log, "nothing")).toBe("");
  });
});

describe("an export", () => {
  it("quotes what a reader of CSV would take apart", () => {
    expect(csvHeader(["level", "n"])).toBe("time,level,n,trace_id,span_id,body,attributes\n");
    expect(toCsv([LOG], ["level", "n"])).toBe('2026-01-02T03:04:05.000000006Z,info,3,ab,,"said ""no"",\nand left","{""http.route"":""/a"",""host"":""record"",""n"":3}"\n');
  });

  it("is one record a line as NDJSON", () => {
    const text = toNdjson([LOG, LOG]);
    expect(text.trimEnd().split("\n").map((line) => JSON.parse(line) as LogRecord)).toEqual([LOG, LOG]);
  });
});
