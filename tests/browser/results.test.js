// What is found, shown as somebody wants it: columns of traces and of statements, statements as charts, the same
// question elsewhere, and how far a question is that takes long.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAccessible, assertFits, open, server, setUp, SIZES, startServer } from "./browser.js";

const RANGE = "start=2023-01-29T08:40:00.000Z&end=2023-01-29T15:45:00.000Z";
/** With what failed, too. */
const BOTH = { start: "2022-02-28T00:00:00.000Z", end: "2023-01-29T09:00:00.000Z" };
const FIXED = { start: "2023-01-29T08:40:00.000Z", end: "2023-01-29T15:45:00.000Z" };

setUp(startServer, breaks);

/** Exceptions of a span and of a log, as the imported ones have none. */
async function breaks() {
  const at = `${Date.parse("2023-01-29T08:50:00Z")}000000`;
  const text = (key, stringValue) => ({ key, value: { stringValue } });
  const attributes = [text("exception.type", "shop.Refused"), text("exception.message", "order 17 refused")];
  const resource = { attributes: [text("service.name", "breaker")] };
  const span = { traceId: "e".repeat(32), spanId: "e".repeat(16), name: "pay", kind: 2, startTimeUnixNano: at, endTimeUnixNano: at, status: { code: 2 }, events: [{ timeUnixNano: at, name: "exception", attributes }, { timeUnixNano: at, name: "retry" }] };
  await server.post("/v1/traces", JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] }));
  await server.post("/v1/logs", JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords: [{ timeUnixNano: at, severityNumber: 17, body: { stringValue: "it broke" }, attributes }] }] }] }));
}

const param = (page, name) => page.evaluate((key) => new URL(location.href).searchParams.get(key), name);
const until = (page, name, value) => page.waitForFunction(([key, wanted]) => new URL(location.href).searchParams.get(key) === wanted, [name, value]);

async function sql(query) {
  const answer = await fetch(`${server.http}/api/v1/sql`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ query }) });
  const body = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(body));
  return body;
}

test("the columns of traces are chosen, dragged, made wider and kept, and rows are given more", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/traces?${RANGE}`);
  const rows = page.locator(".trace-row");
  await rows.first().waitFor();
  const head = page.locator(".trace-head");
  await page.getByTitle("Choose columns").click();
  await page.getByRole("button", { name: "Trace id", exact: true }).click();
  await until(page, "cols", "time,root,duration,spans,errors,services,trace_id");
  await page.getByRole("button", { name: "Keep Trace id where there is little room" }).click();
  await page.getByRole("button", { name: "Comfortable" }).click();
  await assertAccessible(page, "columns of traces");
  await page.keyboard.press("Escape");
  const [{ trace_id: id }] = (await server.get("/api/v1/traces", { ...FIXED, limit: 1 })).traces;
  await rows.first().getByText(id).waitFor();
  await head.getByTitle("Trace id: drag it").dragTo(head.getByTitle("Duration: drag it"));
  await until(page, "cols", "time,root,trace_id,duration,spans,errors,services");
  const grip = head.getByRole("separator", { name: "Width of the column Root operation" });
  const was = Number(await grip.getAttribute("aria-valuenow"));
  await grip.focus();
  await page.keyboard.press("ArrowLeft");
  await page.waitForFunction((before) => Number(document.querySelector('[aria-label="Width of the column Root operation"]').getAttribute("aria-valuenow")) < before, was);
  await head.getByRole("button", { name: "Duration", exact: true }).click();
  assert.equal(await param(page, "sort"), "duration", "a head still orders the list");
  assert.equal((await rows.first().boundingBox()).height, 40);
  // The next visit begins with what was chosen.
  await page.goto(`${server.http}/traces?${RANGE}`);
  await rows.first().waitFor();
  assert.deepEqual(await head.locator(".log-head-cell > [draggable]").allTextContents(), ["Start", "Root operation", "Trace id", "Duration", "Spans", "Errors", "Services"]);
  assert.equal((await rows.first().boundingBox()).height, 40);
  await page.setViewportSize({ width: 800, height: 900 });
  await head.getByTitle("Services: drag it").waitFor({ state: "detached" });
  assert.equal(await head.getByTitle("Trace id: drag it").count(), 1);
  // Charts are drawn anew once they know their width.
  await page.waitForFunction(() => document.documentElement.scrollWidth <= window.innerWidth);
  assert.deepEqual(problems, []);
  await close();
});

const BY_SERVICE = "SELECT service_name, count(*) AS spans, max(duration_ns) AS longest_ns FROM spans GROUP BY service_name ORDER BY spans DESC";

test("the columns of a statement's rows are chosen, dragged, made wider and pinned, and kept for columns of these names", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/sql?q=${encodeURIComponent(BY_SERVICE)}`);
  const rows = page.locator(".result-row:not(.result-head)");
  const heads = page.locator(".result-head .log-head-cell > [draggable]");
  await rows.first().waitFor();
  assert.deepEqual(await heads.allTextContents(), ["service_name", "spans", "longest_ns"]);
  await page.locator(".result-head").getByTitle("longest_ns: drag it").dragTo(page.locator(".result-head").getByTitle("service_name: drag it"));
  await until(page, "cols", "2,0,1");
  assert.deepEqual(await heads.allTextContents(), ["longest_ns", "service_name", "spans"]);
  await page.locator(".result-head").getByTitle("spans: drag it").hover();
  await page.getByRole("button", { name: "Take the column spans out" }).click();
  await until(page, "cols", "2,0");
  await page.getByTitle("Choose columns").click();
  await page.getByRole("button", { name: "Keep service_name at the left" }).click();
  await page.getByRole("button", { name: "Comfortable" }).click();
  await assertAccessible(page, "columns of a result");
  await page.keyboard.press("Escape");
  assert.equal(await rows.first().locator(".result-pinned").evaluate((cell) => getComputedStyle(cell).position), "sticky");
  assert.ok((await rows.first().locator(".result-pinned").boundingBox()).x < (await rows.first().locator(".number").boundingBox()).x);
  assert.equal((await rows.first().boundingBox()).height, 34);
  await page.goto(`${server.http}/sql?q=${encodeURIComponent(BY_SERVICE)}`);
  await rows.first().waitFor();
  assert.deepEqual((await heads.allTextContents()).map((name) => name.trim()), ["service_name", "longest_ns"]);
  await page.getByTitle("Choose columns").click();
  await page.getByRole("button", { name: "All, as they came" }).click();
  await until(page, "cols", null);
  assert.equal(await heads.count(), 3);
  assert.deepEqual(problems, []);
  await close();
});

