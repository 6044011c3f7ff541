// A stand-in for the server while the UI is developed: docs/api.md over the files of tests/data, and
// the built UI under the real content security policy. Not part of the product.
//
//   node mock/server.mjs [--port 4320] [--data ../tests/data/otlp | --data none] [--token secret] [--slow ms] [--partial]

import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import * as answers from "./answers.mjs";
import { loadData } from "./data.mjs";
import { QueryError } from "./query.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const { values: args } = parseArgs({
  options: {
    port: { type: "string", default: "4320" },
    data: { type: "string", default: join(here, "../../tests/data/otlp") },
    token: { type: "string" },
    slow: { type: "string", default: "0" },
    partial: { type: "boolean", default: false },
  },
});
const data = loadData(args.data === "none" ? null : args.data);
const dist = join(here, "../dist");
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" };
const POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

class HttpError extends Error {
  constructor(status, code, message, hint = null) {
    super(message);
    Object.assign(this, { status, code, hint, position: null });
  }
}

function route(path, params) {
  if (path === "/api/v1/logs") return answers.logs(data, params);
  if (path === "/api/v1/logs/histogram") return answers.histogram(data, params);
  if (path === "/api/v1/traces") return answers.traces(data, params);
  if (path === "/api/v1/services") return answers.services(data, params);
  if (path === "/api/v1/fields") return answers.fields(data, params);
  const field = /^\/api\/v1\/fields\/([^/]+)\/values$/.exec(path);
  if (field) return answers.values(data, decodeURIComponent(field[1]), params);
  const trace = /^\/api\/v1\/traces\/([^/]+)$/.exec(path);
  if (trace) {
    const found = answers.timeline(data, trace[1].toLowerCase());
    if (!found) throw new HttpError(404, "not_found", `there is no trace \`${trace[1]}\``);
    return found;
  }
  throw new HttpError(404, "not_found", `there is no \`${path}\` here`);
}

const STATUS = { version: "0.0.0-mock", ready: true, otlp_grpc_addr: "127.0.0.1:4317", otlp_http_addr: "127.0.0.1:4318", http_addr: `127.0.0.1:${args.port}`, auth: { read: Boolean(args.token), ingest: false } };

function api(request, url) {
  if (url.pathname === "/api/v1/status") return STATUS;
  if (args.token && request.headers.authorization !== `Bearer ${args.token}`) throw new HttpError(401, "unauthenticated", "a read token is needed");
  const found = route(url.pathname, url.searchParams);
  return args.partial ? { ...found, complete: false, incomplete_reasons: ["2 files could not be read and were set aside"] } : found;
}

function file(response, path) {
  const wanted = join(dist, normalize(path));
  const found = wanted.startsWith(dist) && existsSync(wanted) && statSync(wanted).isFile() ? wanted : join(dist, "index.html");
  response.writeHead(200, { "content-type": TYPES[extname(found)] ?? "application/octet-stream", "content-security-policy": POLICY });
  createReadStream(found).pipe(response);
}

const send = (response, status, body) => {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
};

createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (!url.pathname.startsWith("/api/")) return file(response, url.pathname);
  setTimeout(() => {
    try {
      send(response, 200, api(request, url));
    } catch (error) {
      const isQuery = error instanceof QueryError;
      const status = isQuery ? 400 : (error.status ?? 500);
      send(response, status, { error: { code: isQuery ? "invalid" : (error.code ?? "internal"), message: error.message, hint: error.hint ?? null, position: error.position ?? null } });
    }
  }, Number(args.slow));
}).listen(Number(args.port), "127.0.0.1", () => {
  console.log(`mock on http://127.0.0.1:${args.port} with ${data.spans.length} spans and ${data.logs.length} logs`);
});
