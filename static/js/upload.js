/**
 * Sends one file's bytes with progress. `fetch` does not tell how far an upload is, so this is the one place with an
 * XMLHttpRequest. No deadline: a big file on a thin line takes as long as it takes, and the person can cancel it.
 *
 * Resolves to `{status, retryAfter, answer}`, or rejects where nobody answered.
 */
export function upload(address, blob, { headers, progress = () => {}, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.responseType = "json";
    request.upload.addEventListener("progress", ({ loaded, total }) => progress(total > 0 ? loaded / total : 0));
    request.addEventListener("load", () => {
      const retryAfter = Number(request.getResponseHeader("Retry-After")) || null;
      resolve({ status: request.status, retryAfter, answer: request.response ?? {} });
    });
    for (const trouble of ["error", "abort", "timeout"]) request.addEventListener(trouble, () => reject(new Error(trouble)));
    signal?.addEventListener("abort", () => request.abort());
    request.send(blob);
  });
}
