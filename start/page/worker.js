// Loads Python with the template's code, and passes requests to it.

const LAUNCH = `
import os, sys, zipfile

with zipfile.ZipFile("/app.zip") as archive:
    for entry in archive.infolist():
        os.chmod(archive.extract(entry, "/app"), entry.external_attr >> 16)
sys.path.insert(0, "/app")

from pathlib import Path
from start.engine import Engine, Origin

Engine(Path("/app"), Origin(source, commit), Path("/releases"))
`;

const UNPACK = `
import zipfile

zipfile.ZipFile("/release.zip").extractall(f"/releases/{version}")
`;

let engine = null;
let python = null;
let address = "";

self.onmessage = ({ data }) => {
  if (engine === null) engine = started(data);
  else answer(data);
};

async function started(settings) {
  try {
    const loaded = await load(settings);
    postMessage({ loaded: "" });
    return loaded;
  } catch (error) {
    postMessage({ loaded: String(error) });
    throw error;
  }
}

async function load({ base, sizes, lock, origin }) {
  const unpacked = fetchAll(base, sizes);
  const fetchAsIs = self.fetch;
  self.fetch = (url, options) => unpacked.get(String(url)) ?? fetchAsIs(url, options);
  address = base;
  const { loadPyodide } = await import(`${base}pyodide.mjs`);
  python = await loadPyodide({
    indexURL: base,
    stdLibURL: `${base}stdlib.zip`,
    lockFileContents: lock,
    packageBaseUrl: base,
  });
  const app = await unpacked.get(`${base}app.zip`);
  python.FS.writeFile("/app.zip", new Uint8Array(await app.arrayBuffer()));
  return python.runPython(LAUNCH, { globals: python.toPy(origin) });
}

/** Fetch the packed files at once; return their unpacked responses by URL. */
function fetchAll(base, sizes) {
  const total = Object.values(sizes).reduce((sum, size) => sum + size);
  let received = 0;
  const count = (size) => postMessage({ progress: (received += size) / total });
  const names = Object.keys(sizes);
  return new Map(
    names.map((name) => [`${base}${name}`, fetchPacked(`${base}${name}.packed`, count)]),
  );
}

async function fetchPacked(url, count) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const counted = new TransformStream({
    transform(chunk, controller) {
      count(chunk.length);
      controller.enqueue(chunk);
    },
  });
  const body = response.body.pipeThrough(counted).pipeThrough(new DecompressionStream("gzip"));
  return new Response(body, { headers: { "Content-Type": "application/wasm" } });
}

async function answer({ id, kind, request }) {
  try {
    let found = (await engine).handle(kind, request);
    for (let missing = missingIn(found); missing; missing = missingIn(found)) {
      await fetchRelease(missing);
      found = (await engine).handle(kind, request);
    }
    const result = typeof found === "string" ? found : found.toJs();
    found.destroy?.();
    postMessage({ id, result });
  } catch (error) {
    postMessage({ id, failure: String(error).trim().split("\n").pop() });
  }
}

/** Return the past release that an update needs and that is not here yet. */
function missingIn(found) {
  return typeof found === "string" && found.startsWith('{"missing"') && JSON.parse(found).missing;
}

async function fetchRelease(version) {
  const response = await fetchPacked(`${address}releases/${version}.zip.packed`, () => {});
  python.FS.writeFile("/release.zip", new Uint8Array(await response.arrayBuffer()));
  python.runPython(UNPACK, { globals: python.toPy({ version }) });
}
