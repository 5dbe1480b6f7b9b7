import { shortHash } from "../core/origin";

/** What a mailbox is called in a program. */
export interface Names {
  /** Logical name: lower-case letters, digits and hyphens. */
  name: string;
  /** Identifier of its variable. */
  variable: string;
}

/**
 * Words that cannot name a variable of a module: TypeScript's reserved words, and what Node and TypeScript declare in every
 * CommonJS module.
 */
const RESERVED = new Set(
  (
    "arguments async await break case catch class const continue debugger default delete do else enum eval export exports extends " +
    "false finally for function if implements import in infinity instanceof interface let module nan new null package private " +
    "protected public require return static super switch this throw true try typeof undefined var void while with yield"
  ).split(" "),
);

/**
 * Names for mailboxes by their primary addresses: the local part; the domain too where several would share a name; a short
 * hash of the address where that is not enough. They depend on the set of addresses alone, not on its order.
 */
export function namesOf(addresses: readonly string[]): Map<string, Names> {
  const levels = new Map(addresses.map((address) => [address, 0]));
  const taken = () => {
    const holders = new Map<string, string[]>();
    for (const [address, level] of levels) {
      const { name, variable } = namesAt(address, level);
      // Memberships are named after their mailbox; the engine tells them apart by type, readers do not.
      for (const key of new Set([name, membershipName(name), variable.toLowerCase()])) {
        holders.set(key, [...(holders.get(key) ?? []), address]);
      }
    }
    return new Set([...holders.values()].filter((sharers) => sharers.length > 1).flat());
  };
  for (let sharers = taken(); ; sharers = taken()) {
    const raised = [...sharers].filter((address) => (levels.get(address) ?? LAST) < LAST);
    if (raised.length === 0) {
      return new Map([...levels].map(([address, level]) => [address, namesAt(address, level)]));
    }
    for (const address of raised) {
      levels.set(address, (levels.get(address) ?? 0) + 1);
    }
  }
}

/** The logical name of the membership of a mailbox. */
export function membershipName(name: string): string {
  return `${name}-members`;
}

const LAST = 2;

function namesAt(address: string, level: number): Names {
  const [local = ""] = address.split("@");
  const name = [
    hyphenated(level === 0 ? local : address) || "mailbox",
    ...(level === LAST ? [shortHash(address)] : []),
  ].join("-");
  return { name, variable: variableOf(name) };
}

function hyphenated(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}

function variableOf(name: string): string {
  const camel = name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return /^\d/.test(camel) ? `mailbox${camel}` : RESERVED.has(camel.toLowerCase()) ? `${camel}Mailbox` : camel;
}