test("a statement's rows are a table or a chart by any of their columns, without being asked again", async () => {
  for (const size of ["laptop", "phone"]) {
    const { page, problems, close } = await open({ viewport: SIZES[size], hasTouch: size === "phone" });
    let asked = 0;
    page.on("request", (request) => (asked += request.url().endsWith("/api/v1/sql") && request.postData().includes("GROUP BY") ? 1 : 0));
    await page.goto(`${server.http}/sql?q=${encodeURIComponent(BY_SERVICE)}`);
    await page.locator(".result-row").first().waitFor();
    await page.getByRole("button", { name: "Chart", exact: true }).click();
    const bars = page.getByRole("group", { name: "Chart of the result by service_name" });
    await bars.locator(".chart-bar").first().waitFor();
    const { rows } = await sql(BY_SERVICE);
    assert.equal(await bars.locator(".chart-bar-name").first().textContent(), rows[0][0]);
    await assertFits(page);
    await assertAccessible(page, `bars, ${size}`);
    await page.getByLabel("Value", { exact: true }).selectOption("longest_ns");
    await until(page, "value", "longest_ns");
    const [longest] = [...rows].sort((a, b) => b[2] - a[2]);
    assert.equal(await bars.locator(".chart-bar-name").first().textContent(), longest[0]);
    await page.getByLabel("Group by").selectOption("spans");
    await page.getByRole("group", { name: "Chart of the result by spans" }).waitFor();
    await page.getByRole("button", { name: "Table", exact: true }).click();
    await page.locator(".result-row").first().waitFor();
    assert.equal(asked, 1, "one statement, one request");

    const overTime = "SELECT time_bucket('10m', start_time) AS bucket, service_name, count(*) AS spans FROM spans WHERE start_time > '2023-01-01T00:00:00Z' AND start_time < '2023-02-01T00:00:00Z' GROUP BY 1, 2";
    await page.goto(`${server.http}/sql?view=chart&q=${encodeURIComponent(overTime)}`);
    const chart = page.getByRole("figure", { name: /Drag to zoom/ });
    await chart.waitFor();
    await page.getByLabel("Group by").selectOption("service_name");
    await page.getByLabel("Over", { exact: true }).waitFor();
    await assertFits(page);
    await assertAccessible(page, `lines, ${size}`);
    if (size === "laptop") {
      const box = await page.locator(".histogram-plot").boundingBox();
      await page.mouse.move(box.x + 200, box.y + 60);
      await page.mouse.down();
      await page.mouse.move(box.x + 500, box.y + 60, { steps: 4 });
      await page.mouse.up();
      await page.getByRole("button", { name: "Reset zoom" }).click();
      await until(page, "part", null);
    }
    assert.deepEqual(problems, []);
    await close();
  }
});

