// What stands around a search: what it would read before it runs, stopping it, what came since, the same elsewhere,
// values that are counted, and numbers that are bounded.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { assertAccessible, assertFits, open, server, setUp, SIZES, startServer } from "./browser.js";

const RANGE = "start=2023-01-29T08:40:00.000Z&end=2023-01-29T15:45:00.000Z";

setUp(startServer);

const rowsOf = (page) => page.getByRole("listbox", { name: "Log records" }).getByRole("option");
const queryOf = (page) => new URL(page.url()).searchParams.get("q");
const sizeOf = (text) => {
  const [, number, unit] = /([\d.]+) (B|kB|MB|GB)/.exec(text);
  return Number(number) * { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 }[unit];
};

/** Log records as OTLP, one for each text. */
async function send(texts) {
  const now = `${Date.now()}000000`;
  const logRecords = texts.map((text) => ({ timeUnixNano: now, severityNumber: 9, body: { stringValue: text } }));
  const resource = { attributes: [{ key: "service.name", value: { stringValue: "news" } }] };
  await server.post("/v1/logs", JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] }));
}

async function sql(query) {
  const answer = await fetch(`${server.http}/api/v1/sql`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ query }) });
  const body = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(body));
  return body;
}

describe("what a search costs", () => {
  test("stands beside it before it runs, as the server plans it, with the limits; on a phone below it", async () => {
    for (const size of ["laptop", "phone"]) {
      const { page, problems, close } = await open({ viewport: SIZES[size], hasTouch: size === "phone" });
      await page.goto(`${server.http}/logs?${RANGE}`);
      await rowsOf(page).first().waitFor();
      const figure = page.locator("button.cost");
      const all = sizeOf(await figure.textContent());
      await page.locator(".editor-host:not([hidden])").waitFor();
      await page.getByRole("textbox", { name: "Query" }).fill("service:nowhere");
      await page.waitForFunction(() => document.querySelector("button.cost")?.textContent === "reads nothing");
      assert.equal(queryOf(page), null, "nothing was run");
      // What is written over coloured text takes its colours along, as an inline style that the policy forbids.
      await page.getByRole("button", { name: "Clear the query" }).click();
      await page.getByRole("textbox", { name: "Query" }).fill("dispatcherServlet");
      await page.waitForFunction(() => document.querySelector("button.cost")?.textContent.startsWith("reads ≤"));
      assert.ok(sizeOf(await figure.textContent()) <= all);
      await page.keyboard.press("Escape");
      await figure.click();
      const { scans, limits } = await server.get("/api/v1/explain", { table: "logs", query: "dispatcherServlet", start: "2023-01-29T08:40:00.000Z", end: "2023-01-29T15:45:00.000Z" });
      const visible = scans[0].steps.find((step) => step.step === "visible");
      const last = page.locator(".cost-panel tbody tr").last();
      assert.equal((await last.locator("td").first().textContent()).replace(/\s/g, ""), String(visible.files));
      assert.equal((await last.locator("td").nth(1).textContent()).replace(/\s/g, ""), String(visible.rows));
      assert.equal(limits.timeout_ms, 60_000);
      await page.locator(".cost-panel").getByText(/may take 1 m 00 s and 537 MB of memory/).waitFor();
      await assertFits(page);
      await assertAccessible(page, `cost, ${size}`);
      assert.deepEqual(problems, []);
      await close();
    }
  });

  test("is not worked out for what is not understood: the place is underlined while it is typed", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/logs?${RANGE}`);
    await page.locator(".editor-host:not([hidden])").waitFor();
    await page.getByRole("textbox", { name: "Query" }).fill("level:error (timeout OR");
    await page.getByText("not understood yet").waitFor();
    await page.waitForFunction(() => document.querySelector("#query").shadowRoot.querySelector(".token-wrong") !== null);
    await rowsOf(page).first().waitFor();
    await page.getByRole("button", { name: "Clear the query" }).click();
    await page.locator("button.cost").waitFor();
    assert.deepEqual(problems.filter((text) => !/status of 400/.test(text)), []);
    await close();
  });

  test("a search that takes long says how far it is, and can be cancelled", async () => {
    const { page, problems, close } = await open();
    let release;
    const held = new Promise((done) => (release = done));
    await page.route("**/api/v1/logs?*", async (route) => {
      await held;
      await route.continue().catch(() => undefined);
    });
    await page.route("**/api/v1/queries", async (route) => {
      const entry = { id: "1", kind: "/api/v1/logs", query: "dispatcherServlet", state: "running", rows_read: 7, rows_planned: 100, bytes_read: 123_000 };
      await route.fulfill({ contentType: "application/json", body: JSON.stringify({ queries: [entry], running: 1 }) });
    });
    await page.goto(`${server.http}/logs?q=dispatcherServlet&${RANGE}`);
    await page.getByText("7.0 %, 123 kB read").waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("heading", { name: "Cancelled" }).waitFor();
    await assertAccessible(page, "cancelled");
    release();
    await page.unroute("**/api/v1/logs?*");
    await page.getByRole("button", { name: "Search", exact: true }).click();
    await rowsOf(page).first().waitFor();
    assert.deepEqual(problems, []);
    await close();
  });
});

test("what came since is counted over the list, which does not move until it is asked for", async () => {
  const { page, problems, close } = await open();
  await send(["a first one"]);
  await page.clock.install();
  await page.goto(`${server.http}/logs?q=${encodeURIComponent("service:news")}`);
  await rowsOf(page).first().waitFor();
  const shown = await rowsOf(page).count();
  await send(["a second one", "a third one"]);
  await page.clock.runFor(31_000);
  const pill = page.getByRole("button", { name: /2.new records/ });
  await pill.waitFor();
  assert.equal(await rowsOf(page).count(), shown);
  await assertAccessible(page, "new records");
  await pill.click();
  await rowsOf(page).filter({ hasText: "a third one" }).waitFor();
  await pill.waitFor({ state: "detached" });
  assert.deepEqual(problems, []);
  await close();
});

test("a value can be counted by, be a column, be copied, and its field be asked for", async () => {
  const { page, context, problems, close } = await open();
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.http });
  await page.goto(`${server.http}/logs?${RANGE}`);
  await rowsOf(page).nth(2).click();
  const more = async (what) => {
    await page.locator(".attribute").filter({ hasText: "k8s.pod.name" }).hover();
    await page.getByRole("button", { name: "More of k8s.pod.name" }).click();
    await page.locator(".value-menu").getByRole("button", { name: what }).click();
  };
  await more("Copy key=value");
  await page.getByText("Copied").waitFor();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^k8s\.pod\.name=ts-/);
  await more("Copy as a filter");
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^k8s\.pod\.name:ts-/);
  await more("Column in the list");
  await page.locator(".log-head").getByText("+1 without room").waitFor();
  await page.getByRole("complementary", { name: "Log record" }).getByRole("button", { name: "Close" }).click();
  await page.locator(".log-head").getByText("k8s.pod.name").waitFor();
  await rowsOf(page).nth(2).click();
  await page.locator(".attribute").filter({ hasText: "k8s.pod.name" }).hover();
  await page.getByRole("button", { name: "More of k8s.pod.name" }).click();
  await assertAccessible(page, "menu of a value");
  await page.keyboard.press("Escape");
  await more("Only with the field");
  await page.waitForFunction(() => new URL(location.href).searchParams.get("q") === "has:k8s.pod.name");
  await rowsOf(page).nth(2).click();
  await more("Group by");
  await page.waitForFunction(() => new URL(location.href).searchParams.get("view") === "table");
  await page.getByRole("group", { name: "Records by k8s.pod.name" }).waitFor();
  assert.deepEqual(problems, []);
  await close();
});

test("what is found is a list, a table or a chart of the same search", async () => {
  for (const size of ["laptop", "phone"]) {
    const { page, problems, close } = await open({ viewport: SIZES[size], hasTouch: size === "phone" });
    await page.goto(`${server.http}/logs?q=level:error&${RANGE}`);
    await rowsOf(page).first().waitFor();
    await page.getByRole("button", { name: "Table", exact: true }).click();
    await page.getByLabel("Group by").selectOption({ label: "service" });
    const table = page.getByRole("group", { name: "Records by service" });
    await table.getByText("ts-basic-service").waitFor();
    const { rows } = await sql("SELECT service_name, count(*) FROM logs WHERE severity_number >= 17 AND severity_number < 21 AND service_name LIKE 'ts-%' GROUP BY 1 ORDER BY 2 DESC");
    const counts = await table.locator(".count-row .pattern-count").allTextContents();
    assert.deepEqual(counts.map(Number), rows.map((row) => row[1]));
    await assertFits(page);
    await assertAccessible(page, `table, ${size}`);
    await page.getByRole("button", { name: "Chart", exact: true }).click();
    await page.getByRole("figure", { name: /Drag to zoom/ }).first().waitFor();
    await assertFits(page);
    await assertAccessible(page, `chart, ${size}`);
    await page.getByRole("button", { name: "Table", exact: true }).click();
    await table.getByRole("button", { name: "ts-basic-service", exact: true }).click();
    await page.waitForFunction(() => new URL(location.href).searchParams.get("q") === "level:error service:ts-basic-service");
    await table.getByText("ts-food-service").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Lines", exact: true }).click();
    await rowsOf(page).first().waitFor();
    assert.equal(queryOf(page), "level:error service:ts-basic-service");
    assert.deepEqual(problems, []);
    await close();
  }
});

test("the same search as curl, on the command line and in SQL finds the same", async () => {
  const { page, context, problems, close } = await open();
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.http });
  const query = "level:error (ts-food OR dispatcherServlet)";
  await page.goto(`${server.http}/logs?q=${encodeURIComponent(query)}&${RANGE}`);
  await rowsOf(page).first().waitFor();
  const button = page.getByTitle("The same as curl, command line or SQL");
  await button.click();
  const panel = page.locator(".runas");
  const text = () => panel.locator("pre").textContent();
  assert.match(await text(), /^curl -sG 'http:[^']*\/api\/v1\/logs' \\\n {2}--data-urlencode 'query=level:error/);
  await assertAccessible(page, "run as");
  await panel.getByRole("button", { name: "CLI", exact: true }).click();
  assert.match(await text(), /^spoor logs --url 'http:/);
  await panel.getByRole("button", { name: "SQL", exact: true }).click();
  const statement = await text();
  const { rows } = await sql(statement);
  const { logs } = await server.get("/api/v1/logs", { query, start: "2023-01-29T08:40:00.000Z", end: "2023-01-29T15:45:00.000Z", limit: 100 });
  assert.ok(rows.length > 0);
  assert.deepEqual(rows.map((row) => row.at(-1)).sort(), logs.map((log) => log.body).sort());
  await panel.getByRole("link", { name: "Open in SQL" }).click();
  await page.getByRole("group", { name: `Result, ${rows.length} rows` }).waitFor();
  await button.click();
  assert.match(await text(), /^curl -s 'http:[^']*\/api\/v1\/sql'/);
  await page.goto(`${server.http}/traces?q=status:error`);
  await page.locator('a[href^="/trace/"]').first().waitFor();
  await button.click();
  await panel.getByRole("button", { name: "SQL", exact: true }).click();
  const traces = await sql(await text());
  const listed = await server.get("/api/v1/traces", { query: "status:error", limit: 20 });
  assert.deepEqual(traces.rows.map((row) => row[0]).sort(), listed.traces.map((trace) => trace.trace_id).sort());
  assert.deepEqual(problems, []);
  await close();
});

test("what is typed over coloured text takes the colour of its tokens, and no style of the browser's own", async () => {
  const { page, problems, close } = await open();
  for (const [address, name, text] of [["/logs?q=level:error+order", "Query", "service:cart"], ["/sql?q=SELECT+1", /SQL/, "SELECT 2 -- two"]]) {
    await page.goto(`${server.http}${address}`);
    await page.locator(".editor-host:not([hidden])").waitFor();
    const box = page.getByRole("textbox", { name });
    for (const put of [(typed) => page.keyboard.type(typed), (typed) => page.keyboard.insertText(typed)]) {
      await box.click();
      await page.keyboard.press("Control+a");
      await put(text);
      // The editor takes what was put in a moment later.
      await box.filter({ hasText: text }).waitFor({ timeout: 5000 });
      assert.equal(await box.textContent(), text);
      assert.equal(await box.locator("[style]").count(), 0);
      await page.keyboard.press("Control+z");
      await box.filter({ hasText: text }).waitFor({ state: "detached" });
    }
  }
  // A refused style is an error of the console.
  assert.deepEqual(problems, []);
  await close();
});

test("a facet of numbers shows how they are spread, and bounds them", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/traces?${RANGE}`);
  await page.locator('a[href^="/trace/"]').first().waitFor();
  await page.getByRole("button", { name: "duration", exact: true }).click();
  const to = page.getByRole("slider", { name: "duration to" });
  await to.waitFor();
  const bars = page.locator(".numeric-bars i");
  assert.equal(await bars.count(), 24);
  await assertAccessible(page, "a facet of numbers");
  const from = page.getByRole("slider", { name: "duration from" });
  await from.focus();
  for (let at = 0; at < 14; at += 1) await page.keyboard.press("ArrowRight");
  await page.waitForFunction(() => /^duration:\[[\d.]+m?s TO [\d.]+m?s\]$/.test(new URL(location.href).searchParams.get("q") ?? ""));
  const { traces } = await server.get("/api/v1/traces", { query: queryOf(page), limit: 5 });
  assert.ok(traces.length > 0);
  await page.locator(".numeric-in").first().waitFor();
  assert.ok((await page.locator(".numeric-in").count()) < 24, "the bins outside of the range are grey");
  await page.locator(".numeric-says").getByRole("button", { name: "All" }).click();
  await page.waitForFunction(() => !new URL(location.href).searchParams.has("q"));
  // Not all that is stored comes from where this is sent.
  await page.goto(`${server.http}/traces`);
  await page.locator('a[href^="/trace/"]').first().waitFor();
  await page.getByLabel("Find a field to break down").fill("duration_us");
  await page.locator(".facet-name").last().click();
  const without = page.locator(".numeric-has").getByRole("button", { name: /^without/ });
  await without.click();
  await page.waitForFunction(() => new URL(location.href).searchParams.get("q") === "-has:nezha.duration_us");
  assert.deepEqual(problems, []);
  await close();
});

