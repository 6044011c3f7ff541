// Large answers, as counts: however much there is, the page stays small. The answers are made here, so that
// what is measured is the page and not the server.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { DATA } from "../node/server.js";
import { open, server, setUp } from "./browser.js";

const SPANS = 50_000;
const ROWS = 100_000;
const PAGE_NODES = 1500;
/** Of a log record. */
const ROW_PX = 17;

setUp();

/** Tasks of more than 50 ms, in which a page does not answer. */
const noteLongTasks = (page) =>
  page.addInitScript(() => {
    window.tasks = [];
    new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: "longtask", buffered: true });
  });

/** A figure and not a limit: this machine may be doing other things. */
async function longTasks(page) {
  const tasks = await page.evaluate(() => window.tasks);
  return `${tasks.length}, the longest ${Math.round(Math.max(0, ...tasks))} ms`;
}

/** A tree of spans, depth first, ten children each. */
function timeline() {
  const spans = [];
  const grow = (depth, from, length, parent) => {
    const index = spans.length;
    const span = {
      span_id: index.toString(16).padStart(16, "0"), parent_span_id: parent === null ? null : spans[parent].span_id, parent_index: parent, depth, child_count: 0, descendant_count: 0,
      missing_parent: false, service_name: `service-${index % 12}`, name: `operation ${index % 40}`, kind: "SERVER", start_offset_ns: Math.floor(from), duration_ns: Math.floor(length), self_time_ns: Math.floor(length / 3),
      status_code: index % 997 === 996 ? "ERROR" : "UNSET", status_message: null, error_below: false, attributes: { "http.route": `/items/${index % 50}`, number: index }, resource: { "host.name": "h" },
      scope: { name: "made", version: null, attributes: {} }, events: [], links: [], log_count: 0,
    };
    spans.push(span);
    for (let child = 0; depth < 6 && child < 10 && spans.length < SPANS; child += 1) {
      span.child_count += 1;
      grow(depth + 1, from + (child * length) / 10, length / 11, index);
    }
    span.descendant_count = spans.length - index - 1;
  };
  grow(0, 0, 30e9, null);
  return {
    trace_id: "f".repeat(32), start_time_unix_nano: "1769000000000000000", duration_ns: 30e9, span_count: spans.length, error_count: spans.filter((span) => span.status_code === "ERROR").length,
    depth: 7, log_count: 0, services: [], warnings: [], spans, complete: true,
  };
}

/** What the server would say of a window of a trace: here always its first rows. */
function windowOf(trace, limit) {
  const rows = trace.spans.filter(({ depth }) => depth < 3).slice(0, limit).map((span) => ({
    ...span, span_index: trace.spans.indexOf(span), adjusted_start_offset_ns: span.start_offset_ns, critical_time_ns: 0, critical_parts: [], skew_ns: 0, same_id_count: 0, error: span.status_code === "ERROR", similar: null, attributes: undefined, resource: undefined, scope: undefined, events: undefined, links: undefined,
  }));
  const { trace_id, start_time_unix_nano, duration_ns, span_count, error_count, depth } = trace;
  return { trace_id, start_time_unix_nano, duration_ns, span_count, error_count, depth, window: { span_count, error_count, depth: 3 }, next_after: null, rows, complete: true };
}

const ANALYSIS = { services: [], service_count: 0, warnings: [], clock_skew: [], adjusted: { start_offset_ns: 0, duration_ns: 30e9 }, error_origin: null };

/** Answers windows at once and the whole trace once it is let go. */
async function serveTrace(page, trace, whole = Promise.resolve()) {
  const asked = [];
  await page.route("**/api/v1/traces/**", async (route) => {
    const url = new URL(route.request().url());
    const isWindow = url.pathname.endsWith("/timeline");
    const body = isWindow ? { ...windowOf(trace, Number(url.searchParams.get("limit"))), ...(url.searchParams.has("include") ? ANALYSIS : {}) } : trace;
    const text = JSON.stringify(body);
    asked.push({ kind: isWindow ? (url.searchParams.get("include") ?? "window") : "whole", bytes: text.length });
    if (!isWindow) await whole;
    return route.fulfill({ body: text, contentType: "application/json" });
  });
  return asked;
}

