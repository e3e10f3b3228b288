// Loads a TypeScript module of tests/web for a plain Node script: benchmarks and pages to look at.

import { createServer } from "vite";

export async function load(path) {
  const server = await createServer({
    configFile: false,
    root: new URL("../../", import.meta.url).pathname,
    appType: "custom",
    logLevel: "error",
    optimizeDeps: { noDiscovery: true },
    server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  });
  try {
    return await server.ssrLoadModule(`/${path}`);
  } finally {
    await server.close();
  }
}
