// Runs start/bundle.py in Pyodide, so that its byte code is that of the page's Python.
// Usage: node bundle.mjs BUNDLE.py APP LIBRARY

import { readFile } from "node:fs/promises";
import { loadPyodide } from "pyodide";

const [script, app, library] = process.argv.slice(2);
const python = await loadPyodide();
for (const [place, folder] of [
  ["/app", app],
  ["/library", library],
]) {
  python.FS.mkdirTree(place);
  python.FS.mount(python.FS.filesystems.NODEFS, { root: folder }, place);
}
python.runPython(await readFile(script, "utf8"));