test(`a trace of ${SPANS} spans is a page of few elements, at any place of it, and is looked at before all of it has come`, async (context) => {
  const { page, problems, close } = await open();
  let letGo = () => undefined;
  const asked = await serveTrace(page, timeline(), new Promise((resolve) => (letGo = resolve)));
  await page.addInitScript(() => {
    const original = window.fetch;
    window.fetch = async (...given) => {
      const answer = await original(...given);
      if (String(given[0]).includes("limit=1000")) performance.mark("answered");
      return answer;
    };
    new MutationObserver((_, observer) => {
      if (!document.querySelector('[role="treegrid"] [role="row"]')) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => performance.mark("painted")));
    }).observe(document, { childList: true, subtree: true });
  });
  await noteLongTasks(page);
  await page.goto(`${server.http}/trace/${"f".repeat(32)}?whole=1`);
  const spans = page.getByRole("treegrid", { name: `Spans of the trace, ${SPANS} in all` });
  await spans.getByRole("row").first().waitFor();
  await page.waitForFunction(() => performance.getEntriesByName("painted").length > 0);
  const took = await page.evaluate(() => performance.measure("x", "answered", "painted").duration);
  // A figure and not a limit: this machine may be doing other things.
  context.diagnostic(`from the first answer's head to the first paint: ${Math.round(took)} ms`);
  // One window was enough for it, and what comes behind is not in the way.
  const [first, ...rest] = asked;
  assert.equal(first.kind, "window");
  assert.ok(first.bytes < 1_000_000, `${first.bytes} bytes before the first paint`);
  assert.ok(rest.filter(({ kind }) => kind === "window").length === 0 && rest.filter(({ kind }) => kind === "whole").length === 1, JSON.stringify(asked));
  await page.getByText("of them are on their way").waitFor();
  const nodes = () => page.evaluate(() => document.querySelectorAll("*").length);
  assert.ok((await nodes()) < PAGE_NODES, `${await nodes()} elements`);
  letGo();
  await page.getByRole("tab", { name: "Flame graph" }).waitFor();
  context.diagnostic(`all of it: ${(asked.find(({ kind }) => kind === "whole").bytes / 1e6).toFixed(0)} MB`);
  await spans.focus();
  await page.keyboard.press("End");
  await spans.locator('[role="row"][aria-selected="true"]').waitFor();
  assert.equal(await spans.getAttribute("aria-rowcount"), String(SPANS));
  assert.ok((await nodes()) < PAGE_NODES, `${await nodes()} elements at the end`);
  context.diagnostic(`long tasks: ${await longTasks(page)}`);
  assert.deepEqual(problems, []);
  await close();
});

/** One parent with many children of three kinds, as a loop over a database makes them. */
function loops() {
  const made = timeline();
  const [root] = made.spans;
  const spans = [root, ...made.spans.slice(1).map((span, at) => ({ ...span, parent_span_id: root.span_id, parent_index: 0, depth: 1, child_count: 0, descendant_count: 0, name: `SELECT ${at % 3}`, service_name: "db", kind: "CLIENT", status_code: at === 40_000 ? "ERROR" : "UNSET" }))];
  Object.assign(root, { child_count: spans.length - 1, descendant_count: spans.length - 1, name: "batch", error_below: true });
  return { ...made, spans, depth: 2, error_count: 1 };
}

test(`${SPANS} similar spans are four rows, and stay few elements when they are opened, coloured and searched`, async (context) => {
  const { page, problems, close } = await open();
  const asked = await serveTrace(page, loops());
  await noteLongTasks(page);
  await page.goto(`${server.http}/trace/${"f".repeat(32)}?whole=1`);
  await page.getByRole("tab", { name: "Flame graph" }).waitFor();
  const spans = page.getByRole("treegrid");
  const row = spans.getByRole("row");
  await row.first().waitFor();
  assert.equal(await row.count(), 4);
  const nodes = () => page.evaluate(() => document.querySelectorAll("*").length);
  assert.ok((await nodes()) < PAGE_NODES, `${await nodes()} elements`);
  await spans.focus();
  await page.keyboard.press("x");
  await page.getByRole("complementary", { name: "Span" }).waitFor();
  assert.ok(Number(await spans.getAttribute("aria-rowcount")) > SPANS / 4, "the group with the error is open");
  await page.getByLabel("Colour of the bars").selectOption("http.route");
  await page.getByRole("group", { name: "Colours by http.route" }).waitFor();
  await page.getByLabel("Find in this trace").fill("http.route:/items/7");
  await page.getByRole("status").filter({ hasText: /\/1.000/ }).waitFor();
  await page.keyboard.press("Enter");
  await spans.locator('[role="row"][aria-selected="true"]').waitFor();
  assert.ok((await nodes()) < PAGE_NODES, `${await nodes()} elements when opened`);
  assert.equal(asked.filter(({ kind }) => kind === "whole").length, 1);
  context.diagnostic(`long tasks: ${await longTasks(page)}`);
  assert.deepEqual(problems, []);
  await close();
});

