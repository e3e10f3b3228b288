// The page's three data elements to a manifest and columns (docs/dev/report-payload.md).

import { bytesOfBase64 } from "./base64";
import { Columns } from "./columns";
import { inflate } from "./inflate";
import { type Manifest, SCHEMA } from "./manifest";
import { PayloadError } from "./payload_error";

export interface Payload {
  manifest: Manifest;
  columns: Columns;
  /** Base64 of the sources, for readSources; "" when none are embedded. */
  sources: string;
}

export const ELEMENTS = {
  manifest: "heapscope-manifest",
  columns: "heapscope-columns",
  sources: "heapscope-sources",
} as const;

export async function readPayload(texts: {
  manifest: string;
  columns: string;
  sources: string;
}): Promise<Payload> {
  if (texts.manifest.trim() === "")
    throw new PayloadError("no data: make a report with `heapscope report CAPTURE`");
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1)
    throw new PayloadError("the data is little-endian, this machine is not");
  let manifest: Manifest;
  try {
    manifest = JSON.parse(texts.manifest) as Manifest;
  } catch {
    throw new PayloadError("the manifest is not JSON: the file is cut or changed");
  }
  if (manifest.schema !== SCHEMA)
    throw new PayloadError(`the data is ${manifest.schema}, this page reads ${SCHEMA}`);
  let buffer: ArrayBuffer;
  try {
    buffer = await inflate(bytesOfBase64(texts.columns.trim()));
  } catch {
    throw new PayloadError("the columns cannot be unpacked: the file is cut or changed");
  }
  return { manifest, columns: new Columns(manifest.columns, buffer), sources: texts.sources };
}

export function readPayloadOf(document: Document): Promise<Payload> {
  const text = (id: string) => document.getElementById(id)?.textContent ?? "";
  return readPayload({
    manifest: text(ELEMENTS.manifest),
    columns: text(ELEMENTS.columns),
    sources: text(ELEMENTS.sources),
  });
}
