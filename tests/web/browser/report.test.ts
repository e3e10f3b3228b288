// The report as its reader uses it.

import { describe, expect, test } from "vitest";
import { size } from "../../../web/src/text/units";
import { demoRecording } from "../fixtures/demo_recording";
import { fill, payloadOf, sourcesOf } from "../fixtures/payload_writer";
import { Recording } from "../fixtures/recording";
import {
  addressLike,
  open,
  openAddress,
  savePage,
  template,
  textOf,
  useChromium,
} from "./chromium";

useChromium();

const demo = demoRecording();
const small = () =>
  new Recording(8, 0.5)
    .allocate(["main /srv/work.py:10", "load /srv/work.py:20@18"], 6 << 20, { born: 1, freed: 5 })
    .allocate(["main /srv/work.py:11", "keep /srv/work.py:30@28"], 3 << 20, { born: 2 })
    .allocate(["main /srv/work.py:11", "keep /srv/work.py:30@28"], 1 << 20, { born: 6 });

describe("a report", () => {
  test("opens from disk on a sentence, asks nothing of any network and complains of nothing", async () => {
    const { page, requests, problems } = await open("sentence", payloadOf(small()));
    expect(await textOf(page, "h1")).toBe(
      "Peak 9.00 MiB at 1.5 s; 67 % from load() at srv/work.py:20",
    );
    expect(requests).toEqual([]);
    expect(problems).toEqual([]);
  });

  test("has at most 150 KB of code", () => {
    expect(Buffer.byteLength(template())).toBeLessThanOrEqual(150_000);
  });

  test("lets no script run but its own, and nothing reach the network", async () => {
    const { page } = await open("policy", payloadOf(small()));
    const outcome = await page.evaluate(async () => {
      const script = document.createElement("script");
      script.textContent = "window.foreign = true";
      document.body.append(script);
      const element = document.createElement("div");
      element.innerHTML = '<img src="x" onerror="window.foreign = true">';
      document.body.append(element);
      const fetched = await fetch("http://127.0.0.1:9/").then(
        () => "answered",
        (error: Error) => error.message,
      );
      const violations = await new Promise<string[]>((resolve) => {
        const found: string[] = [];
        document.addEventListener("securitypolicyviolation", (event) => {
          found.push(event.effectiveDirective);
        });
        new Image().src = "http://127.0.0.1:9/image.png";
        fetch("http://127.0.0.1:9/").catch(() => setTimeout(() => resolve(found), 50));
      });
      return { foreign: "foreign" in window, fetched, violations: violations.sort() };
    });
    expect(outcome.foreign).toBe(false);
    expect(outcome.fetched).toMatch(/Refused|Failed/);
    expect(outcome.violations).toContain("connect-src");
    expect(outcome.violations).toContain("img-src");
  });

  test("works in a notebook's sandboxed frame, without an origin, an address or storage", async () => {
    const report = fill(template(), payloadOf(small()));
    const quoted = report.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
    const notebook = `<iframe sandbox="allow-scripts" width=900 height=600 srcdoc="${quoted}"></iframe>`;
    const { page, problems } = await openAddress(savePage("notebook", notebook));
    const frame = page.frameLocator("iframe");
    await frame.locator("h1").waitFor();
    await frame.getByRole("button", { name: "Live at end" }).click();
    expect(await frame.locator("h1").innerText()).toContain("4.00 MiB live at the end");
    expect(problems).toEqual([]);
  });

  test("says in one line what is wrong with a file that was cut", async () => {
    const texts = payloadOf(small());
    texts.columns = texts.columns.slice(0, 40);
    const { page } = await openAddress(savePage("cut", fill(template(), texts)));
    await page.waitForSelector(".unreadable");
    expect(await textOf(page, ".unreadable")).toBe(
      "This report cannot be shown: the columns cannot be unpacked: the file is cut or changed",
    );
  });

  test("prints: the whole page, without what only a screen needs", async () => {
    const { page } = await open("print", payloadOf(demo));
    await page.emulateMedia({ media: "print" });
    expect(await page.locator(".search").isVisible()).toBe(false);
    expect(await page.locator("h1").isVisible()).toBe(true);
    expect((await page.pdf()).subarray(0, 5).toString()).toBe("%PDF-");
  });
});