test(`${ROWS} log records are scrolled through with few elements and one request a page`, async (context) => {
  const { page, problems, close } = await open();
  let requests = 0;
  await page.route("**/api/v1/logs?**", (route) => {
    requests += 1;
    const { searchParams } = new URL(route.request().url());
    const from = Number(searchParams.get("cursor") ?? 0);
    const to = Math.min(ROWS, from + Number(searchParams.get("limit")));
    const logs = Array.from({ length: to - from }, (_, at) => {
      const id = from + at;
      const nanos = String(1769000000000000000n - BigInt(id) * 1000000n);
      return {
        id: String(id), time: "2026-01-21T12:53:20Z", time_unix_nano: nanos, observed_time_unix_nano: null, severity_number: 9, severity_text: "INFO", level: "info", service_name: `service-${id % 7}`,
        body: `record ${id} of many, with a text of usual length in it`, body_type: "string", event_name: null, trace_id: null, span_id: null, attributes: {}, body_fields: {}, resource: {}, scope: { name: null, version: null, attributes: {} },
      };
    });
    return route.fulfill({ contentType: "application/json", body: JSON.stringify({ logs, next_cursor: to < ROWS ? String(to) : null, complete: true }) });
  });
  await noteLongTasks(page);
  await page.goto(`${server.http}/logs`);
  const list = page.getByRole("listbox", { name: "Log records" });
  await list.getByRole("option").first().waitFor();
  const frames = [];
  for (let loaded = 0; loaded < ROWS; ) {
    const step = await list.evaluate(async (element) => {
      const before = performance.now();
      element.scrollTop = element.scrollHeight;
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      return { took: performance.now() - before, height: element.querySelector(".virtual-space").clientHeight, shown: element.querySelectorAll('[role="option"]').length };
    });
    frames.push(step.took);
    loaded = Math.round(step.height / ROW_PX);
    assert.ok(step.shown < 120, `${step.shown} rows in the page`);
  }
  await page.getByText("End of results").waitFor();
  await page.getByText(`record ${ROWS - 1} of many`).waitFor();
  frames.sort((a, b) => a - b);
  context.diagnostic(`a frame while scrolling: ${Math.round(frames[Math.floor(frames.length / 2)])} ms in the middle, ${Math.round(frames.at(-1))} ms at most`);
  context.diagnostic(`long tasks: ${await longTasks(page)}`);
  assert.ok(requests < 70, `${requests} requests`);
  assert.ok((await page.evaluate(() => document.querySelectorAll("*").length)) < PAGE_NODES);
  assert.deepEqual(problems, []);
  await close();
});

test("a map of 1,238 services is drawn, chosen from, and has its cycles marked", async (context) => {
  const { page, problems, close } = await open();
  const data = JSON.parse(readFileSync(join(DATA, "untouched/jaeger-ui-dependencies-large.json"), "utf8"));
  const edges = data.map(({ parent, child, callCount }) => ({ from: parent, from_kind: "service", to: child, to_kind: "service", inferred: false, calls: callCount, error_count: 0, p50_ns: 1, p95_ns: 1, p99_ns: 1, sample_trace_ids: [] }));
  const nodes = [...new Set(edges.flatMap(({ from, to }) => [from, to]))].map((name) => ({ name, kind: "service", system: null, namespace: null }));
  const cycles = [{ name: "a → b → a", edges: [], round_count: 0, sample_trace_ids: [] }];
  await page.route("**/api/v1/services/graph**", (route) => route.fulfill({ contentType: "application/json", body: JSON.stringify({ nodes, edges, cycles, more_cycles: false, complete: true }) }));
  await noteLongTasks(page);
  await page.addInitScript(() => {
    window.lines = 0;
    const { bezierCurveTo } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.bezierCurveTo = function (...given) {
      window.lines += 1;
      return bezierCurveTo.apply(this, given);
    };
  });
  await page.goto(`${server.http}/map`);
  await page.getByRole("img", { name: "Map of 1238 services and 4271 call paths" }).waitFor();
  context.diagnostic(`long tasks: ${await longTasks(page)}`);
  // What the pointer meets is drawn over the map, which is not drawn again.
  await page.evaluate(() => (window.lines = 0));
  for (let at = 0; at < 40; at += 1) await page.mouse.move(200 + at * 25, 200 + at * 14);
  assert.ok((await page.evaluate(() => window.lines)) < edges.length, `${await page.evaluate(() => window.lines)} lines drawn`);
  await page.mouse.move(5, 5);
  await page.getByRole("button", { name: "Table" }).click();
  await page.locator(".edge-row button").first().click();
  await page.getByText(/of 1.238 services/).waitFor();
  await page.getByRole("button", { name: "Map", exact: true }).click();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /^cycles/ }).click();
  const small = await page.getByRole("img", { name: /^Map of/ }).getAttribute("aria-label");
  const inCycles = Number(/Map of (\d+)/.exec(small)[1]);
  assert.ok(inCycles > 300 && inCycles < 450, small);
  assert.deepEqual(problems, []);
  await close();
});

