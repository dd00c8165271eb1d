// The answers in the address: a question may be unknown and a value invalid, which Python tells.

/** The address of a choice: relative, without the answers if there are none. */
export function addressOf(given) {
  const entries = Object.entries(given).map(([name, value]) => [name, String(value)]);
  const query = new URLSearchParams(entries);
  return entries.length ? `#${query}` : location.pathname + location.search;
}

/** The answers in the current address, by question; `types` has the type of each. */
export function givenInAddress(types) {
  const listed = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries([...listed].map(([name, text]) => [name, parsed(types, name, text)]));
}

export function parsed(types, name, text) {
  return types.get(name) === "bool" && /^(true|false)$/.test(text) ? text === "true" : text;
}