describe("a question", () => {
  test("of another metric is answered everywhere", async () => {
    const { page } = await open("metric", payloadOf(small()), { hash: "view=table" });
    await page.getByRole("button", { name: "Allocated" }).click();
    expect(await textOf(page, "h1")).toContain("10.0 MiB allocated");
    expect(await textOf(page, '[role="row"][aria-rowindex="2"]')).toContain("6.00 MiB");
    await page.getByRole("button", { name: "Live at end" }).click();
    expect(await textOf(page, "h1")).toContain("4.00 MiB live at the end");
    expect(await textOf(page, '[role="row"][aria-rowindex="2"]')).toContain("keep");
  });

  test("of a range of time, brushed on the timeline, is answered to the byte", async () => {
    const { page } = await open("brush", payloadOf(demo), { hash: "view=table&metric=live" });
    const plot = await page.locator(".u-over").boundingBox();
    const x = (seconds: number) => plot!.x + (plot!.width * seconds) / 6;
    await page.mouse.move(x(2.02), plot!.y + 30);
    await page.mouse.down();
    await page.mouse.move(x(2.5), plot!.y + 40, { steps: 4 });
    await page.mouse.move(x(3.03), plot!.y + 40, { steps: 4 });
    await page.mouse.up();
    expect(await textOf(page, ".chip")).toMatch(/^2\.0 s to 3\.[01] s/);
    const ticks = /ticks=(\d+)-(\d+)/.exec(await addressLike(page, /ticks=/))!;
    const [first, last] = [Number(ticks[1]), Number(ticks[2])];
    const kept = demo.blocks
      .filter((block) => block.born >= first && Recording.isLive(block, last))
      .filter((block) => block.born <= last)
      .reduce((sum, { bytes }) => sum + bytes, 0);
    expect(await textOf(page, "h1")).toContain(`${size(demo.liveAt(last))} live at`);
    await page.getByRole("button", { name: "Kept" }).click();
    expect(await textOf(page, "h1")).toContain(`${size(kept)} allocated and kept`);
    await page.getByRole("button", { name: "Ask about the whole run again" }).click();
    expect(await textOf(page, "h1")).toContain("live at the end");
  });

  test("of a span's time is asked by a click on it, by the list of events too", async () => {
    const events = [
      { kind: "span", label: "load", begin_s: 0.6, end_s: 2.4 },
      { kind: "mark", label: "<b>half</b> way", begin_s: 2.6, end_s: 2.6 },
    ];
    const { page, problems } = await open("events", payloadOf(small(), null, { events }));
    const plot = page.locator(".timeline .u-over");
    const { width } = (await plot.boundingBox())!;
    await plot.click({ position: { x: (1.5 / 4) * width, y: 6 } });
    expect(await addressLike(page, /ticks=/)).toContain("ticks=1-4");
    await page.locator(".event-list summary").click();
    expect(await textOf(page, ".event-list summary")).toBe("1 mark, 1 span");
    await page.locator(".event-list button", { hasText: "<b>half</b> way" }).click();
    expect(await addressLike(page, /ticks=5/)).toContain("ticks=5-5");
    expect(problems).toEqual([]);
  });

  test("of one thread leaves the others out", async () => {
    const recording = new Recording(2, 1, ["MainThread", "worker"])
      .allocate(["main a.py:1"], 4096)
      .allocate(["work a.py:9"], 2048, { thread: 1 });
    const { page } = await open("threads", payloadOf(recording));
    await page.getByText("All threads").first().click();
    await page.locator("label", { hasText: "worker" }).getByRole("button").click();
    expect(await textOf(page, "h1")).toContain("2.00 KiB");
    expect(await textOf(page, "h1")).toContain("in 1 of 2 threads");
  });

  test("survives in the address", async () => {
    const { page } = await open("address", payloadOf(small()), {
      hash: "view=table&metric=allocated&search=keep&rows=function",
    });
    expect(await textOf(page, "h1")).toContain("10.0 MiB allocated");
    expect(await page.locator('[aria-rowcount="2"]').count()).toBe(1);
    await page.locator('[role="row"][aria-rowindex="2"]').click();
    await addressLike(page, /view=table.*metric=allocated.*select=function-\d+.*search=keep/);
  });
});

