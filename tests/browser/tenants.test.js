// Tenants: whose data a page shows stands in its address, goes with every link and request, and can be changed above.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAccessible, assertFits, open, server, setUp, SIZES } from "./browser.js";

setUp();

const switcher = (page) => page.getByRole("button", { name: /^Tenant / });
const tenantOf = (page) => new URL(page.url()).searchParams.get("tenant");

async function send(tenant, text) {
  const address = `${server.otlpHttp}/v1/logs/json?service=shop`;
  const headers = tenant === null ? {} : { "x-scope-orgid": tenant };
  const response = await fetch(address, { method: "POST", headers, body: `${text}\n` });
  assert.equal(response.status, 200);
}

const shows = async (page, text, not) => {
  await page.getByText(text, { exact: true }).first().waitFor();
  assert.equal(await page.getByText(not).count(), 0, not);
};

test("a switcher is there once there is something to choose, and the tenant stays in the address wherever one goes", async () => {
  await send(null, "words of the default one");
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/logs?start=now-1h`);
  await page.getByText("words of the default one", { exact: true }).first().waitFor();
  assert.equal(await switcher(page).count(), 0);

  await send("team-a", "words of team a");
  await page.reload();
  await switcher(page).click();
  await page.getByRole("navigation", { name: "Tenants" }).getByRole("link", { name: /^team-a/ }).waitFor();
  await assertAccessible(page, "tenants");
  await page.getByRole("link", { name: /^team-a\s*1 row/ }).click();
  await page.waitForURL("**/logs?**tenant=team-a**");
  await shows(page, "words of team a", "words of the default one");
  assert.match(page.url(), /start=now-1h/);

  // Links of the page say it, for who opens them elsewhere.
  const links = await page.locator("a[href^='/']:not([target])").evaluateAll((all) => all.map((link) => link.getAttribute("href")));
  assert.ok(links.length > 8);
  for (const link of links) assert.match(link, /[?&]tenant=team-a/, link);

  await page.getByTitle("The same as curl, command line or SQL").click();
  await page.locator(".runas pre").filter({ hasText: "-H 'X-Scope-OrgID: team-a'" }).waitFor();
  await page.getByRole("button", { name: "CLI", exact: true }).click();
  await page.locator(".runas pre").filter({ hasText: "--tenant 'team-a'" }).waitFor();
  await page.keyboard.press("Escape");

  for (const view of ["Traces", "Services", "Errors", "Map", "SQL", "Ingest", "Status"]) {
    await page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: view }).click();
    await page.waitForURL(`**/${view.toLowerCase()}?**`);
    assert.equal(tenantOf(page), "team-a", view);
    if (view !== "Ingest") continue;
    await page.locator("pre").filter({ hasText: 'OTEL_EXPORTER_OTLP_HEADERS="X-Scope-OrgID=team-a"' }).waitFor();
  }
  await page.keyboard.press("g");
  await page.keyboard.press("l");
  await page.waitForURL("**/logs?**");
  assert.equal(tenantOf(page), "team-a");
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: /^Go to/ }).fill("live logs");
  await page.getByRole("option", { name: /^Live logs: follow/ }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.searchParams.has("live"));
  await page.locator(".live-state").filter({ hasText: "Live" }).waitFor();
  assert.equal(tenantOf(page), "team-a");
  await send(null, "later words of the default one");
  await send("team-a", "later words of team a");
  await shows(page, "later words of team a", "later words of the default one");

  await switcher(page).click();
  await page.getByRole("link", { name: /^default/ }).click();
  await page.waitForURL((url) => !url.searchParams.has("tenant"));
  await page.goto(`${server.http}/logs?start=now-1h`);
  await shows(page, "words of the default one", "words of team a");
  assert.deepEqual(problems, []);
  await close();
});

test("on a phone the tenants are in the menu, also one that has sent nothing", async () => {
  const { page, problems, close } = await open({ viewport: SIZES.phone, hasTouch: true });
  await page.goto(`${server.http}/logs?tenant=team-of-nobody-with-a-name-that-is-quite-long`);
  await page.getByRole("button", { name: "Appearance" }).click();
  const menu = page.getByRole("navigation", { name: "Tenants" });
  await menu.getByRole("link", { name: /^team-of-nobody.*no rows/ }).waitFor();
  await assertFits(page);
  await assertAccessible(page, "tenants on a phone");
  await menu.getByRole("link", { name: /^team-a/ }).click();
  await page.waitForURL("**tenant=team-a**");
  await page.getByText("words of team a", { exact: true }).first().waitFor();
  assert.deepEqual(problems, []);
  await close();
});

test("a name that is none is told with what is wrong", async () => {
  const { page, close } = await open();
  await page.goto(`${server.http}/logs?tenant=a/b`);
  await page.locator(".state-message").filter({ hasText: "a/b is not a tenant name" }).first().waitFor();
  await close();
});
