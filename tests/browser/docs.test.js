// The page of the API: every request of the server's own document, found, opened, copied and tried, by keyboard and on a phone.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAccessible, assertFits, emptyServer, open, server, setUp, SIZES } from "./browser.js";

let operations;

setUp(emptyServer, async () => {
  const record = { timeUnixNano: "1769000000000000000", severityNumber: 17, body: { stringValue: "card refused" } };
  await server.post("/v1/logs", JSON.stringify({ resourceLogs: [{ resource: { attributes: [{ key: "service.name", value: { stringValue: "bank" } }] }, scopeLogs: [{ logRecords: [record] }] }] }));
  const { paths } = await server.get("/api/v1/openapi.json");
  operations = Object.entries(paths).flatMap(([path, item]) => Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`));
});

const shown = (page) => page.locator(".api-operation");

test("has every request of the document, and finds them by words", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/ingest`);
  await page.getByRole("link", { name: "the API" }).click();
  await page.waitForURL("**/docs/api");
  await shown(page).first().waitFor();
  const titles = await shown(page).locator("h3 > button:first-child").evaluateAll((list) => list.map((each) => `${each.querySelector("b").textContent} ${each.querySelector("code").textContent}`));
  assert.deepEqual([...titles].sort(), [...operations].sort());
  await assertAccessible(page, "the API");
  await page.keyboard.press("/");
  await page.keyboard.type("logs histogram");
  await page.waitForURL("**q=logs+histogram**");
  await page.waitForFunction(() => document.querySelectorAll(".api-operation").length < 4);
  await shown(page).filter({ hasText: "/api/v1/logs/histogram" }).waitFor();
  await page.getByLabel("Find a request").fill("flabbergast");
  await page.getByRole("button", { name: "Show all" }).click();
  await page.waitForFunction((all) => document.querySelectorAll(".api-operation").length === all, operations.length);
  assert.deepEqual(problems, []);
  await close();
});

test("opens a request by a link, with its parameters, what is answered level by level, and its errors", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/docs/api?op=logs`);
  const logs = page.locator('[data-operation="logs"]');
  await logs.getByRole("heading", { name: "Parameters" }).waitFor();
  const row = logs.getByRole("button", { name: "logs", exact: true });
  await row.focus();
  await page.keyboard.press("Enter");
  await logs.getByText("time_unix_nano", { exact: true }).first().waitFor();
  await logs.getByText(/list of LogRecord/).waitFor();
  await logs.getByText("429", { exact: true }).click();
  await logs.getByText('"busy"').waitFor();
  await assertAccessible(page, "a request that is open");
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: /^Go to/ }).fill("every request");
  await page.getByRole("option", { name: /^API: every request/ }).waitFor();
  assert.deepEqual(problems, []);
  await close();
});

test("sends a request and shows what came: status, time, JSON; errors too; curl asks for the same", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/docs/api?op=logs,traces_compare`);
  const logs = page.locator('[data-operation="logs"]');
  await logs.getByLabel("query").fill('"card refused"');
  await logs.getByLabel("order").selectOption("asc");
  await logs.getByText(`curl -s '${server.http}/api/v1/logs?query=%22card+refused%22&order=asc'`).waitFor();
  await page.keyboard.press("Tab");
  await logs.getByLabel("query").press("Enter");
  await logs.getByText("200 OK").waitFor();
  await logs.getByText(/\d ms, [\d.]+ k?B/).waitFor();
  await logs.getByLabel("Answer").getByText('"card refused"').waitFor();
  await logs.getByLabel("limit").fill("0");
  await logs.getByRole("button", { name: "Send" }).click();
  await logs.getByText("400 Bad Request").waitFor();
  await logs.getByLabel("Answer").getByText('"invalid"').waitFor();
  await assertAccessible(page, "an answer");
  // What must be given is said before anything is sent.
  const compare = page.locator('[data-operation="traces_compare"]');
  await compare.getByText("left, right must have a value").waitFor();
  assert.ok(await compare.getByRole("button", { name: "Send" }).isDisabled());
  assert.deepEqual(problems.filter((text) => !/status of 400/.test(text)), []);
  await close();
});

test("shows a stream as it comes, and stops it", async () => {
  const { page, problems, close } = await open({ viewport: SIZES.phone, hasTouch: true, colorScheme: "dark" });
  await page.goto(`${server.http}/docs/api?op=logs_tail`);
  const tail = page.locator('[data-operation="logs_tail"]');
  await tail.getByRole("button", { name: "Send" }).click();
  await tail.getByLabel("Answer").getByText("event: ready").waitFor();
  await assertFits(page);
  await assertAccessible(page, "a stream, on a phone");
  await tail.getByRole("button", { name: "Stop" }).click();
  await tail.getByRole("button", { name: "Stop" }).waitFor({ state: "detached" });
  assert.equal(await tail.getByRole("alert").count(), 0);
  assert.deepEqual(problems, []);
  await close();
});