describe("a selection", () => {
  test("made in the table is that of the details and of the sandwich", async () => {
    const { page } = await open("linked", payloadOf(demo), { hash: "view=table&rows=function" });
    await page.locator('[role="row"]', { hasText: "remember" }).click();
    expect(await textOf(page, ".details h2")).toBe("remember");
    await page.getByRole("tab", { name: "Sandwich" }).click();
    expect(await textOf(page, ".sandwich-pictures .toolbar strong")).toBe("remember");
    expect(await page.locator('[aria-selected="true"][role="row"]').innerText()).toContain(
      "remember",
    );
  });

  test("is moved with the keys of the flame, and spoken", async () => {
    const { page } = await open("walk", payloadOf(small()));
    await page.locator(".flame").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    expect(await textOf(page, ".details h2")).toBe("load");
    expect(await textOf(page, ".flame [aria-live]")).toBe("load srv/work.py:20, 6.00 MiB 67 %");
    await page.keyboard.press("Enter");
    expect(await textOf(page, ".path")).toContain("load");
    await page.keyboard.press("Home");
    expect(await page.locator(".path").count()).toBe(0);
  });
});

describe("a flame", () => {
  test("merges what is too narrow into one bar that says how many and how much, and opens", async () => {
    const recording = new Recording(1).allocate(["main a.py:1", "big a.py:2"], 1 << 30);
    for (let i = 0; i < 500; i++)
      recording.allocate([`main a.py:1`, `tiny_${i} b.py:${i + 1}`], 1024);
    const { page } = await open("narrow", payloadOf(recording), { hash: "below=0" });
    await page.locator(".flame").focus();
    for (const key of ["ArrowDown", "ArrowDown", "ArrowRight"]) await page.keyboard.press(key);
    expect(await textOf(page, ".flame [aria-live]")).toBe("500 narrow frames, 500 KiB <0.1 %");
    await page.keyboard.press("Enter");
    expect(await textOf(page, ".path")).toContain("500 narrow frames");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Backspace");
    expect(await page.locator(".path").innerText()).not.toContain("narrow");
  });

  test("turns over, groups by function and finds", async () => {
    const { page, problems } = await open("turn", payloadOf(demo));
    for (const key of ["i", "f", "g", "g"]) await page.keyboard.press(key);
    await addressLike(page, /bars=file.*inverted=1.*upward=1/);
    await page.keyboard.press("/");
    await page.keyboard.type("cache");
    await addressLike(page, /search=cache/);
    await page.keyboard.press("Escape");
    await addressLike(page, /^((?!search).)*$/);
    expect(problems).toEqual([]);
  });

  test("names bars and rows by source lines where sources are embedded", async () => {
    const texts = payloadOf(
      new Recording(1).allocate(["main /srv/a.py:2"], 1 << 20),
      null,
      {},
      sourcesOf({ 1: "import os\nkept = bytes(n)  # here" }),
    );
    const { page } = await open("source-lines", texts, { hash: "view=table" });
    await page.waitForSelector("code:has-text('kept = bytes(n)')");
  });
});

describe("a comparison", () => {
  const before = new Recording(4)
    .allocate(["main a.py:1", "gone a.py:5"], 4 << 20)
    .allocate(["main a.py:1", "same a.py:6"], 1 << 20);
  const after = new Recording(5)
    .allocate(["main a.py:1", "new a.py:7"], 7 << 20)
    .allocate(["main a.py:1", "same a.py:6"], 1 << 20);

  test("opens on what changed, and its rows say how", async () => {
    const { page, problems } = await open("diff", payloadOf(after, before), {
      hash: "view=table&rows=function",
    });
    expect(await textOf(page, "h1")).toBe(
      "Peak grew by 3.00 MiB (+60 %); +7.00 MiB from new() at a.py:7",
    );
    const rows = await page.locator('.table-body [role="row"]').allInnerTexts();
    const words = rows.map((row) => row.split(/\s+/).join(" "));
    expect(words.some((row) => /\+7\.00 MiB .* new new/.test(row))).toBe(true);
    expect(words.some((row) => /\u22124\.00 MiB .* gone gone/.test(row))).toBe(true);
    expect(problems).toEqual([]);
  });

  test("draws both timelines", async () => {
    const { page } = await open("diff-timeline", payloadOf(after, before));
    expect(await page.locator(".timeline .legend li").allInnerTexts()).toEqual(
      expect.arrayContaining(
        ["RSS, A", "RSS, B", "Heap, A", "Heap, B"].map((label) => expect.stringContaining(label)),
      ),
    );
  });
});
