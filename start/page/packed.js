// Files that the build has packed, because many static hosts do not compress.

const BLOCK = 512;
const LONG_NAME = "L";

/**
 * Fetch a packed file. From the service worker it comes unpacked, which the next visits need not do.
 * @param {string} url Its address, without `.packed`.
 * @param {number} size Its packed size, if that is known.
 * @param {(size: number) => void} onBytes Told the size of each part that arrives.
 * @returns {Promise<Response>} The unpacked file.
 */
export async function fetchUnpacked(url, size = 0, onBytes = () => {}) {
  const response = await fetch(`${url}.packed`);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  if (response.headers.has("Unpacked")) {
    onBytes(size);
    return response;
  }
  const counted = new TransformStream({
    transform(chunk, controller) {
      onBytes(chunk.length);
      controller.enqueue(chunk);
    },
  });
  const body = response.body.pipeThrough(counted).pipeThrough(new DecompressionStream("gzip"));
  return new Response(body, { headers: { "Content-Type": "application/wasm" } });
}

/** Yield the name, mode and content of each file in a tar by `start/packing.py`. */
export function* entriesOf(tar) {
  const decoder = new TextDecoder();
  const textOf = (start, end) => decoder.decode(tar.subarray(start, end)).replace(/\0.*$/s, "");
  let longName = "";
  for (let at = 0; tar[at]; ) {
    const size = parseInt(textOf(at + 124, at + 136), 8);
    const content = tar.subarray(at + BLOCK, at + BLOCK + size);
    if (textOf(at + 156, at + 157) === LONG_NAME) {
      longName = textOf(at + BLOCK, at + BLOCK + size);
    } else {
      const mode = parseInt(textOf(at + 100, at + 108), 8);
      yield { name: longName || textOf(at, at + 100), mode, content };
      longName = "";
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}
