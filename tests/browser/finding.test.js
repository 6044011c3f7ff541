// What somebody has in hand leads to its place: an id, a time as a log writes it, a link to a record far down the list, a
// part of a value; and lines that came in the same second keep their order.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAccessible, assertFits, boxOf, emptyServer, open, search, server, setUp, SIZES } from "./browser.js";

const MS = 1_000_000n;
const SECOND = 1_000n * MS;
const START = 1_700_000_000n * SECOND;
const RANGE = "start=2023-11-14T22:00:00Z&end=2023-11-14T23:00:00Z";
const SECONDS = 6;
const IN_A_SECOND = 400;
const CUSTOMERS = 300;
const ORDER = "7c0d2f4e-1b3a-4c5d-8e9f-a0b1c2d3e4f5";
const TRACE = "0af7651916cd43dd8448eb211c80319c";

setUp(emptyServer, async () => {
  await server.post("/v1/logs", JSON.stringify({ resourceLogs: [{ resource: named("till"), scopeLogs: [{ logRecords: lines() }] }] }));
  const span = { traceId: TRACE, spanId: "b7ad6b7169203331", name: "GET /", kind: 2, startTimeUnixNano: String(START), endTimeUnixNano: String(START + 5n * MS) };
  await server.post("/v1/traces", JSON.stringify({ resourceSpans: [{ resource: named("till"), scopeSpans: [{ spans: [span] }] }] }));
});

const text = (key, stringValue) => ({ key, value: { stringValue } });
const named = (name) => ({ attributes: [text("service.name", name)] });

/** As of a program whose times are whole seconds: many lines of each, and one that names an order. */
function lines() {
  return Array.from({ length: SECONDS * IN_A_SECOND }, (_, at) => ({
    timeUnixNano: String(START + BigInt(Math.floor(at / IN_A_SECOND)) * SECOND),
    severityNumber: 9,
    body: { stringValue: at === 700 ? `order ${ORDER} was paid` : `line ${at} of the till` },
    attributes: [text("customer", `customer-${at % CUSTOMERS}`), text("place", `till ${at % 3}\tleft`)],
  }));
}

const rowsOf = (page) => page.getByRole("listbox", { name: "Log records" }).getByRole("option");
const record = (page) => page.getByRole("complementary", { name: "Log record" });

test("a UUID that is no trace's is looked for in the logs of all time, a trace's opens it, and so does a traceparent", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/traces?start=now-5m`);
  await search(page, ORDER.toUpperCase());
  await page.waitForURL("**/logs?q=**");
  await rowsOf(page).filter({ hasText: `order ${ORDER} was paid` }).waitFor();
  assert.equal(new URL(page.url()).searchParams.get("start"), null);
  for (const pasted of [TRACE.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"), `traceparent: 00-${TRACE}-b7ad6b7169203331-01`]) {
    await page.goto(`${server.http}/logs?start=now-5m`);
    await search(page, pasted);
    await page.waitForURL(`**/trace/${TRACE}**`);
  }
  await page.goto(`${server.http}/trace/${ORDER.replaceAll("-", "")}`);
  await page.getByRole("link", { name: "Look for it in logs" }).click();
  await rowsOf(page).filter({ hasText: `order ${ORDER} was paid` }).waitFor();
  assert.deepEqual(problems.filter((problem) => !/status of 404/.test(problem)), []);
  await close();
});

test("words that are in no body can be looked for in all fields", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/logs?q=customer-17&${RANGE}`);
  await page.getByText("No logs match").waitFor();
  await page.getByRole("button", { name: "Look in all fields" }).click();
  await page.getByText(`${(SECONDS * IN_A_SECOND) / CUSTOMERS} records`).waitFor();
  assert.deepEqual(problems, []);
  await close();
});

test("a time is typed as logs write it", async () => {
  for (const size of ["laptop", "phone"]) {
    const { page, problems, close } = await open({ viewport: SIZES[size], hasTouch: size === "phone" });
    await page.addInitScript(() => localStorage.setItem("spoor.zone", "utc"));
    for (const typed of ["14/Nov/2023:22:13:22 +0000", "2023-11-14 22:13:22,000", "Tue, 14 Nov 2023 22:13:22 GMT", "Nov 14 2023 22:08:22 to 22:18:22"]) {
      await page.goto(`${server.http}/logs`);
      await page.getByTitle("Time range (t)").click();
      await page.getByLabel("Type a time range").fill(typed);
      await page.getByText("↵ 2023-11-14 22:08:22 – 22:18:22").waitFor();
      await page.keyboard.press("Enter");
      await page.waitForURL("**start=2023-11-14T22%3A08%3A22.000Z&end=2023-11-14T22%3A18%3A22.000Z**");
    }
    assert.deepEqual(problems, []);
    await close();
  }
});

