// The template's own Python code, in a worker.

/** Starts the worker and answers requests, also those made before Python is loaded. */
export class Engine {
  #worker;
  #waiting = new Map();
  #count = 0;

  /**
   * @param {object} settings What the worker needs: where its files are, their sizes, the origin.
   * @param {(share: number) => void} onProgress Told the share of the bytes that have arrived.
   * @param {(failure: string, urls: string[]) => void} onEnd Told when Python is loaded, with the
   *   reason if it is not, and what was fetched for it.
   */
  constructor(settings, onProgress, onEnd) {
    // A policy in a meta element binds a worker from a blob, but not one that is loaded by URL.
    const script = new Blob([`import ${JSON.stringify(`${settings.base}worker.js`)};`], {
      type: "text/javascript",
    });
    const url = URL.createObjectURL(script);
    this.#worker = new Worker(url, { type: "module" });
    this.#worker.onerror = () => onEnd("its worker did not start", []);
    this.#worker.onmessage = ({ data }) => {
      if ("progress" in data) onProgress(data.progress);
      else if ("loaded" in data) onEnd(data.loaded, data.urls);
      else this.#settle(data);
    };
    this.#worker.postMessage(settings);
  }

  /**
   * @param {string} kind The kind of request, as in `start/engine.py`.
   * @param {object} parameters Its parameters.
   * @returns {Promise<any>} The result: an object, or bytes.
   */
  ask(kind, parameters) {
    const id = ++this.#count;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, kind, request: JSON.stringify(parameters) });
    });
  }

  /** Let the worker prepare the previews of all other answers, while nothing else is asked. */
  prepare(parameters) {
    this.#worker.postMessage({ kind: "ahead", request: JSON.stringify(parameters) });
  }

  #settle({ id, result, failure }) {
    const { resolve, reject } = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (failure) reject(new Error(failure));
    else resolve(typeof result === "string" ? JSON.parse(result) : result);
  }
}

/** Run one call at a time and, of those that wait, only the newest; resolve after the last one. */
export function newest(run) {
  let running = null;
  let waiting = null;
  const runAll = async () => {
    try {
      while (waiting) {
        const next = waiting;
        waiting = null;
        await run(...next);
      }
    } finally {
      running = null;
    }
  };
  return (...given) => {
    waiting = given;
    running ??= runAll();
    return running;
  };
}
