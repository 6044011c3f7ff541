import { describe, expect, it } from "vitest";
import type { Status } from "../api/types";
import { reachable, snippets } from "./snippets";

const STATUS: Status = { version: "1", ready: true, tls: false, otlp_grpc_addr: "0.0.0.0:4317", otlp_http_addr: "[::]:4318", http_addr: "0.0.0.0:4320", auth: { read: false, ingest: false } };

describe("snippets", () => {
  it("carry the address at which this server is reached", () => {
    expect(reachable("127.0.0.1:4318", "spoor.example")).toBe("127.0.0.1:4318");
    expect(reachable("[::]:4318", "spoor.example")).toBe("spoor.example:4318");
    const all = snippets(STATUS, "spoor.example");
    for (const snippet of all) expect(snippet.text, snippet.name).toMatch(/spoor\.example(:431[78]|\n\s+port: 4318)/);
    expect(new Set(all.map((snippet) => snippet.name)).size).toBe(all.length);
  });

  it("have each key once, however many headers there are", () => {
    const [fluentBit] = snippets({ ...STATUS, auth: { read: false, ingest: true } }, "h", "team-a").filter(({ name }) => name === "Fluent Bit");
    expect(fluentBit?.text).toContain("      header:\n        - authorization Bearer YOUR_INGEST_TOKEN\n        - X-Scope-OrgID team-a");
    expect(snippets(STATUS, "h", "team-a").find(({ name }) => name === "Fluent Bit")?.text).toContain("      header: X-Scope-OrgID team-a");
  });

  it("ask for the token where the server wants one, and for TLS where it speaks it", () => {
    for (const snippet of snippets({ ...STATUS, tls: true, auth: { read: false, ingest: true } }, "h")) {
      expect(snippet.text, snippet.name).toContain("YOUR_INGEST_TOKEN");
      expect(snippet.text, snippet.name).not.toContain("http://");
    }
  });
});
