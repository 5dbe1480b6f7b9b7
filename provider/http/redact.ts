/**
 * Takes secrets out of text before it can reach an error, a log or a trace.
 *
 * Two nets: shapes that always are secrets (bearer tokens, JSON web tokens, `password=…`), and the exact values
 * that were remembered with {@link rememberSecret}.
 */
import { isNativeError } from "node:util/types";
import { membersOf } from "./json";

/** What stands in the place of a secret. */
export const REDACTED = "[secret]";

const SHAPES: ReadonlyArray<readonly [RegExp, string]> = [
  [/\b(authorization["']?\s*[:=]\s*["']?(?:bearer|basic)\s+)[^\s"',;]+/gi, `$1${REDACTED}`],
  // Twenty characters and more: "basic settings" and "bearer tokens" are words.
  [/\b(bearer\s+)[A-Za-z0-9\-._~+/]{20,}=*/gi, `$1${REDACTED}`],
  [/\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?/g, REDACTED],
  [
    /("(?:[a-z_]*(?:password|passwd|secret)|client_?assertion|(?:access|refresh|id|oidc)_?token|authorization)"\s*:\s*")(?:[^"\\]|\\.)*"/gi,
    `$1${REDACTED}"`,
  ],
  [
    /\b((?:[a-z_]*(?:password|passwd|secret)|client_assertion|(?:access|refresh|id|oidc)_?token)\s*=\s*)[^\s&"',;]+/gi,
    `$1${REDACTED}`,
  ],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
];

/** Shorter values would blank out ordinary words. */
const SHORTEST_SECRET = 6;

// Two copies of the package may live in one process (a linked clone beside an install): both must know every secret.
const registry = globalThis as { [KNOWN]?: Set<string> };
const KNOWN = Symbol.for("pulumi-mailboxes.secrets");

function knownSecrets(): Set<string> {
  registry[KNOWN] ??= new Set();
  return registry[KNOWN];
}

/**
 * Remembers a value so that {@link redact} takes it out of every later text of this process.
 * Values of fewer than 6 characters are left alone.
 */
export function rememberSecret(value: string | undefined): void {
  if (value !== undefined && value.length >= SHORTEST_SECRET) {
    knownSecrets().add(value);
  }
}

/** Remembers every string of a request body that stands under a name like `password` or `clientSecret`. */
export function rememberSecretsOf(body: unknown): void {
  if (typeof body !== "object" || body === null) {
    return;
  }
  for (const [name, value] of Object.entries(body)) {
    if (typeof value === "string" && /password|secret/i.test(name)) {
      rememberSecret(value);
    } else {
      rememberSecretsOf(value);
    }
  }
}

let forms: { of: number; all: string[] } = { of: 0, all: [] };

/** Every secret as it may stand in a text, the longest first: one that is part of another would leave the rest of it standing. */
function formsOfSecrets(): string[] {
  const secrets = knownSecrets();
  // Secrets are only ever added. Every address and every step of a deployment is redacted: the forms are kept between calls.
  if (forms.of !== secrets.size) {
    const all = [...secrets].flatMap((one) => [one, encodeURIComponent(one), JSON.stringify(one).slice(1, -1)]);
    forms = { of: secrets.size, all: [...new Set(all)].sort((a, b) => b.length - a.length) };
  }
  return forms.all;
}

/** The text without tokens, passwords, private keys and remembered secrets. */
export function redact(text: string): string {
  let redacted = text;
  for (const form of formsOfSecrets()) {
    if (redacted.includes(form)) {
      redacted = redacted.replaceAll(form, REDACTED);
    }
  }
  for (const [shape, replacement] of SHAPES) {
    redacted = redacted.replace(shape, replacement);
  }
  return redacted;
}

/** How deep the chain of causes is kept. */
const DEEPEST_CAUSE = 4;

/**
 * A copy of a foreign error with its name, message, `code` and causes, redacted. Everything else is dropped, because
 * HTTP libraries hang whole requests, headers and bodies on their errors.
 */
export function redactedCause(cause: unknown, depth = 0): unknown {
  if (cause === undefined || cause === null) {
    return undefined;
  }
  if (!isNativeError(cause)) {
    return typeof cause === "string" ? redact(cause) : undefined;
  }
  const copy = new Error(redact(cause.message));
  copy.name = cause.name;
  copy.stack = redact(cause.stack ?? `${cause.name}: ${cause.message}`);
  const { code } = membersOf(cause);
  if (typeof code === "string" || typeof code === "number") {
    Object.assign(copy, { code });
  }
  if (depth < DEEPEST_CAUSE) {
    const inner = redactedCause(cause.cause, depth + 1);
    if (inner !== undefined) {
      copy.cause = inner;
    }
  }
  return copy;
}
