// A real server made slow, partial or failing, to look at the UI's states: loading, incomplete, error.
//
//   node scripts/states.mjs [--url http://127.0.0.1:4320] [--port 4322] [--slow ms] [--partial] [--fail 503] [--only /api/v1/logs]
//
// Passes everything on to the server, and changes answers of the API only; `--only` names the beginning of the paths.
// The UI is the one of the server; `SPOOR_API=http://127.0.0.1:4322 npm run dev` has that of this folder.

import { createServer, request as ask } from "node:http";
import { parseArgs } from "node:util";

const { values: args } = parseArgs({
  options: {
    url: { type: "string", default: "http://127.0.0.1:4320" },
    port: { type: "string", default: "4322" },
    slow: { type: "string", default: "0" },
    partial: { type: "boolean", default: false },
    fail: { type: "string" },
    only: { type: "string", default: "/api/" },
  },
});
const server = new URL(args.url);
const REASON = "2 files could not be read and were set aside";

const sendJson = (response, status, body) => {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
};

function pass(request, response, isChanged) {
  const { host: _host, ...headers } = request.headers;
  const { "accept-encoding": _encoding, ...plain } = headers;
  const onward = ask({ hostname: server.hostname, port: server.port, method: request.method, path: request.url, headers: isChanged ? plain : headers }, (answer) => {
    const isJson = /^application\/json/.test(answer.headers["content-type"] ?? "");
    if (!isChanged || !args.partial || !isJson || answer.statusCode !== 200) {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
      return;
    }
    const parts = [];
    answer.on("data", (part) => parts.push(part));
    answer.on("end", () => {
      const body = JSON.parse(Buffer.concat(parts).toString());
      sendJson(response, 200, "complete" in body ? { ...body, complete: false, incomplete_reasons: [REASON] } : body);
    });
  });
  onward.on("error", () => sendJson(response, 502, { error: { code: "unreachable", message: `nothing answers at ${args.url}`, hint: "start it, or say --url", position: null } }));
  request.pipe(onward);
}

createServer((request, response) => {
  const isChanged = request.url.startsWith("/api/") && request.url.startsWith(args.only);
  if (isChanged && args.fail) {
    setTimeout(() => sendJson(response, Number(args.fail), { error: { code: "unavailable", message: "the answer was made to fail", hint: "by --fail", position: null } }), Number(args.slow));
    return;
  }
  setTimeout(() => pass(request, response, isChanged), isChanged ? Number(args.slow) : 0);
}).listen(Number(args.port), "127.0.0.1", () => console.log(`http://127.0.0.1:${args.port} → ${args.url}`));
