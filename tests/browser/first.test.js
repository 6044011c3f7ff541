// A server that has nothing yet: every view says so and leads to what has to be pasted, and turns by itself once
// something has come.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAccessible, assertFits, emptyServer, open, server, setUp, SIZES } from "./browser.js";

setUp(emptyServer);

const LINE = { resourceLogs: [{ resource: { attributes: [{ key: "service.name", value: { stringValue: "shop" } }] }, scopeLogs: [{ logRecords: [{ timeUnixNano: `${Date.now()}000000`, body: { stringValue: "the first line" } }] }] }] };
const FROM = ["Any SDK", "gRPC", "Java", "Python", "Node", "Go", ".NET", "Rust", "Collector", "Fluent Bit", "Vector", "curl", "Demo"];

test("each view without data leads to what is to be pasted", async () => {
  for (const [size, colorScheme] of [["laptop", "dark"], ["phone", "light"]]) {
    const { page, problems, close } = await open({ viewport: SIZES[size], hasTouch: size === "phone", colorScheme });
    for (const view of ["logs", "traces", "services", "errors", "map"]) {
      await page.goto(`${server.http}/${view}`);
      // Where nothing fails or calls nothing has to be wrong: they have a link.
      if (view === "errors" || view === "map") await page.getByRole("link", { name: "Send data" }).click();
      await page.getByText("Waiting for the first data").waitFor();
      await page.getByText(`OTEL_EXPORTER_OTLP_ENDPOINT=http://${server.addresses.otlp_http_addr}`).waitFor();
      await assertFits(page);
      await assertAccessible(page, `${view} without data, ${size}`);
    }
    assert.deepEqual(problems, []);
    await close();
  }
});

test("what is to be pasted carries the address, for each sender, and is copied", async () => {
  const { page, context, problems, close } = await open();
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.http });
  await page.goto(`${server.http}/ingest`);
  const tabs = page.getByRole("tab");
  await tabs.first().waitFor();
  assert.deepEqual(await tabs.allTextContents(), FROM);
  for (const name of FROM) {
    await page.getByRole("tab", { name, exact: true }).click();
    const shown = await page.locator(".body-block pre").textContent();
    const { otlp_http_addr: http, otlp_grpc_addr: grpc } = server.addresses;
    const [host, port] = http.split(":");
    assert.ok(name === "Fluent Bit" ? shown.includes(`host: ${host}`) && shown.includes(`port: ${port}`) : shown.includes(name === "gRPC" ? grpc : http), `${name}: ${shown}`);
    await page.getByRole("button", { name: "Copy", exact: true }).click();
    await page.getByTitle("Copied").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), shown);
    await page.getByTitle("Copied").waitFor({ state: "detached" });
  }
  assert.deepEqual(problems, []);
  await close();
});

test("the first data shows by itself, on the page that waits for it and in the list", async () => {
  const [waiting, list] = [await open(), await open()];
  await waiting.page.goto(`${server.http}/ingest`);
  await list.page.goto(`${server.http}/logs`);
  for (const { page } of [waiting, list]) await page.getByText("Waiting for the first data").waitFor();
  await server.post("/v1/logs", JSON.stringify(LINE));
  await waiting.page.getByText("Data has come: 0 spans and 1 log record of 1 service are stored").waitFor();
  await list.page.getByRole("option").filter({ hasText: "the first line" }).waitFor();
  await waiting.page.getByRole("link", { name: "Look at the newest" }).click();
  await waiting.page.getByRole("option").filter({ hasText: "the first line" }).waitFor();
  // There are logs now, and still no traces.
  await waiting.page.goto(`${server.http}/traces`);
  await waiting.page.getByText("No traces have arrived yet").waitFor();
  await waiting.page.getByRole("link", { name: "Look at logs" }).click();
  await waiting.page.waitForURL("**/logs");
  assert.deepEqual([...waiting.problems, ...list.problems], []);
  await waiting.close();
  await list.close();
});
