// What do the slow ones have in common? From a box drawn around them, or from the failed ones, to the value that
// tells them apart, and to the list of those alone.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { assertAccessible, assertFits, boxOf, emptyServer, open, server, setUp, SIZES } from "./browser.js";

const START = Date.parse("2026-03-01T10:00:00Z");
const RANGE = "start=2026-03-01T10:00:00Z&end=2026-03-01T10:10:00Z";
const SLOW = 30;
const QUICK = 60;

setUp(emptyServer, async () => {
  const requests = Array.from({ length: SLOW + QUICK }, (_, at) => (at % 3 === 0 ? request(at, 2000, "node-9", true) : request(at, 20, `node-${at % 2}`, false)));
  await server.post("/v1/traces", JSON.stringify({ resourceSpans: requests }));
});

function request(number, ms, host, failed) {
  const start = START + number * 6000;
  const text = (key, stringValue) => ({ key, value: { stringValue } });
  const span = { traceId: String(number).padStart(32, "d"), spanId: String(number).padStart(16, "d"), name: "GET /", kind: 2, startTimeUnixNano: `${start}000000`, endTimeUnixNano: `${start + ms}000000`, status: failed ? { code: 2 } : {} };
  return { resource: { attributes: [text("service.name", "shop"), text("host.name", host)] }, scopeSpans: [{ spans: [span] }] };
}

const panelOf = (page) => page.getByRole("complementary", { name: "What they have in common" });

describe("what a selection has in common", () => {
  test("is asked by a box around the slow ones, and leads to them alone", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/traces?${RANGE}&chart=each`);
    await page.getByRole("figure", { name: /^Durations of 90 traces/ }).waitFor();
    const { x, y, width } = await boxOf(page.locator(".scatter-plot"));
    const dots = await page.locator(".scatter-plot circle.dot").evaluateAll((all) => all.map((dot) => Number(dot.getAttribute("cy"))));
    const [top, bottom] = [Math.min(...dots), Math.max(...dots)];
    await page.mouse.move(x + 53, y + Math.max(0, top - 8));
    await page.mouse.down();
    await page.mouse.move(x + width - 1, y + (top + bottom) / 2, { steps: 5 });
    await page.mouse.up();
    const panel = panelOf(page);
    await panel.getByRole("button", { name: /host\.name.*node-9.*100 %.*0 %/ }).waitFor();
    assert.match(await panel.textContent(), /(29|30) selected/);
    const params = new URL(page.url()).searchParams;
    assert.match(params.get("diff"), /^duration>=\S+ duration<=\S+$/);
    await assertAccessible(page, "difference");
    // A link to a finding shows it.
    await page.reload();
    await panel.getByRole("button", { name: /node-9/ }).click();
    await panel.waitFor({ state: "detached" });
    await page.getByText(`${SLOW} traces`).or(page.locator(".summary").filter({ hasText: `${SLOW} traces` })).first().waitFor();
    assert.match(new URL(page.url()).searchParams.get("q"), /host\.name:"node-9"/);
    assert.deepEqual(problems, []);
    await close();
  });

  test("is asked of the failed ones with one click, and does not say that they failed", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/traces?${RANGE}`);
    await page.getByRole("button", { name: "What do the failed have in common?" }).click();
    const panel = panelOf(page);
    await panel.getByRole("button", { name: /node-9/ }).waitFor();
    assert.equal(await panel.getByText("status_code").count(), 0);
    await page.keyboard.press("Escape");
    await panel.waitFor({ state: "detached" });
    assert.deepEqual(problems, []);
    await close();
  });

  test("a drag along the time still zooms, and nothing in common is said so, on a phone", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/traces?${RANGE}&chart=each`);
    await page.getByRole("figure", { name: /^Durations of 90 traces/ }).waitFor();
    const { x, y } = await boxOf(page.locator(".scatter-plot"));
    await page.mouse.move(x + 100, y + 40);
    await page.mouse.down();
    await page.mouse.move(x + 400, y + 42, { steps: 5 });
    await page.mouse.up();
    await page.waitForFunction(() => new URL(location.href).searchParams.get("start") !== "2026-03-01T10:00:00Z");
    assert.equal(await panelOf(page).count(), 0);
    await close();
    const phone = await open({ viewport: SIZES.phone, isMobile: true, hasTouch: true });
    await phone.page.goto(`${server.http}/traces?${RANGE}&diff=name:nothing`);
    await panelOf(phone.page).getByText("Nothing tells them apart").waitFor();
    await assertFits(phone.page);
    await assertAccessible(phone.page, "nothing in common");
    assert.deepEqual([...problems, ...phone.problems], []);
    await phone.close();
  });
});