test("a link to a record far down the list opens it, and the list where it is", async () => {
  const { page, problems, close } = await open();
  const found = await server.get("/api/v1/logs", { query: `"${ORDER}"`, limit: 1 });
  await page.goto(`${server.http}/logs?${RANGE}&sel=${found.logs[0].id}`);
  await record(page).getByText(`order ${ORDER} was paid`).waitFor();
  const row = rowsOf(page).and(page.locator('[aria-selected="true"]'));
  await row.filter({ hasText: ORDER }).waitFor();
  const [shown, list] = [await boxOf(row), await boxOf(page.locator(".log-list"))];
  assert.ok(shown.y >= list.y && shown.y + shown.height <= list.y + list.height, "it is in sight");
  await page.keyboard.press("j");
  await record(page).getByText("line 699 of the till").waitFor();
  assert.deepEqual(problems, []);
  await close();
});

test("lines around a record of a second with many are those before and after it, each once", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/logs?q="${ORDER}"&${RANGE}`);
  await rowsOf(page).first().click();
  await record(page).waitFor();
  await page.keyboard.press("c");
  const dialog = page.getByRole("dialog", { name: "Lines around this record" });
  await dialog.locator('[aria-current="true"]').waitFor();
  const bodies = await dialog.locator(".context-row .log-body").allTextContents();
  const expected = Array.from({ length: 51 }, (_, at) => (at === 25 ? `order ${ORDER} was paid` : `line ${675 + at} of the till`));
  assert.deepEqual(bodies, expected);
  await dialog.getByRole("button", { name: "Earlier lines" }).click();
  await dialog.getByText("line 650 of the till").waitFor();
  await assertAccessible(page, "lines around a record");
  // Each line leads to its record, by pointer and by key.
  await dialog.getByRole("link").filter({ hasText: "line 674 of the till" }).click();
  await dialog.waitFor({ state: "detached" });
  await record(page).getByText("line 674 of the till").waitFor();
  await page.goBack();
  await dialog.locator('[aria-current="true"]').waitFor();
  await dialog.getByRole("link").filter({ hasText: "line 701 of the till" }).focus();
  await page.keyboard.press("Enter");
  await record(page).getByText("line 701 of the till").waitFor();
  assert.equal(await dialog.count(), 0);
  assert.deepEqual(problems, []);
  await close();
});

test("a value that is not among the most frequent is found by a part of it", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/logs?q=till&${RANGE}`);
  const facets = page.getByRole("complementary", { name: "Facets" });
  await facets.getByRole("button", { name: /^customer/ }).click();
  const find = facets.getByLabel("Find a value of customer");
  await find.fill("MER-29");
  await facets.getByRole("button", { name: /^customer-299/ }).waitFor();
  await facets.getByText(/^(about )?(29|30)\d values$/).waitFor();
  await assertAccessible(page, "a value is looked for");
  const names = await facets.locator(".facet-value").filter({ hasText: "customer-" }).locator(".facet-text").allTextContents();
  assert.deepEqual(names.sort(), ["customer-29", ...Array.from({ length: 10 }, (_, at) => `customer-${290 + at}`)].sort());
  await find.fill("nobody");
  await facets.getByText("No value has this in it").waitFor();
  await find.fill("mer-299");
  await facets.getByRole("button", { name: /^customer-299/ }).click();
  await page.waitForURL("**customer%3Acustomer-299**");
  await page.getByText(`${(SECONDS * IN_A_SECOND) / CUSTOMERS} records`).waitFor();
  assert.deepEqual(problems, []);
  await close();
});

test("the rows that are loaded are copied as a table, in the columns of the list", async () => {
  const { page, context, problems, close } = await open();
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.http });
  await page.goto(`${server.http}/logs?q=customer:customer-7&cols=service,place&${RANGE}`);
  await rowsOf(page).first().waitFor();
  await page.getByRole("button", { name: "Export" }).click();
  await assertFits(page);
  await page.getByRole("button", { name: /^Copy the loaded rows/ }).click();
  await page.getByText("Copied", { exact: true }).waitFor();
  const lines = (await page.evaluate(() => navigator.clipboard.readText())).trimEnd().split("\n").map((line) => line.split("\t"));
  assert.deepEqual(lines[0], ["time", "service", "place", "body"]);
  assert.equal(lines.length, 1 + (SECONDS * IN_A_SECOND) / CUSTOMERS);
  assert.ok(lines.slice(1).every((line) => line.length === 4 && line[1] === "till" && /^till [012] left$/.test(line[2])), JSON.stringify(lines[1]));
  assert.deepEqual(problems, []);
  await close();
});

