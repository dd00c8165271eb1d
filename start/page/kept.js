// What the page has loaded, kept for the next visit by a service worker.

/**
 * Let a service worker keep what was loaded without it.
 * @param {string[]} loaded The addresses of what the worker with Python loaded.
 * @param {() => void} onKept Told when all is kept.
 * @param {(take: () => void) => void} onNewer Told of a newer release of the page, and how to take it.
 */
export async function keep(loaded, onKept, onNewer) {
  const worker = navigator.serviceWorker;
  if (!worker) return; // without it, the page works and loads everything at each visit
  worker.addEventListener("message", onKept);
  worker.startMessages();
  watch(await worker.register("sw.js"), onNewer);
  const { active } = await worker.ready;
  const own = performance.getEntriesByType("resource").map(({ name }) => name);
  const urls = new Set([location.href.split("#")[0], ...own, ...loaded]);
  const here = new URL(".", location.href).href;
  const kept = [...urls].filter((url) => url.startsWith(here));
  active.postMessage({ base: document.body.dataset.base, urls: kept });
}

/** Tell of a worker that waits for the pages of this release to be closed. */
function watch(registration, onNewer) {
  const tell = () => {
    const { active, waiting } = registration;
    if (active && waiting) onNewer(() => take(waiting)); // the first one waits for nothing
  };
  registration.addEventListener("updatefound", () => {
    registration.installing.addEventListener("statechange", tell);
  });
  tell();
}

function take(waiting) {
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
  waiting.postMessage({ replace: true });
}
