/** How the package names itself to the services. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

function version(): string {
  // The same two steps up from `provider/http` in a clone and from `dist/http` in an installed package.
  const found: unknown = JSON.parse(readFileSync(join(__dirname, "..", "..", "package.json"), "utf8"));
  const isNamed = typeof found === "object" && found !== null && "version" in found;
  return isNamed && typeof found.version === "string" ? found.version : "0";
}

/** `pulumi-mailboxes/1.2.3`: the `User-Agent` of every request and Exchange's `X-ClientApplication`. */
export const APPLICATION = `pulumi-mailboxes/${version()}`;

/** Exchange's `connection-id`: one for each process, so that its pages and reads stay together. */
export const CONNECTION_ID = randomUUID();
