// Times reports in Chromium: `node benchmarks/report/measure.mjs [NAME=PAGE.html…]`; a JSON document to stdout.
//
// Without pages: a made-up profile of 200,001 nodes, 131,072 changes and 1,000 ticks. Milliseconds.
// first_ms     from navigation to the first flame, painted cold, a new page each time
// zoom_ms      from the key that zooms into a bar, or out again, to the redrawn flame
// brush_ms     from a new range of time to the page that answers it, everything re-aggregated
// memray's pages have the first alone: its bars are in the page when they are drawn.
// Pages whose name begins with "heap" are of heap snapshots: first_ms is to the first view, painted, and view_ms from
// the click on another view to its picture.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const root = new URL("../../", import.meta.url);
const fromWeb = createRequire(new URL("web/package.json", root));
const { chromium } = fromWeb("playwright-core");
const LOADS = Number(process.env.LOADS ?? 7);
const ACTIONS = 40;

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];

function describe(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const round = (value) => Math.round(value * 10) / 10;
  return {
    best: round(sorted[0]),
    median: round(quantile(sorted, 0.5)),
    p95: round(quantile(sorted, 0.95)),
    times: sorted.length,
  };
}

async function madeUp() {
  const { load } = await import(new URL("tests/web/load.mjs", root));
  const { LARGE, largePayload } = await load("tests/web/fixtures/large_payload.ts");
  const { fill } = await load("tests/web/fixtures/payload_writer.ts");
  const template = readFileSync(new URL("python/heapscope/report/template.html", root), "utf8");
  const folder = new URL("build/web-pages/", root);
  mkdirSync(folder, { recursive: true });
  const page = new URL("measured.html", folder);
  writeFileSync(page, fill(template, largePayload(LARGE)));
  return page.href;
}

const firstOfHeapscope = (name) =>
  new Promise((resolve) => {
    const look = () => {
      const [mark] = performance.getEntriesByName(`heapscope:first-${name ?? "flame"}`);
      if (mark) resolve(mark.startTime);
      else setTimeout(look, 5);
    };
    look();
  });

const firstOfMemray = () =>
  new Promise((resolve) => {
    const look = () => {
      if (document.querySelector("#chart svg g.frame rect, #chart svg rect")) resolve(performance.now());
      else requestAnimationFrame(look);
    };
    look();
  });

/** In the page: an action, until everything that follows from it is drawn. */
const install = () => {
  const { prototype } = CanvasRenderingContext2D;
  const { clearRect } = prototype;
  let drawn = null;
  prototype.clearRect = function (...area) {
    clearRect.apply(this, area);
    // When the stack that draws has ended, all of the page's components are up to date.
    if (this.canvas.closest(".flame")) queueMicrotask(() => drawn?.());
  };
  window.timed = (act) =>
    new Promise((resolve) => {
      const begin = performance.now();
      const missed = setTimeout(() => {
        drawn = null;
        resolve(null);
      }, 500);
      drawn = () => {
        drawn = null;
        clearTimeout(missed);
        resolve(performance.now() - begin);
      };
      act();
    });
};

async function zooms(page, times) {
  return page.evaluate(async (times) => {
    const flame = document.querySelector("div.flame canvas").closest(".flame");
    const press = (key) => window.timed(() => flame.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })));
    // To the first child: up in a flame, down in an icicle.
    const deeper = (await press("ArrowDown")) !== null ? "ArrowDown" : "ArrowUp";
    const found = [];
    for (let i = 0; found.length < times && i < 2 * times; i++) {
      for (let level = 0; level <= i % 8; level++) {
        if ((await press(deeper)) === null) break;
        if (i % 3 === 1) await press("ArrowRight");
      }
      for (const key of ["Enter", "Home"]) {
        const took = await press(key);
        if (took !== null) found.push(took);
      }
    }
    return found;
  }, times);
}

async function brushes(page, times) {
  return page.evaluate(async (times) => {
    const plot = document.querySelector(".plot");
    const found = [];
    let misses = 0; // the range has come to the end
    for (let i = 0; i < times && misses < 3; i++) {
      const took = await window.timed(() =>
        plot.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true })),
      );
      if (took !== null) found.push(took);
      else misses++;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return found;
  }, times);
}

async function views(page, times) {
  return page.evaluate(async (times) => {
    const tabs = [...document.querySelectorAll("#report [role=tab]")];
    const found = [];
    for (let i = 1; i <= times; i++) {
      const begin = performance.now();
      tabs[i % tabs.length].click();
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      found.push(performance.now() - begin);
    }
    return found;
  }, times);
}

async function measureHeap(browser, address) {
  const first = [];
  for (let i = 0; i < LOADS; i++) {
    const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
    await page.goto(address);
    first.push(await page.evaluate(firstOfHeapscope, "heap-view"));
    await page.close();
  }
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
  await page.goto(address);
  await page.evaluate(firstOfHeapscope, "heap-view");
  const result = { first_ms: describe(first), view_ms: describe(await views(page, ACTIONS)) };
  result.js_heap_bytes = await page.evaluate(() => performance.memory?.usedJSHeapSize ?? null);
  await page.close();
  return result;
}

async function measure(browser, address, isOurs) {
  const first = [];
  for (let i = 0; i < LOADS; i++) {
    const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
    await page.goto(address);
    first.push(await page.evaluate(isOurs ? firstOfHeapscope : firstOfMemray));
    await page.close();
  }
  const result = { first_ms: describe(first) };
  if (!isOurs) return result;
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
  await page.goto(`${address}#below=0`);
  await page.evaluate(firstOfHeapscope);
  await page.evaluate(install);
  await page.waitForTimeout(500);
  await zooms(page, 6); // warm
  result.zoom_ms = describe(await zooms(page, ACTIONS));
  const ticks = await page.evaluate(() => document.querySelector(".plot") !== null);
  if (ticks) {
    await page.evaluate(() => {
      location.hash = "below=1&ticks=0-600";
    });
    await page.waitForTimeout(1000);
    const times = await brushes(page, ACTIONS);
    if (times.length > 0) result.brush_ms = describe(times);
  }
  result.js_heap_bytes = await page.evaluate(() => performance.memory?.usedJSHeapSize ?? null);
  await page.close();
  return result;
}

const browser = await chromium.launch({
  executablePath:
    process.env.HEAPSCOPE_CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/google-chrome"].find(existsSync),
  args: ["--headless", "--no-sandbox", "--disable-gpu"],
});
const pages = process.argv.slice(2).map((argument) => argument.split("="));
const results = {};
if (pages.length === 0) results["made-up, 200,001 nodes"] = await measure(browser, await madeUp(), true);
for (const [name, path] of pages) {
  const address = pathToFileURL(path).href;
  results[name] = name.startsWith("heap ") || name === "heap"
    ? await measureHeap(browser, address)
    : await measure(browser, address, !name.startsWith("memray"));
}
await browser.close();
console.log(JSON.stringify(results, null, 1));