test("1,238 services of 40 namespaces are 40 nodes, of which one or all are opened", async (context) => {
  const { page, problems, close } = await open();
  const data = JSON.parse(readFileSync(join(DATA, "untouched/jaeger-ui-dependencies-large.json"), "utf8"));
  const edges = data.map(({ parent, child, callCount }) => ({ from: parent, from_kind: "service", to: child, to_kind: "service", inferred: false, calls: callCount, error_count: 0, p50_ns: 1, p95_ns: 1, p99_ns: 1, sample_trace_ids: [] }));
  const names = [...new Set(edges.flatMap(({ from, to }) => [from, to]))];
  const nodes = names.map((name, at) => ({ name, kind: "service", system: null, namespace: `team-${Math.floor((at * 40) / names.length)}` }));
  await page.route("**/api/v1/services/graph**", (route) => route.fulfill({ contentType: "application/json", body: JSON.stringify({ nodes, edges, cycles: [], more_cycles: false, complete: true }) }));
  await noteLongTasks(page);
  await page.goto(`${server.http}/map?group=namespace`);
  await page.getByRole("img", { name: /^Map of 40 namespaces, 0 services/ }).waitFor();
  await page.getByText(/^1.238 services, 4.271 call paths$/).waitFor();
  const list = page.getByRole("complementary", { name: "Namespaces" });
  await list.getByRole("button", { name: /^team-7 / }).click();
  await page.getByRole("img", { name: /^Map of 39 namespaces, 31 services/ }).waitFor();
  await list.getByRole("button", { name: "Open all" }).click();
  await page.getByRole("img", { name: "Map of 1238 services and 4271 call paths; the table shows the same" }).waitFor();
  context.diagnostic(`long tasks: ${await longTasks(page)}`);
  await list.getByRole("button", { name: "Close all" }).click();
  await page.getByRole("img", { name: /^Map of 40 namespaces, 0 services/ }).waitFor();
  assert.deepEqual(problems, []);
  await close();
});

test("a table of 1,238 services comes two hundred at a time, and one that a link names at once", async () => {
  const { page, problems, close } = await open();
  const services = Array.from({ length: 1238 }, (_, at) => ({ service_name: `service-${String(at).padStart(4, "0")}`, span_count: 5000 - at, error_count: 0, log_count: 0, operations: [] }));
  await page.route((url) => url.pathname === "/api/v1/services", (route) => route.fulfill({ contentType: "application/json", body: JSON.stringify({ services, complete: true }) }));
  await page.goto(`${server.http}/services?open=none`);
  const rows = page.locator(".service-row");
  await rows.first().waitFor();
  assert.equal(await rows.count(), 200);
  await page.getByText(/^The first 200 of 1.238$/).waitFor();
  await page.getByRole("button", { name: "200 more" }).click();
  await rows.nth(399).waitFor();
  await page.getByRole("textbox", { name: "Find a service" }).fill("service-1237");
  await page.waitForFunction(() => document.querySelectorAll(".service-row").length === 1);
  await page.goto(`${server.http}/services?open=service-0250`);
  await rows.nth(250).waitFor();
  assert.equal(await rows.count(), 251);
  assert.deepEqual(problems, []);
  await close();
});
