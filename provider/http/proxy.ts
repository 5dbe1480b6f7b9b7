/** The proxy between here and the services: the one of HTTPS_PROXY, which Node's own `fetch` does not heed by itself. */

/**
 * Host and port of the proxy that the environment names for https; undefined where it names none. Hosts that NO_PROXY lists are reached
 * without it.
 */
export function proxyNamed(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = environment.https_proxy ?? environment.HTTPS_PROXY ?? "";
  if (named.trim() === "") {
    return undefined;
  }
  // A proxy's address may hold a password.
  return URL.canParse(named) ? new URL(named).host : "an address that is not a URL";
}

let proxied: Promise<typeof fetch> | undefined;

/**
 * What sends a request to this address: Node's `fetch`, or the same by way of the proxy.
 *
 * A local tenant on this machine is spoken to without TLS, and so without a proxy. `@azure/identity` heeds the same variables itself.
 *
 * @throws TypeError when the address of the proxy is no URL.
 */
export async function fetchTo(url: string): Promise<typeof fetch> {
  if (!url.startsWith("https:") || proxyNamed() === undefined) {
    return fetch;
  }
  proxied ??= import("undici").then((undici) => {
    const dispatcher = new undici.EnvHttpProxyAgent();
    // The types of undici's own fetch and of Node's are two copies of one.
    const send = undici.fetch as unknown as (input: unknown, init: object) => Promise<Response>;
    return (input, init) => send(input, { ...init, dispatcher });
  });
  return proxied;
}