test("columns are dragged, made wider, kept where there is little room, and rows are given more", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/logs?cols=level,service,k8s.pod.name,trace_id&${RANGE}`);
  await rowsOf(page).first().waitFor();
  const head = page.locator(".log-head");
  await head.getByTitle("k8s.pod.name: drag it").dragTo(head.getByTitle("level: drag it"));
  await page.waitForFunction(() => new URL(location.href).searchParams.get("cols") === "k8s.pod.name,level,service,trace_id");
  const column = head.getByRole("separator", { name: "Width of the column service" });
  const before = Number(await column.getAttribute("aria-valuenow"));
  await column.focus();
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction((was) => Number(document.querySelector('[aria-label="Width of the column service"]').getAttribute("aria-valuenow")) > was, before);
  await page.getByTitle("Choose columns").click();
  await page.getByRole("button", { name: "Keep trace_id where there is little room" }).click();
  await page.getByRole("button", { name: "Comfortable" }).click();
  await assertAccessible(page, "columns");
  await page.keyboard.press("Escape");
  assert.equal((await rowsOf(page).first().boundingBox()).height, 28);
  await page.reload();
  await rowsOf(page).first().waitFor();
  assert.equal((await rowsOf(page).first().boundingBox()).height, 28);
  assert.ok(Number(await column.getAttribute("aria-valuenow")) > before);
  await rowsOf(page).nth(2).click();
  await page.getByRole("complementary", { name: "Log record" }).waitFor();
  await head.getByTitle("service: drag it").waitFor({ state: "detached" });
  assert.equal(await head.getByTitle("trace_id: drag it").count(), 1);
  assert.deepEqual(problems, []);
  await close();
});

test("a record has a page of its own, and is copied as what a collector takes", async () => {
  for (const size of ["laptop", "phone"]) {
    const { page, context, problems, close } = await open({ viewport: SIZES[size], hasTouch: size === "phone" });
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.http });
    await page.goto(`${server.http}/logs?q=dispatcherServlet&${RANGE}`);
    await rowsOf(page).nth(2).click();
    await page.getByRole("button", { name: "Copy the record as OTLP: an export request in JSON" }).click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    const before = (await server.get("/api/v1/logs", { query: "dispatcherServlet", limit: 1000 })).logs.length;
    await server.post("/v1/logs", copied);
    const { logs } = await server.get("/api/v1/logs", { query: "dispatcherServlet", limit: 1000 });
    assert.equal(logs.length, before + 1);
    const [copy, original] = logs.filter((log) => log.time_unix_nano === JSON.parse(copied).resourceLogs[0].scopeLogs[0].logRecords[0].timeUnixNano).sort((a, b) => Number(b.id) - Number(a.id));
    assert.deepEqual({ ...copy, id: "" }, { ...original, id: "" });
    await page.getByRole("link", { name: "Open the record on its own page" }).click();
    await page.waitForURL("**/log/*");
    await page.getByRole("heading", { name: "Lines around it" }).waitFor();
    await page.locator(".context-here").waitFor();
    await assertFits(page);
    await assertAccessible(page, `a record, ${size}`);
    await page.reload();
    await page.locator(".context-here").waitFor();
    await page.getByRole("link", { name: "In the list" }).click();
    await page.getByRole("complementary", { name: "Log record" }).waitFor();
    assert.deepEqual(problems, []);
    await close();
  }
});

test("a filter is put together from field, operator and value, and is the same in the text", async () => {
  for (const size of ["laptop", "phone"]) {
    const { page, problems, close } = await open({ viewport: SIZES[size], hasTouch: size === "phone" });
    await page.goto(`${server.http}/logs?q=${encodeURIComponent("order OR payment")}&${RANGE}`);
    await rowsOf(page).first().waitFor();
    await page.getByRole("button", { name: "Add a filter" }).click();
    await page.getByLabel("Field", { exact: true }).fill("k8s.pod.name");
    await page.getByLabel("What is said of the field").selectOption("is not");
    await page.getByLabel("Value", { exact: true }).fill("ts-order*");
    await assertFits(page);
    await assertAccessible(page, `a filter, ${size}`);
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.waitForFunction(() => new URL(location.href).searchParams.get("q") === "(order OR payment) -k8s.pod.name:ts-order*");
    const chip = page.getByRole("list", { name: "Filters of the query" });
    await chip.getByText("ts-order*").waitFor();
    await chip.getByRole("button", { name: "Include k8s.pod.name" }).click();
    await page.waitForFunction(() => new URL(location.href).searchParams.get("q") === "(order OR payment) k8s.pod.name:ts-order*");
    assert.deepEqual(problems, []);
    await close();
  }
});

test("a filter is changed at its place, its operator too, and the rest of the query stays letter by letter", async () => {
  for (const size of ["laptop", "phone"]) {
    const { page, problems, close } = await open({ viewport: SIZES[size], hasTouch: size === "phone" });
    const becomes = (query) => page.waitForFunction((wanted) => new URL(location.href).searchParams.get("q") === wanted, query);
    await page.goto(`${server.http}/logs?q=${encodeURIComponent("a*  NOT service:ts-order-service  (b OR NOT c)")}&${RANGE}`);
    const chip = page.getByRole("list", { name: "Filters of the query" });
    const edit = async (title, operator, fields) => {
      await chip.getByTitle(`${title}: change it`).click();
      if (operator) await page.getByLabel("What is said of the field").selectOption(operator);
      for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value);
    };
    await edit("NOT service:ts-order-service", "contains", { Value: "order" });
    await chip.getByText("service:*order*").last().waitFor();
    await assertFits(page);
    await assertAccessible(page, `a filter that is changed, ${size}`);
    await page.keyboard.press("Enter");
    await becomes("a*  service:*order*  (b OR NOT c)");
    await edit("service:*order*", "is one of", { Value: "ts-order-service, ts-food-service" });
    await page.getByRole("button", { name: "Change", exact: true }).click();
    await becomes("a*  service:(ts-order-service OR ts-food-service)  (b OR NOT c)");
    await edit("service:(ts-order-service OR ts-food-service)", null, { Field: "level" });
    await page.getByLabel("What is said of the field").selectOption("between");
    await page.getByLabel("Lower end", { exact: true }).fill("info");
    await page.getByRole("button", { name: "The upper end belongs to it" }).click();
    await page.getByLabel("Upper end", { exact: true }).fill("error");
    await page.keyboard.press("Enter");
    await becomes("a*  level:[info TO error}  (b OR NOT c)");
    // What is not changed stays as it is written, and Escape changes nothing.
    await edit("level:[info TO error}", null, {});
    await page.keyboard.press("Enter");
    await page.getByLabel("Upper end", { exact: true }).waitFor({ state: "detached" });
    await edit("level:[info TO error}", "is", { Value: "warn" });
    await page.keyboard.press("Escape");
    await page.getByLabel("Value", { exact: true }).waitFor({ state: "detached" });
    await becomes("a*  level:[info TO error}  (b OR NOT c)");
    assert.deepEqual(problems, []);
    await close();
  }
});

test("only what the language can say of a field is offered for it", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/traces?q=${encodeURIComponent("kind:server duration>1ms")}&${RANGE}`);
  const chip = page.getByRole("list", { name: "Filters of the query" });
  const offered = async (title) => {
    await chip.getByTitle(`${title}: change it`).click();
    const labels = await page.getByLabel("What is said of the field").locator("option").allTextContents();
    await page.keyboard.press("Escape");
    return labels;
  };
  assert.deepEqual(await offered("kind:server"), ["is", "is not", "is one of", "is none of"]);
  assert.deepEqual(await offered("duration>1ms"), [">", "≥", "<", "≤", "between", "is", "is not"]);
  assert.deepEqual(problems, []);
  await close();
});

test("an answer says how old it is, and all that is missing in it when it is asked", async () => {
  const { page, problems, close } = await open();
  const reasons = ["one file is broken", "two hours are lost", "a disk is gone", "a fourth reason", "a fifth reason"];
  await page.route("**/api/v1/logs?*", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), complete: false, incomplete_reasons: reasons } });
  });
  await page.goto(`${server.http}/logs?${RANGE}`);
  await rowsOf(page).first().waitFor();
  await page.getByTitle(/^As of \d{4}-.*, snapshot \d+: all that had been acknowledged/).waitFor();
  const banner = page.locator(".banner");
  assert.equal(await banner.getByText("a fifth reason").isVisible(), false);
  await banner.getByText("and 2").click();
  await banner.getByText("a fifth reason").waitFor();
  await assertAccessible(page, "all that is missing");
  assert.deepEqual(problems, []);
  await close();
});
