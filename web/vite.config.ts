// Builds the report's page into one file, python/heapscope/report/template.html.

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { deflateRawSync } from "node:zlib";
import type { Plugin } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";
import { defineConfig } from "vitest/config";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const LOADER = `
const text = document.getElementById("heapscope-code").textContent;
const bytes = Uint8Array.fromBase64?.(text) ?? Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
const [look, code] = (await new Response(stream).text()).split("\\0");
const style = document.createElement("style");
style.id = "heapscope-look";
style.textContent = look;
const script = document.createElement("script");
script.type = "module";
script.id = "heapscope-running";
script.textContent = code;
document.head.append(style, script);
`;

/**
 * Deflates the page's script and style, and lets nothing else run or be fetched.
 *
 * Every report carries them, and they are a third as large deflated. The Content-Security-Policy names the
 * script, its loader and the style by their hashes, and nothing may reach the network: names of a capture
 * could not become code even if an element took one as markup.
 */
function packed(): Plugin {
  return {
    name: "packed",
    enforce: "post",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const page = bundle["index.html"];
        if (page?.type !== "asset") throw new Error("there is no index.html");
        const html = String(page.source);
        const scripts = [...html.matchAll(/<script type="module"[^>]*>([\s\S]*?)<\/script>/g)];
        const styles = [...html.matchAll(/<style[^>]*>([\s\S]*?)<\/style>/g)];
        if (scripts.length !== 1 || styles.length !== 1 || /<script[^>]* src=|<link /.test(html))
          throw new Error("the page is not one file");
        const [element, code = ""] = scripts[0]!;
        const [styleElement, look = ""] = styles[0]!;
        if (`${look}${code}`.includes("\0")) throw new Error("the separator is in the code");
        const policy = [
          "default-src 'none'",
          `script-src ${hash(LOADER)} ${hash(code)}`,
          `style-src ${hash(look)}`,
          "img-src data: blob:",
          "base-uri 'none'",
          "form-action 'none'",
        ].join("; ");
        const deflated = deflateRawSync(`${look}\0${code}`, { level: 9 }).toString("base64");
        page.source = html
          .replace(
            '<meta charset="utf-8" />',
            `<meta charset="utf-8" />\n    <meta http-equiv="Content-Security-Policy" content="${policy}" />`,
          )
          .replace(element, "")
          .replace(styleElement, "")
          .replace(
            "</body>",
            `  <script type="application/octet-stream" id="heapscope-code">${deflated}</script>\n` +
              `    <script type="module">${LOADER}</script>\n  </body>`,
          );
      },
    },
  };
}

export default defineConfig({
  root: path("."),
  plugins: [viteSingleFile({ removeViteModuleLoader: true }), packed()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: path("../build/web"),
    emptyOutDir: true,
    target: "es2023",
    reportCompressedSize: false,
  },
  test: {
    root: path("../tests/web"),
    include: ["unit/**/*.test.ts", "browser/**/*.test.ts"],
    testTimeout: 60_000,
    fileParallelism: false,
    isolate: false,
    environment: "node",
  },
});
