// Large answers, as counts: however much there is, the page stays small. The answers are made here, so that
// what is measured is the page and not the server.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { DATA, Server } from "../node/server.js";
import { launch, openPage, SIZES } from "./browser.js";

const SPANS = 50_000;
const ROWS = 100_000;
const PAGE_NODES = 1500;

let server;
let browser;

before(async () => {
  server = await Server.start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

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

test(`a trace of ${SPANS} spans is a page of few elements, at any place of it`, async (context) => {
  const { page, problems, close } = await openPage(browser, server, { viewport: SIZES.laptop });
  const body = JSON.stringify(timeline());
  await page.route("**/api/v1/traces/**", (route) => route.fulfill({ body, contentType: "application/json" }));
  await page.addInitScript(() => {
    const original = window.fetch;
    window.fetch = async (...asked) => {
      const answer = await original(...asked);
      if (String(asked[0]).includes("timeline")) performance.mark("answered");
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
  context.diagnostic(`from the answer's head to the first paint of ${(body.length / 1e6).toFixed(0)} MB: ${Math.round(took)} ms`);
  const nodes = () => page.evaluate(() => document.querySelectorAll("*").length);
  assert.ok((await nodes()) < PAGE_NODES, `${await nodes()} elements`);
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
  const { page, problems, close } = await openPage(browser, server, { viewport: SIZES.laptop });
  let requests = 0;
  await page.route("**/api/v1/traces/**", (route) => {
    requests += 1;
    return route.fulfill({ body: JSON.stringify(loops()), contentType: "application/json" });
  });
  await noteLongTasks(page);
  await page.goto(`${server.http}/trace/${"f".repeat(32)}?whole=1`);
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
  assert.equal(requests, 1);
  context.diagnostic(`long tasks: ${await longTasks(page)}`);
  assert.deepEqual(problems, []);
  await close();
});

test(`${ROWS} log records are scrolled through with few elements and one request a page`, async (context) => {
  const { page, problems, close } = await openPage(browser, server, { viewport: SIZES.laptop });
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
      return { took: performance.now() - before, rows: Math.round(element.querySelector(".virtual-space").clientHeight / 18), shown: element.querySelectorAll('[role="option"]').length };
    });
    frames.push(step.took);
    loaded = step.rows;
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
  const { page, problems, close } = await openPage(browser, server, { viewport: SIZES.laptop });
  const data = JSON.parse(readFileSync(join(DATA, "untouched/jaeger-ui-dependencies-large.json"), "utf8"));
  const edges = data.map(({ parent, child, callCount }) => ({ from: parent, from_kind: "service", to: child, to_kind: "service", inferred: false, calls: callCount, error_count: 0, p50_ns: 1, p95_ns: 1, p99_ns: 1, sample_trace_ids: [] }));
  const nodes = [...new Set(edges.flatMap(({ from, to }) => [from, to]))].map((name) => ({ name, kind: "service", system: null }));
  const cycles = [{ name: "a → b → a", edges: [], round_count: 0, sample_trace_ids: [] }];
  await page.route("**/api/v1/services/graph**", (route) => route.fulfill({ contentType: "application/json", body: JSON.stringify({ nodes, edges, cycles, more_cycles: false, complete: true }) }));
  await noteLongTasks(page);
  await page.goto(`${server.http}/map`);
  await page.getByRole("img", { name: "Map of 1238 services and 4271 call paths" }).waitFor();
  context.diagnostic(`long tasks: ${await longTasks(page)}`);
  await page.getByRole("button", { name: "Table" }).click();
  await page.locator(".edge-row button").first().click();
  await page.getByText(/of 1.238 services/).waitFor();
  await page.getByRole("button", { name: "Map", exact: true }).click();
  await page.getByRole("button", { name: /^cycles/ }).click();
  const small = await page.getByRole("img", { name: /^Map of/ }).getAttribute("aria-label");
  assert.ok(Number(/Map of (\d+)/.exec(small)[1]) < 300, small);
  assert.deepEqual(problems, []);
  await close();
});
