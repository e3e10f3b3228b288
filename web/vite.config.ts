// Builds the report's page into one file, python/heapscope/report/template.html.

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";
import { defineConfig } from "vitest/config";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/**
 * A Content-Security-Policy that lets nothing run but this page's own script and style, by their hashes, and
 * lets nothing reach the network. Names of a capture could not become code even if an element took one as
 * markup.
 */
function contentSecurityPolicy(): Plugin {
  return {
    name: "content-security-policy",
    enforce: "post",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const page = bundle["index.html"];
        if (page?.type !== "asset") throw new Error("there is no index.html");
        const html = String(page.source);
        const texts = (pattern: RegExp) =>
          [...html.matchAll(pattern)].map((found) => hash(found[1]!));
        const scripts = texts(/<script type="module"[^>]*>([\s\S]*?)<\/script>/g);
        const styles = texts(/<style[^>]*>([\s\S]*?)<\/style>/g);
        if (scripts.length !== 1 || styles.length !== 1 || /<script[^>]* src=|<link /.test(html))
          throw new Error("the page is not one file");
        const policy = [
          "default-src 'none'",
          `script-src ${scripts.join(" ")}`,
          `style-src ${styles.join(" ")}`,
          "img-src data: blob:",
          "base-uri 'none'",
          "form-action 'none'",
        ].join("; ");
        page.source = html.replace(
          '<meta charset="utf-8" />',
          `<meta charset="utf-8" />\n    <meta http-equiv="Content-Security-Policy" content="${policy}" />`,
        );
      },
    },
  };
}

export default defineConfig({
  root: path("."),
  plugins: [viteSingleFile({ removeViteModuleLoader: true }), contentSecurityPolicy()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: path("../build/web"),
    emptyOutDir: true,
    target: "es2023",
    reportCompressedSize: false,
  },
  test: {
    root: path("../tests/web"),
    include: ["unit/**/*.test.ts"],
    environment: "node",
  },
});
