// Requests to the server that delivered this page.

// As the browser spells it: tokens have nothing to decode, and what was cut off in copying ("…") or is no
// code (%zz) has to reach the server to be refused.
const TOKEN = location.hash.slice(1);

export class ServerError extends Error {
  // status: the HTTP status, 0 if the server could not be reached. data: what it said beside.
  constructor(status, message, data = {}) {
    super(message);
    this.status = status;
    this.data = data;
  }
}

export async function request(path, { method = "GET", json, signal, timeout = 30000 } = {}) {
  const limits = [AbortSignal.timeout(timeout), ...(signal ? [signal] : [])];
  const options = {
    method,
    headers: { "X-Access-Token": TOKEN },
    signal: AbortSignal.any ? AbortSignal.any(limits) : (signal ?? limits[0]),
    cache: "no-store",
  };
  if (json !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(json);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ServerError(0, "The labelling server does not answer; is it still running?");
  }
  if (response.ok) return response;
  const data = await response.json().catch(() => ({}));
  throw new ServerError(response.status, data.error ?? `The server answered ${response.status}.`, data);
}

export async function getJson(path, options) {
  return (await request(path, options)).json();
}
