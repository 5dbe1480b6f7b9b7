import { writeFileSync } from "node:fs";
import type { Call } from "../http/call";
import type { Received } from "../http/parse";
import { Pseudonyms } from "./pseudonyms";

/** Rows of a list that a record keeps; the rest is counted. */
const ROWS = 3;
/** How many characters are kept of a body that is not JSON. */
const LONGEST_TEXT = 2000;

/** Requests of one probe that are kept where they and the statuses of their answers are the same. */
const ALIKE = 3;

/** Headers of which nothing is anybody's. */
const PLAIN_HEADERS =
  /^(accept|allow|consistencylevel|content-(encoding|type)|odata-(max)?version|prefer(ence-applied)?|x-cmdletname|x-exceptiontype|x-ms-ratelimit.*|retry-after)$/i;

/** Headers that say what was asked and answered, and nothing about who. */
const HEADERS = new Set([
  "accept",
  "allow",
  "consistencylevel",
  "content-encoding",
  "content-type",
  "etag",
  "if-match",
  "if-none-match",
  "location",
  "odata-entityid",
  "odata-maxversion",
  "odata-version",
  "prefer",
  "preference-applied",
  "retry-after",
  "www-authenticate",
  "x-anchormailbox",
  "x-cmdletname",
  "x-exceptiontype",
  "x-ms-diagnostics",
  "x-ms-ratelimit-burst-remaining-xrm-requests",
  "x-ms-ratelimit-time-remaining-xrm-requests",
  "x-warnings",
]);

/** One request and its answer, as they went over the wire. */
interface Kept {
  probe: string;
  method: string;
  url: string;
  headers: Record<string, string>;
  body: unknown;
  answer: { status: number; headers: Record<string, string>; body: unknown } | undefined;
}

/** What a record says besides the requests. */
export interface RecordHead {
  /** Version of the package. */
  version: string;
  /** "Microsoft 365" or "a local tenant". */
  target: string;
  mode: string;
  started: string;
  ended: string;
  results: readonly { probe: string; is: string; said: string }[];
}

/**
 * The requests of a run and their answers, to be attached to an issue. What could be anybody's is replaced by pseudonyms when it is
 * written, after everything was seen; authorization headers never get here.
 */
export class Recording {
  readonly #pseudonyms = new Pseudonyms();
  readonly #kept: Kept[] = [];
  readonly #alike = new Map<string, number>();
  /** The probe that is asking. */
  probe = "";

  /** Notes a value of the user's: their domain, prefix, tenant, environment. */
  learn(value: string | undefined, kind?: "domain"): void {
    if (value !== undefined) {
      this.#pseudonyms.learn(value, kind);
    }
  }

  /** Notes one request and its answer. */
  note(call: Pick<Call, "method" | "headers" | "body">, url: string, received: Received | undefined): void {
    const key = JSON.stringify([this.probe, call.method, url, call.body, received?.status]);
    const alike = (this.#alike.get(key) ?? 0) + 1;
    this.#alike.set(key, alike);
    if (alike > ALIKE) {
      return;
    }
    this.#kept.push({
      probe: this.probe,
      method: call.method,
      url,
      headers: call.headers ?? {},
      body: call.body,
      answer:
        received === undefined
          ? undefined
          : {
              status: received.status,
              headers: Object.fromEntries(received.headers),
              body: bodyOf(received.text),
            },
    });
  }

  /** The record, as JSON. */
  written(head: RecordHead): string {
    for (const { body, answer } of this.#kept) {
      this.#pseudonyms.learnFrom(body);
      this.#pseudonyms.learnFrom(answer?.body);
    }
    const exchanges = this.#kept.map(({ probe, method, url, headers, body, answer }) => ({
      probe,
      request: {
        method,
        url: this.#pseudonyms.link(url),
        headers: this.#headers(headers),
        ...(body === undefined ? {} : { body: this.#pseudonyms.value(shortened(body)) }),
      },
      answer:
        answer === undefined
          ? "none came"
          : {
              status: answer.status,
              headers: this.#headers(answer.headers),
              ...(answer.body === undefined ? {} : { body: this.#body(answer.body) }),
            },
    }));
    const results = head.results.map(({ said, ...result }) => ({ ...result, said: this.#pseudonyms.ownText(said) }));
    return `${JSON.stringify({ ...head, results, exchanges }, undefined, 1)}\n`;
  }

  /** Makes sure before the run that the record can be written, over nothing that is there already. */
  reserve(file: string): void {
    writeFileSync(file, "", { flag: "wx", mode: 0o600 });
  }

  /** Writes the record, in a file that was reserved. */
  write(file: string, head: RecordHead): void {
    writeFileSync(file, this.written(head));
  }

  #body(body: unknown): unknown {
    return typeof body === "string" ? this.#pseudonyms.text(body) : this.#pseudonyms.value(shortened(body));
  }

  #headers(headers: Record<string, string>): Record<string, string> {
    return Object.fromEntries(
      Object.entries(headers)
        .filter(([name]) => HEADERS.has(name.toLowerCase()))
        .map(([name, value]) => [name, PLAIN_HEADERS.test(name) ? value : this.#pseudonyms.link(value)]),
    );
  }
}

function bodyOf(text: string | undefined): unknown {
  if (text === undefined || text === "") {
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    const nuls = [...text].filter((character) => character === "\u0000").length;
    return nuls === text.length ? `${nuls} NUL bytes` : text.slice(0, LONGEST_TEXT);
  }
}

/** Long lists cut short, however deep they are. */
function shortened(value: unknown): unknown {
  if (Array.isArray(value)) {
    const kept = value.slice(0, ROWS).map(shortened);
    return value.length > ROWS ? [...kept, { more: value.length - ROWS }] : kept;
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shortened(inner)]));
  }
  return value;
}
