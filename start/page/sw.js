// Keeps what the page has loaded, so that the next visit needs no network.

const OURS = `start:${self.registration.scope}:`;
const KEPT = `${OURS}@base@`;

self.addEventListener("activate", (event) => event.waitUntil(replaceOlder()));

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "GET" && url.startsWith(self.registration.scope)) event.respondWith(answer(event));
});

async function replaceOlder() {
  const names = await caches.keys();
  const older = names.filter((name) => name.startsWith(OURS) && name !== KEPT);
  await Promise.all(older.map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function answer(event) {
  const cache = await caches.open(KEPT);
  const known = await cache.match(event.request, { ignoreSearch: true });
  if (known) return known;
  const response = await fetch(event.request);
  if (response.ok) event.waitUntil(cache.put(event.request, response.clone()));
  return response;
}
