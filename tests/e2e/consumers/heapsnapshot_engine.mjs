// Loads .heapsnapshot files with the engine of Chrome DevTools' Memory panel and prints what it makes of them.
//
//     node heapsnapshot_engine.mjs NODE_MODULES BUNDLE.mjs [--classes] FILE…
//
// --classes: only the table of classes, with what they retain: what the panel shows first.
// The engine is bundled from the published sources once; of what their build generates, only a list of languages is
// missing, and English is enough.

import { createReadStream, existsSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { MessageChannel } from "node:worker_threads";

const [packages, bundle, ...rest] = process.argv.slice(2);
const onlyClasses = rest[0] === "--classes";
const files = onlyClasses ? rest.slice(1) : rest;

async function bundleEngine() {
  const { build } = createRequire(join(packages, "x"))("esbuild");
  const languages = {
    name: "languages",
    setup(builder) {
      builder.onResolve({ filter: /\/locales\.js$/ }, () => ({ path: "locales", namespace: "languages" }));
      builder.onLoad({ filter: /.*/, namespace: "languages" }, () => ({
        contents: `export const LOCALES = ["en-US"], BUNDLED_LOCALES = ["en-US"], DEFAULT_LOCALE = "en-US";
                   export const REMOTE_FETCH_PATTERN = "", LOCAL_FETCH_PATTERN = "";`,
      }));
    },
  };
  const worker = "front_end/entrypoints/heap_snapshot_worker/heap_snapshot_worker.ts";
  const temporary = `${bundle}.${process.pid}.mjs`;
  await build({
    entryPoints: [join(packages, "chrome-devtools-frontend", worker)],
    bundle: true,
    platform: "node",
    format: "esm",
    outfile: temporary,
    plugins: [languages],
    logLevel: "error",
  });
  renameSync(temporary, bundle);
}

// Node 20 does not have it.
Promise.withResolvers ??= () => {
  let settle;
  const promise = new Promise((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle };
};

if (!existsSync(bundle)) await bundleEngine();
const engine = await import(pathToFileURL(bundle));

async function load(file) {
  const problems = [];
  const loader = new engine.HeapSnapshotLoader.HeapSnapshotLoader({
    sendEvent: (name, data) => name.includes("Problem") && problems.push(data),
  });
  for await (const chunk of createReadStream(file, { encoding: "utf8", highWaterMark: 1 << 20 })) loader.write(chunk);
  loader.close();
  const channel = new MessageChannel();
  new engine.HeapSnapshot.SecondaryInitManager(channel.port2);
  const snapshot = await loader.buildSnapshot(channel.port1);
  channel.port1.close();
  channel.port2.close();
  return { snapshot, problems };
}

function classesOf(snapshot) {
  const classes = {};
  for (const aggregate of Object.values(snapshot.getAggregatesByClassKey(false, "allObjects"))) {
    classes[aggregate.name] = { count: aggregate.count, self: aggregate.self, retained: aggregate.maxRet };
  }
  return classes;
}

function describe({ snapshot, problems }) {
  const objects = {};
  const node = snapshot.createNode(0);
  const dominator = snapshot.createNode(0);
  for (let index = 0; index < snapshot.nodes.length; index += snapshot.nodeFieldCount) {
    node.nodeIndex = index;
    dominator.nodeIndex = snapshot.dominatorsTree[node.ordinal()] * snapshot.nodeFieldCount;
    const edges = [];
    for (let iterator = node.edges(); iterator.hasNext(); iterator.next()) {
      edges.push([iterator.edge.type(), String(iterator.edge.name()), iterator.edge.node().id()]);
    }
    objects[node.id()] = {
      name: node.name(),
      class: node.className(),
      type: node.type(),
      self: node.selfSize(),
      retained: node.retainedSize(),
      distance: node.distance(),
      dominator: dominator.id(),
      trace: node.traceNodeId(),
      edges,
    };
  }
  let allocations = null;
  let stacks = null;
  if (snapshot.profile.snapshot.trace_function_count > 0) {
    allocations = snapshot.allocationTracesTops().map((each) => ({
      name: each.name,
      file: each.scriptName,
      line: each.line,
      count: each.count,
      size: each.size,
      live_count: each.liveCount,
      live_size: each.liveSize,
    }));
    stacks = {};
    for (let index = 0; index < snapshot.nodes.length; index += snapshot.nodeFieldCount) {
      node.nodeIndex = index;
      if (node.traceNodeId() !== 0) {
        stacks[node.id()] = snapshot
          .allocationStack(index)
          .map((frame) => [frame.functionName, frame.scriptName, frame.line]);
      }
    }
  }
  return {
    problems,
    total: snapshot.totalSize,
    nodes: snapshot.nodeCount,
    statistics: snapshot.getStatistics(),
    objects,
    classes: classesOf(snapshot),
    allocations,
    stacks,
    duplicates: snapshot.getDuplicateStrings().map((each) => [each.value, each.nodes.length]),
  };
}

// What changed from one snapshot to the next, by class, as the Comparison view shows it.
function compare(before, after) {
  const difference = after.calculateSnapshotDiff("before", before.aggregatesForDiff(after.interfaceDefinitions()));
  return Object.fromEntries(
    Object.values(difference).map((each) => [
      each.name,
      { added: each.addedCount, removed: each.removedCount, bytes: each.sizeDelta },
    ]),
  );
}

const loaded = [];
for (const file of files) loaded.push(await load(file));
const answer = { files: loaded.map(onlyClasses ? ({ snapshot }) => ({ classes: classesOf(snapshot) }) : describe) };
if (loaded.length === 2) answer.difference = compare(loaded[0].snapshot, loaded[1].snapshot);
process.stdout.write(JSON.stringify(answer));
