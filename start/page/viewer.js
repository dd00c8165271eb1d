// One file, highlighted, or the lines of a difference.

import { make } from "./dom.js";
import { highlight } from "./highlight.js";

const KINDS = { "+": "added", "-": "removed", "@": "place" };

/** Show nothing but a sentence. */
export function showSentence(viewer, sentence) {
  viewer.replaceChildren(make("p.empty", {}, sentence));
}

/** Show the text of a file. */
export function showFile(viewer, path, text) {
  const code = make("code", {});
  code.append(...highlight(path, text));
  const count = text.split("\n").length - 1;
  viewer.replaceChildren(heading(path, `${count} ${count === 1 ? "line" : "lines"}`), block(code));
}

/** Show the difference of a file. */
export function showDifference(viewer, { path, status, lines }) {
  const code = make("code.difference", {}, ...lines.map(lineOf));
  viewer.replaceChildren(heading(path, status), block(code));
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

function block(code) {
  return make("pre", { tabindex: "0", role: "region", "aria-label": "Text of the file" }, code);
}

function lineOf(line) {
  const kind = KINDS[line[0]] ?? "same";
  return make(`span.line.${kind}`, {}, `${line}\n`);
}
