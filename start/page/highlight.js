// Highlighting by highlight.js, with the languages that projects have.

import hljs from "./highlight/core.min.js";
import bash from "./highlight/bash.min.js";
import dockerfile from "./highlight/dockerfile.min.js";
import ini from "./highlight/ini.min.js";
import json from "./highlight/json.min.js";
import markdown from "./highlight/markdown.min.js";
import nginx from "./highlight/nginx.min.js";
import python from "./highlight/python.min.js";
import yaml from "./highlight/yaml.min.js";

const LANGUAGES = { bash, dockerfile, ini, json, markdown, nginx, python, yaml };
const BY_NAME = [
  [/\.(py|pyi|mako|py\.tmpl)$/, "python"],
  [/\.(ya?ml)$/, "yaml"],
  [/\.(toml|ini|cfg)$|\.editorconfig$|\.env\.example$/, "ini"],
  [/\.json$/, "json"],
  [/\.md$/, "markdown"],
  [/Dockerfile$/, "dockerfile"],
  [/\.sh$/, "bash"],
  [/nginx\.conf$|\.inc$/, "nginx"],
];

for (const [name, language] of Object.entries(LANGUAGES)) hljs.registerLanguage(name, language);

/** Return the nodes of a text, highlighted by the name of its file. */
export function highlight(path, text) {
  const language = BY_NAME.find(([pattern]) => pattern.test(path))?.[1];
  if (!language) return [text];
  const holder = document.createElement("template");
  holder.innerHTML = hljs.highlight(text, { language }).value; // escaped by highlight.js
  return [...holder.content.childNodes];
}
