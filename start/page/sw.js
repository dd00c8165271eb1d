// Keeps what the page has loaded, so that the next visit needs no network.

const OURS = `start:${self.registration.scope}:`;
const BASE = "@base@";
const KEPT = OURS + BASE;

self.addEventListener("activate", (event) => event.waitUntil(replaceOlder()));

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "GET" && url.startsWith(self.registration.scope)) event.respondWith(answer(event));
});

self.addEventListener("message", (event) => {
  const { replace, base, urls } = event.data;
  if (replace) self.skipWaiting();
  if (base !== BASE) return; // a page of another release, which is still open
  event.waitUntil(keep(urls).then(() => event.source.postMessage({ kept: urls.length })));
});

async function replaceOlder() {
  const names = await caches.keys();
  const older = names.filter((name) => name.startsWith(OURS) && name !== KEPT);
  await Promise.all(older.map((name) => caches.delete(name)));
  await self.clients.claim();
}

/** Keep what the page loaded before this worker was there: the browser's own cache has it. */
async function keep(urls) {
  const cache = await caches.open(KEPT);
  for (const url of urls) {
    if (await cache.match(url)) continue;
    const response = await load(new Request(url), { cache: "force-cache" });
    if (response.ok) await cache.put(url, response);
  }
}

async function answer(event) {
  const cache = await caches.open(KEPT).catch(() => null); // null: the browser keeps nothing
  const known = await cache?.match(event.request, { ignoreSearch: true });
  if (known) return known;
  const isPage = event.request.mode === "navigate"; // ask for the newest release
  const response = await load(event.request, isPage ? { cache: "no-cache" } : {});
  if (response.ok && cache) event.waitUntil(cache.put(event.request, response.clone()));
  return response;
}

/** Unpack once what each visit would unpack; the browser keeps the compiled code beside it. */
async function load(request, options) {
  const response = await fetch(request, options);
  if (!response.ok || !request.url.endsWith(".packed")) return response;
  const headers = { "Content-Type": "application/wasm", Unpacked: "true" };
  return new Response(response.body.pipeThrough(new DecompressionStream("gzip")), { headers });
}