test("functions are completed in SQL, and in the search what asks the other side of a request", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/sql`);
  await page.locator(".editor-host:not([hidden])").waitFor();
  await page.getByRole("textbox", { name: "SQL statement" }).click();
  const option = page.locator(".cm-tooltip-autocomplete [role=option]");
  await page.keyboard.type("SELECT time_b");
  await option.filter({ hasText: "time_bucket(…)" }).waitFor();
  // As long as the list is being renewed, as it is when the columns come, the key does nothing.
  const statement = page.getByRole("textbox", { name: "SQL statement" });
  for (let tries = 0; tries < 200 && !(await statement.innerText()).includes("time_bucket('5m', time)"); tries += 1) {
    await page.keyboard.press("Tab");
    await page.waitForTimeout(50);
  }
  assert.equal(await statement.innerText(), "SELECT time_bucket('5m', time)");
  await page.keyboard.type(", count(*) FROM logs WHERE search('till') GROUP BY 1");
  await page.keyboard.press("Control+Enter");
  await page.getByText("1 row,").waitFor();
  for (const [view, typed, offered] of [["logs", "tra", "trace:("], ["traces", "log", "logs:("]]) {
    await page.goto(`${server.http}/${view}`);
    await page.locator(".editor-host:not([hidden])").waitFor();
    await page.getByRole("textbox", { name: "Query" }).click();
    await page.keyboard.type(typed);
    await option.filter({ hasText: offered }).waitFor();
  }
  assert.deepEqual(problems, []);
  await close();
});

test("where the page may not use the clipboard as it likes, it still copies, also from a dialog", async () => {
  const { page, context, problems, close } = await open();
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.http });
  // As over plain HTTP from another host.
  await page.addInitScript(() => {
    window.clipboard = navigator.clipboard;
    Object.defineProperty(navigator, "clipboard", { value: undefined });
  });
  await page.goto(`${server.http}/logs?${RANGE}`);
  await rowsOf(page).first().waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: /^Go to/ }).fill("copy a link");
  await page.keyboard.press("Enter");
  await page.getByText("Link copied").waitFor();
  assert.equal(decodeURIComponent(await page.evaluate(() => window.clipboard.readText())), decodeURIComponent(page.url()));
  assert.deepEqual(problems, []);
  await close();
});

test("a body of many thousand fields opens with its beginning, and all of it is a click away, as few elements", async () => {
  const body = `{${Array.from({ length: 20_000 }, (_, at) => `"key${at}":{"value":${at}}`).join(",")}}`;
  await server.post("/v1/logs", JSON.stringify({ resourceLogs: [{ resource: named("wide"), scopeLogs: [{ logRecords: [{ timeUnixNano: String(START), body: { stringValue: body } }] }] }] }));
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/logs?q=service:wide&${RANGE}`);
  await rowsOf(page).first().click();
  const text = record(page).locator("pre").first();
  await text.getByText('"key0"').waitFor();
  const nodes = () => page.evaluate(() => document.querySelectorAll("*").length);
  assert.ok((await nodes()) < 10_000, `${await nodes()} elements`);
  assert.ok((await text.textContent()).length < 10_000);
  await record(page).getByRole("button", { name: /^… show all/ }).click();
  await page.waitForFunction(() => document.querySelector(".panel pre").textContent.includes('"key19999"'));
  assert.ok((await nodes()) < 10_000, `${await nodes()} elements with all of it`);
  await record(page).getByRole("button", { name: "Raw" }).click();
  await page.waitForFunction((whole) => document.querySelector(".panel pre").textContent === whole, body);
  assert.deepEqual(problems, []);
  await close();
});

/** As somebody may call an attribute: with what the language is made of, or as a column is called. */
const KEYS = ['weird "key"', "a:b", "has space", "ключ", "1st", "service", "body", "level", "time", "(p)", "trace_id", "has", "*", "resource.host", "message", "a=b", "shared"];

test("a value filters whatever its field is called, and wherever else there is one of that name", async () => {
  const attributes = KEYS.map((key, at) => text(key, `value ${at}`));
  const resource = { attributes: [text("service.name", "odd"), text("shared", "of the resource")] };
  await server.post("/v1/logs", JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords: [{ timeUnixNano: String(START), body: { stringValue: "odd names" }, attributes }] }] }] }));
  const { page, problems, close } = await open();
  for (const [at, key] of [...KEYS.entries(), [-1, "shared"]]) {
    const value = at === -1 ? "of the resource" : `value ${at}`;
    await page.goto(`${server.http}/logs?q=odd&${RANGE}`);
    await rowsOf(page).first().click();
    const shown = record(page).locator(".attribute").filter({ has: page.getByText(value, { exact: true }) });
    await shown.hover();
    await shown.getByRole("button", { name: `Only ${key} = ${value}` }).click();
    await page.waitForFunction((text) => new URL(location.href).searchParams.get("q").includes(text), value);
    await page.getByText("1 record", { exact: true }).waitFor();
    await page.getByRole("list", { name: "Filters of the query" }).getByText(value).waitFor();
  }
  assert.deepEqual(problems, []);
  await close();
});
