// Loads Python with the template's code, and passes requests to it.

import { entriesOf, fetchUnpacked } from "./packed.js";

const LAUNCH = `
import gc, sys

sys.path.insert(0, "/app")

from pathlib import Path
from start.engine import Engine, Origin

engine = Engine(Path("/app"), Origin(source, commit), Path("/releases"))
gc.collect()
gc.freeze()
engine
`;

let engine = null;
let python = null;
let address = "";
let turns = 0;

self.onmessage = ({ data }) => {
  turns++;
  if (engine === null) engine = started(data);
  else if (data.kind === "ahead") renderAhead(data.request);
  else answer(data);
};

async function started(settings) {
  try {
    const loaded = await load(settings);
    const urls = performance.getEntriesByType("resource").map(({ name }) => name);
    postMessage({ loaded: "", urls });
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
  const [{ loadPyodide }, { default: createPyodideModule }] = await Promise.all([
    import(`${base}pyodide.js`),
    import(`${base}pyodide.asm.js`),
  ]);
  python = await loadPyodide({
    createPyodideModule,
    indexURL: base,
    stdLibURL: `${base}stdlib.zip`,
    lockFileContents: lock,
    packageBaseUrl: base,
  });
  await extract(await unpacked.get(`${base}app.tar`), "/app");
  return python.runPython(LAUNCH, { globals: python.toPy(origin) });
}

/** Fetch the packed files at once; return their unpacked responses by URL. */
function fetchAll(base, sizes) {
  const total = Object.values(sizes).reduce((sum, size) => sum + size);
  let received = 0;
  const count = (size) => postMessage({ progress: (received += size) / total });
  const fetched = Object.entries(sizes).map(([name, size]) => [
    base + name,
    fetchUnpacked(base + name, size, count),
  ]);
  return new Map(fetched);
}

/** Write the files of a tar into a folder of Python's file system. */
async function extract(response, folder) {
  for (const { name, mode, content } of entriesOf(new Uint8Array(await response.arrayBuffer()))) {
    const path = `${folder}/${name}`;
    python.FS.mkdirTree(path.slice(0, path.lastIndexOf("/")));
    python.FS.writeFile(path, content);
    python.FS.chmod(path, mode);
  }
}

/** Render what the next answer could change, bit by bit, until there is something else to do. */
async function renderAhead(request) {
  const turn = turns;
  for (const _ of (await engine).ahead(request)) {
    await new Promise((resolve) => setTimeout(resolve));
    if (turn !== turns) return;
  }
}

async function answer({ id, kind, request }) {
  try {
    let found = (await engine).handle(kind, request);
    for (let missing = missingIn(found); missing; missing = missingIn(found)) {
      await extract(
        await fetchUnpacked(`${address}releases/${missing}.tar`),
        `/releases/${missing}`,
      );
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
