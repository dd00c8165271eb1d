// The tree of a project's files, as one list of rows: the pattern of a tree view, by keyboard too.

import { make } from "./dom.js";

const SIGNS = { added: "+", changed: "~", removed: "−" };

/** A tree of files with marks. */
export class Tree {
  #element;
  #onOpen;
  #folded = new Map();
  #rows = [];
  #current = "";
  #opened = "";

  /**
   * @param {HTMLElement} element The element to fill.
   * @param {(path: string) => void} onOpen Told the path of the file to open.
   */
  constructor(element, onOpen) {
    this.#element = element;
    this.#onOpen = onOpen;
    element.addEventListener("click", (event) => this.#click(event));
    element.addEventListener("keydown", (event) => this.#press(event));
  }

  /**
   * @param {string[]} paths The files.
   * @param {Map<string, string>} marks `added`, `changed` or `removed`, by path.
   * @param {string} opened The file that is open.
   */
  show(paths, marks, opened) {
    this.#opened = opened;
    this.#rows = rowsOf(paths, marks);
    this.#draw();
  }

  /** Unfold the folders around a file. */
  reveal(path) {
    for (const folder of foldersOf(path)) this.#folded.set(folder, false);
  }

  /** Keep what is folded and current when a folder gets another name. */
  rename(from, to) {
    this.#folded = new Map(
      [...this.#folded].map(([path, isFolded]) => [renamed(path, from, to), isFolded]),
    );
    this.#current = renamed(this.#current, from, to);
  }

  #isFolded(row) {
    return this.#folded.get(row.path) ?? !(row.level <= 2 && /^src(\/|$)/.test(row.path));
  }

  #draw() {
    const visible = [];
    let hidden = "";
    for (const row of this.#rows) {
      if (hidden && row.path.startsWith(hidden)) continue;
      hidden = row.isFolder && this.#isFolded(row) ? `${row.path}/` : "";
      visible.push(row);
    }
    if (!visible.some(({ path }) => path === this.#current)) this.#current = visible[0]?.path ?? "";
    const hadFocus = this.#element.contains(document.activeElement);
    this.#element.replaceChildren(...visible.map((row) => this.#row(row)));
    if (hadFocus) this.#focus(this.#current);
  }

  #row({ path, name, level, isFolder, mark, position, size }) {
    const label = mark ? `${name}, ${mark}` : name;
    const row = make(
      `div.row.${isFolder ? "folder" : "file"}${mark ? `.${mark}` : ""}`,
      {
        role: "treeitem",
        "data-path": path,
        "aria-label": label,
        "aria-level": level,
        "aria-posinset": position,
        "aria-setsize": size,
        "aria-expanded": isFolder ? String(!this.#isFolded({ path, name, level })) : undefined,
        "aria-selected": String(path === this.#opened),
        tabindex: path === this.#current ? 0 : -1,
        title: path,
      },
      make("span.name", {}, name),
      make("span.sign", { "aria-hidden": "true" }, SIGNS[mark] ?? ""),
    );
    row.style.setProperty("--level", level);
    return row;
  }

  #click(event) {
    const row = event.target.closest(".row");
    if (row) this.#choose(row.dataset.path);
  }

  #choose(path) {
    this.#current = path;
    const row = this.#rows.find((each) => each.path === path);
    if (row.isFolder) {
      this.#folded.set(path, !this.#isFolded(row));
      this.#draw();
    } else this.#onOpen(path);
    this.#focus(path);
  }

  #press(event) {
    const rows = [...this.#element.children];
    const index = rows.findIndex((row) => row.dataset.path === this.#current);
    const row = this.#rows.find(({ path }) => path === this.#current);
    const moves = {
      ArrowDown: () => this.#focus(rows[index + 1]?.dataset.path),
      ArrowUp: () => this.#focus(rows[index - 1]?.dataset.path),
      Home: () => this.#focus(rows[0].dataset.path),
      End: () => this.#focus(rows.at(-1).dataset.path),
      ArrowRight: () => {
        if (row.isFolder && this.#isFolded(row)) this.#choose(row.path);
        else if (row.isFolder) this.#focus(rows[index + 1].dataset.path);
      },
      ArrowLeft: () =>
        row.isFolder && !this.#isFolded(row)
          ? this.#choose(row.path)
          : this.#focus(foldersOf(row.path).at(-1)),
      Enter: () => this.#choose(row.path),
      " ": () => this.#choose(row.path),
    };
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in moves) {
      event.preventDefault();
      moves[event.key]();
    } else if (event.key.length === 1) this.#seek(event.key, [...rows.slice(index + 1), ...rows]);
  }

  /** Go to the next row whose name begins with a letter. */
  #seek(letter, rows) {
    const wanted = letter.toLowerCase();
    const names = rows.map((row) => row.textContent.toLowerCase());
    this.#focus(rows[names.findIndex((name) => name.startsWith(wanted))]?.dataset.path);
  }

  #focus(path) {
    const row = [...this.#element.children].find((each) => each.dataset.path === path);
    if (!row) return;
    this.#element.querySelector("[tabindex='0']")?.setAttribute("tabindex", "-1");
    this.#current = path;
    row.setAttribute("tabindex", "0");
    row.focus();
  }
}

/** The path of a file or folder after a folder around it has got another name. */
export function renamed(path, from, to) {
  return path === from || path.startsWith(`${from}/`) ? to + path.slice(from.length) : path;
}

function foldersOf(path) {
  const steps = path.split("/").slice(0, -1);
  return steps.map((_, index) => steps.slice(0, index + 1).join("/"));
}

/** Folders before files, each sorted; a folder takes the mark of what is in it, if all agree. */
function rowsOf(paths, marks) {
  const root = { children: new Map() };
  for (const path of paths) {
    let folder = root;
    for (const step of path.split("/").slice(0, -1)) {
      if (!folder.children.has(step)) folder.children.set(step, { children: new Map() });
      folder = folder.children.get(step);
    }
    folder.children.set(path.split("/").at(-1), { mark: marks.get(path) ?? "" });
  }
  return [...listed(root, "", 1)];
}

function* listed(folder, prefix, level) {
  const entries = [...folder.children].sort(
    ([left, a], [right, b]) => !a.children - !b.children || (left < right ? -1 : 1),
  );
  for (const [index, [name, entry]] of entries.entries()) {
    const path = prefix + name;
    const place = { position: index + 1, size: entries.length };
    yield { path, name, level, isFolder: Boolean(entry.children), mark: markOf(entry), ...place };
    if (entry.children) yield* listed(entry, `${path}/`, level + 1);
  }
}

function markOf(entry) {
  if (!entry.children) return entry.mark;
  const marks = new Set([...entry.children.values()].map(markOf));
  if (marks.size === 1) return [...marks][0];
  marks.delete("");
  return marks.size ? "changed" : "";
}