test("services, calls, exceptions and failures are asked elsewhere as well, and the same comes out", async () => {
  const { page, problems, close } = await open();
  const panel = page.locator(".runas");
  const statementOf = async (path) => {
    await page.goto(`${server.http}${path}`);
    await page.getByTitle("The same as curl, command line or SQL").click();
    await panel.waitFor();
    const curl = await panel.locator("pre").textContent();
    await panel.getByRole("button", { name: "SQL", exact: true }).click();
    const statement = await panel.locator("pre").textContent();
    await assertAccessible(page, `run as, ${path}`);
    return { curl, rows: (await sql(statement)).rows };
  };

  for (const asked of [{}, BOTH]) {
    const range = Object.entries(asked).map(([key, value]) => `&${key}=${value}`).join("");
    const services = await statementOf(`/services?tab=${range}`);
    assert.match(services.curl, /\/api\/v1\/services'/);
    const known = (await server.get("/api/v1/services", asked)).services;
    assert.deepEqual(services.rows.map((row) => row.map(String)).sort(), known.map((each) => [each.service_name, each.span_count, each.error_count, each.log_count].map(String)).sort());

    const calls = await statementOf(`/map?view=table${range}`);
    assert.match(calls.curl, /\/api\/v1\/services\/graph'/);
    const { edges } = await server.get("/api/v1/services/graph", asked);
    const key = ({ from, to, calls: count }) => `${from} > ${to}: ${count}`;
    if (range === "") assert.deepEqual(calls.rows.map((row) => key({ from: row[0], to: row[2], calls: row[4] })).sort(), edges.map(key).sort());
    else assert.deepEqual(calls.rows.map((row) => key({ from: row[0], to: row[1], calls: row[2] })).sort(), edges.filter((edge) => !edge.inferred).map(key).sort());

    const exceptions = await statementOf(`/errors?tab=exceptions${range}`);
    assert.match(exceptions.curl, /\/api\/v1\/exceptions'/);
    const thrown = await server.get("/api/v1/exceptions", asked);
    assert.equal(exceptions.rows.reduce((sum, row) => sum + Number(row[1]), 0), thrown.total);
    assert.deepEqual(exceptions.rows.filter((row) => row[0] === "shop.Refused").map((row) => row[1]), [2]);

    const failures = await statementOf(`/errors?tab=${range}`);
    assert.match(failures.curl, /\/api\/v1\/failures'/);
    const broken = (await server.get("/api/v1/failures", { ...asked, limit: 100 })).failures;
    const places = new Set(failures.rows.map((row) => `${row[0]} ${row[1]}`));
    for (const each of broken) assert.ok(places.has(`${each.service_name} ${each.name}`), `${each.service_name} ${each.name}`);
  }

  const [{ service_name: service, operations }] = (await server.get("/api/v1/services", {})).services;
  const page1 = await statementOf(`/services/${encodeURIComponent(service)}`);
  assert.deepEqual(page1.rows.map((row) => [row[0], Number(row[1])]).sort(), operations.map((each) => [each.name, each.span_count]).sort());

  // What changed is ranked as no statement can: the request alone.
  await page.goto(`${server.http}/services?tab=changes&${RANGE}`);
  await page.getByTitle("The same as curl", { exact: true }).click();
  assert.match(await panel.locator("pre").textContent(), /\/api\/v1\/services\/changes'/);
  assert.equal(await panel.getByRole("button", { name: "SQL", exact: true }).count(), 0);
  assert.deepEqual(problems, []);
  await close();
});

test("a statement that takes long says how far it is, and can be cancelled", async () => {
  const { page, problems, close } = await open();
  let release;
  const held = new Promise((done) => (release = done));
  const isOurs = (request) => request.postData()?.includes("GROUP BY");
  await page.route("**/api/v1/sql", async (route) => {
    if (isOurs(route.request())) await held;
    await route.continue().catch(() => undefined);
  });
  await page.route("**/api/v1/queries", async (route) => {
    const entry = { id: "1", kind: "/api/v1/sql", query: BY_SERVICE, state: "running", rows_read: 25, rows_planned: 100, bytes_read: 123_000 };
    await route.fulfill({ contentType: "application/json", body: JSON.stringify({ queries: [entry], running: 1 }) });
  });
  await page.goto(`${server.http}/sql?q=${encodeURIComponent(BY_SERVICE)}`);
  await page.getByText("25 %, 123 kB read").waitFor();
  await assertAccessible(page, "a statement that runs");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("heading", { name: "Cancelled" }).waitFor();
  release();
  await page.unroute("**/api/v1/sql");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.locator(".result-row").first().waitFor();
  assert.deepEqual(problems, []);
  await close();
});
