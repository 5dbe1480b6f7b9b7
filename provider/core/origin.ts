import { createHash } from "node:crypto";

/** What a resource was created as. What is derived from it is the same in every attempt to create the resource. */
export interface Origin {
  /** The URN, for messages. */
  urn: string;
  /** Ten lower-case letters and digits that stand for the resource. */
  hash: string;
}

/**
 * Reads an origin. Nothing is derived from the type token, because that changes with the way the provider is served. Project, stack,
 * parents, kind and name are used.
 *
 * @param urn `urn:pulumi:<stack>::<project>::<parent types>$<type>::<name>`.
 */
export function originOf(urn: string): Origin {
  const [stackPart = "", project = "", types = "", ...name] = urn.split("::");
  const parents = types.split("$");
  const kind = (parents.pop() ?? "").split(":").pop() ?? "";
  const key = JSON.stringify([project, stackPart.replace(/^urn:pulumi:/, ""), parents, kind, name.join("::")]);
  return { urn, hash: shortHash(key) };
}

/** Ten characters of `[a-z0-9]` for a text: about 51 bits, so that two mailboxes of a tenant practically never get the same. */
export function shortHash(text: string): string {
  const digest = createHash("sha256").update(text).digest();
  return BigInt(`0x${digest.toString("hex", 0, 8)}`)
    .toString(36)
    .padStart(13, "0")
    .slice(-10);
}

/** A GUID of version 8 (RFC 9562, free content) for something that a resource makes. The text tells several such things apart. */
export function guidFor(origin: Origin, text: string): string {
  const hex = createHash("sha256").update(`${origin.hash} ${text}`).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}
