// Names that a capture may hold: markup, other directions of writing, control characters, ten kilobytes.

import { describe, expect, test } from "vitest";
import { payloadOf } from "../fixtures/payload_writer";
import { type FrameSpec, Recording } from "../fixtures/recording";
import { open, useChromium } from "./chromium";

useChromium();

const frame = (name: string, file: string): FrameSpec => ({
  function: name,
  file,
  line: 1,
  first_line: 1,
});

const HOSTILE = {
  script: frame("<script>window.foreign=1</script>", '/srv/<img src=x onerror="alert(1)">.py'),
  ending: frame("</script><script>alert(2)</script>", "/srv/</title>&lt;b&gt;.py"),
  reversed: frame("\u202eevil\u202c", "/srv/\u05d0\u05d1\u05d2\u200f.py"),
  nul: frame("a\u0000b\u001b[31m", "/srv/nul\u0000.py"),
  long: frame(`start_${"x".repeat(10_000)}_end`, `/srv/${"y".repeat(10_000)}/z.py`),
  lone: frame("half\ud800", "/srv/\ufffd.py"),
};

describe("hostile names", () => {
  const recording = new Recording(3, 1, ["<b>thread</b>", "\u202ekrow"]);
  let bytes = 1 << 22;
  for (const spec of Object.values(HOSTILE)) {
    recording.allocate([frame("main", "/srv/main.py"), spec], bytes, { born: 1 });
    bytes -= 1 << 18;
  }
  const texts = payloadOf(recording, null, { title: "</title><script>alert(3)</script>" });

  test("are text in every view", async () => {
    const { page, requests, problems } = await open("hostile", texts);
    const tabs = await page.getByRole("tab").all();
    expect(tabs.length).toBeGreaterThan(4);
    for (const tab of tabs) {
      await tab.click();
      await page.waitForSelector(`#view[aria-labelledby="${await tab.getAttribute("id")}"]`);
      expect(await page.locator("#report script, #report img, #report b[onerror]").count()).toBe(0);
    }
    expect(await page.evaluate(() => "foreign" in window)).toBe(false);
    expect(requests).toEqual([]);
    expect(problems).toEqual([]);
  });

  test("show what has no look of its own, and turn nothing around", async () => {
    const { page } = await open("hostile-table", texts, { hash: "view=table&rows=function" });
    const rows = await page.locator(".table-body").innerText();
    expect(rows).toContain("<script>window.foreign=1</script>");
    expect(rows).toContain("\\u202eevil\\u202c");
    expect(rows).toContain("a\u2400b\u241b[31m");
    expect(rows).toMatch(/start_x+\u2026x+_end/);
    for (const hidden of "\u0000\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
      expect(rows).not.toContain(hidden);
  });

  test("of ten kilobytes do not widen the page", async () => {
    const { page } = await open("hostile-wide", texts, { hash: "view=flame" });
    await page.locator('[role="row"]', { hasText: "start_x" }).click();
    const { wide, window } = await page.evaluate(() => ({
      wide: document.documentElement.scrollWidth,
      window: innerWidth,
    }));
    expect(wide).toBeLessThanOrEqual(window);
  });
});
