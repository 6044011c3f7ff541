// Starts the real `spoor` for the tests, on free ports, in a folder of its own. Also used by the
// browser test.

import { execFileSync, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** `tests/data` */
export const DATA = new URL("../data/", import.meta.url).pathname;
/** Where pictures of pages go. */
export const SCREENSHOTS = new URL("../../target/screenshots/", import.meta.url).pathname;

const PATIENCE_MS = 180_000;
const ROOT = new URL("../../", import.meta.url).pathname;
const BINARY = process.env.SPOOR_BINARY ?? join(ROOT, "target/debug/spoor");

function environment() {
  const kept = Object.entries(process.env).filter(([name]) => !/^(SPOOR|OTEL)_/.test(name));
  return Object.fromEntries(kept);
}

/** A running `spoor serve`. */
export class Server {
  /** Imports `files` first, then serves them. */
  static async start(flags = [], files = []) {
    const server = new Server();
    server.folder = mkdtempSync(join(tmpdir(), "spoor-node-"));
    server.dataDir = join(server.folder, "data");
    server.logPath = join(server.folder, "server.log");
    if (files.length > 0) {
      execFileSync(BINARY, ["import", "--data-dir", server.dataDir, ...files], { env: environment() });
    }
    server.flags = flags;
    await server.#serve({});
    return server;
  }

  /** On free ports, or on those given. */
  async #serve({ otlp_grpc_addr = "127.0.0.1:0", otlp_http_addr = "127.0.0.1:0", http_addr = "127.0.0.1:0" }) {
    const log = openSync(this.logPath, "a");
    const args = ["serve", "--data-dir", this.dataDir, "--otlp-grpc-addr", otlp_grpc_addr, "--otlp-http-addr", otlp_http_addr, "--http-addr", http_addr];
    this.process = spawn(BINARY, [...args, ...this.flags], { stdio: ["ignore", log, log], env: environment() });
    closeSync(log);
    this.ended = new Promise((resolve) => this.process.once("exit", resolve));
    await this.#untilReady();
  }

  /** Stops it in good order and starts it again on the same ports. */
  async restart() {
    const { addresses } = this;
    this.process.kill("SIGTERM");
    await this.ended;
    await this.#serve(addresses);
  }

  async #untilReady() {
    const deadline = Date.now() + PATIENCE_MS;
    while (Date.now() < deadline) {
      if (this.process.exitCode !== null) break;
      try {
        this.addresses = JSON.parse(readFileSync(join(this.dataDir, "spoor.json"), "utf8"));
        if ((await fetch(`${this.http}/readyz`)).ok) return;
      } catch {
        // Not yet.
      }
      await delay(20);
    }
    throw new Error(`not ready:\n${this.log()}`);
  }

  get http() {
    return `http://${this.addresses.http_addr}`;
  }

  get otlpHttp() {
    return `http://${this.addresses.otlp_http_addr}`;
  }

  get otlpGrpc() {
    return `http://${this.addresses.otlp_grpc_addr}`;
  }

  log() {
    return readFileSync(this.logPath, "utf8");
  }

  async get(path, parameters = {}) {
    const answer = await fetch(`${this.http}${path}?${new URLSearchParams(parameters)}`);
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }

  /** Sends one OTLP JSON request. */
  async post(path, body) {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(this.otlpHttp + path, { method: "POST", headers, body });
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  }

  async stop() {
    this.process.kill("SIGKILL");
    await this.ended;
    rmSync(this.folder, { recursive: true });
  }
}
