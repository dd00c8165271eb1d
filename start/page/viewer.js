// One file, highlighted, or the lines of a difference.

import { make } from "./dom.js";

/** Loaded after the page is painted; until then texts are plain. */
const highlighting = import("./highlight.js");

const shown = new WeakMap();

const KINDS = { "+": "added", "-": "removed", "@": "place" };

/** Show nothing but a sentence. */
export function showSentence(viewer, sentence) {
  fill(viewer, make("p.empty", {}, sentence));
}

/** Show the text of a file, unless it is what is shown. */
export function showFile(viewer, path, text) {
  if (shown.get(viewer) === path + text) return;
  const code = make("code", {}, text);
  highlighting.then(({ highlight }) => code.replaceChildren(...highlight(path, text)));
  const count = text.split("\n").length - 1;
  const lines = `${count} ${count === 1 ? "line" : "lines"}`;
  fill(viewer, heading(path, lines), block(code, path.endsWith(".md")));
  shown.set(viewer, path + text);
}

/** Show the difference of a file. */
export function showDifference(viewer, { path, status, lines }) {
  const code = make("code.difference", {}, ...lines.map(lineOf));
  fill(viewer, heading(path, status), block(code));
}

function fill(viewer, ...children) {
  shown.delete(viewer);
  viewer.replaceChildren(...children);
}

function heading(path, note) {
  const name = path.split("/").at(-1);
  const folder = path.slice(0, path.length - name.length);
  return make(
    "header",
    {},
    make("h3", {}, make("span", {}, folder), name),
    make("span.note", {}, note),
  );
}

function block(code, isProse = false) {
  const kind = isProse ? "pre.wrapped" : "pre";
  return make(kind, { tabindex: "0", role: "region", "aria-label": "Text of the file" }, code);
}

function lineOf(line) {
  const kind = KINDS[line[0]] ?? "same";
  return make(`span.line.${kind}`, {}, `${line}\n`);
}
