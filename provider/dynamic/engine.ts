/** The engine's side of the provider process: what it is told, how failures reach it, and what values look like on its wire. */

import { createRequire } from "node:module";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type * as Grpc from "@grpc/grpc-js";
import type * as EngineService from "@pulumi/pulumi/proto/engine_grpc_pb";
import type * as EngineMessages from "@pulumi/pulumi/proto/engine_pb";
import type { Properties } from "../core/kind";
import { isProviderError, redact, rememberSecret } from "../http/errors";
import { membersOf } from "../http/json";

/** A line for the engine. */
interface Line {
  urn: string;
  text: string;
  isWarning: boolean;
  isEphemeral: boolean;
}

/**
 * Sends lines to the engine at an address; resolves once the engine has one, or cannot have it. gRPC is loaded here: a command has no
 * engine, and starts sooner without it.
 */
function senderTo(address: string): (line: Line) => Promise<void> {
  // The engine's client must get its credentials from the very copy of gRPC that Pulumi's SDK uses.
  const grpc: typeof Grpc = createRequire(require.resolve("@pulumi/pulumi/package.json"))("@grpc/grpc-js");
  const { EngineClient }: typeof EngineService = require("@pulumi/pulumi/proto/engine_grpc_pb");
  const { LogRequest, LogSeverity }: typeof EngineMessages = require("@pulumi/pulumi/proto/engine_pb");
  const client = new EngineClient(address, grpc.credentials.createInsecure());
  return ({ urn, text, isWarning, isEphemeral }) => {
    const request = new LogRequest();
    request.setUrn(urn);
    request.setMessage(redact(text));
    request.setSeverity(isWarning ? LogSeverity.WARNING : LogSeverity.INFO);
    request.setEphemeral(isEphemeral);
    // A line that cannot be shown is no reason to fail.
    return new Promise((resolve) => client.log(request, () => resolve()));
  };
}

/** How long an operation runs before it shows its progress, in milliseconds. */
const QUIET = 5_000;
/** How often to check whether the engine is there, in milliseconds. */
const WATCH = 2_000;
/** How long the last line may take to reach the engine, in milliseconds: it kills what is still there after five seconds. */
const LAST_WORDS = 2_000;
/** How the engine ends its plugins when a command is done: by the first, on Windows by the second. */
const ENDINGS = ["SIGINT", "SIGBREAK"] as const;

/**
 * Thins out the progress of one operation. Nothing is shown in the first five seconds; then each new text, and an old one again at
 * doubling intervals, because in CI every line stays.
 *
 * @param say shows a line.
 * @param now the clock, in milliseconds.
 */
export function paced(say: (text: string) => void, now: () => number = Date.now): (text: string) => void {
  const started = now();
  let last = "";
  let again = 0;
  let interval = QUIET;
  return (text) => {
    const time = now();
    if (time - started < QUIET || (text === last && time < again)) {
      return;
    }
    interval = text === last ? interval * 2 : QUIET;
    again = time + interval;
    last = text;
    say(`${text} (${Math.round((time - started) / 1000)} s)`);
  };
}

/** The user's terminal, by way of the engine: lines in the row of the resource they are about. */
export class EngineLog {
  readonly #address: string | undefined;
  readonly #send: (line: Line) => Promise<void>;
  readonly #warned = new Set<string>();

  /** @param address `host:port` of the engine, as it stands in the arguments of the provider process. */
  constructor(address: string | undefined) {
    this.#address = address !== undefined && /^[^\s:]+:\d+$/.test(address) ? address : undefined;
    this.#send = this.#address === undefined ? () => Promise.resolve() : senderTo(this.#address);
  }

  /** A warning that stays in the log of the deployment; said once, though a replacement is checked twice. */
  warn(urn: string, text: string): void {
    const key = `${urn} ${text}`;
    if (!this.#warned.has(key)) {
      this.#warned.add(key);
      void this.#send({ urn, text, isWarning: true, isEphemeral: false });
    }
  }

  /** Progress of one operation, paced: see {@link paced}. */
  progress(urn: string): (text: string) => void {
    return paced((text) => void this.#send({ urn, text, isWarning: false, isEphemeral: true }));
  }

  /** A line about the whole deployment, which stays. Resolves once the engine has it, or cannot have it. */
  inform(text: string): Promise<void> {
    return this.#send({ urn: "", text, isWarning: false, isEphemeral: false });
  }

  /** Calls back once the engine is gone: a killed command leaves the provider process behind. */
  whenGone(call: () => void): void {
    if (this.#address === undefined) {
      return;
    }
    const timer = setInterval(async () => {
      if (!(await this.isEngineThere())) {
        clearInterval(timer);
        call();
      }
    }, WATCH);
    timer.unref();
  }

  /** Whether the engine still listens. True outside a deployment, where there is no engine. */
  isEngineThere(): Promise<boolean> {
    const [host, port] = this.#address?.split(":") ?? [];
    if (host === undefined) {
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const socket = connect({ host, port: Number(port) });
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
  }
}

/**
 * Says one line when the engine ends this process. It is the only moment at which a provider learns that a deployment is over, and the
 * engine still shows what it is told then.
 *
 * @param line what there is to say; undefined for nothing.
 */
export function sayAtTheEnd(log: EngineLog, line: () => Promise<string | undefined>): void {
  for (const signal of ENDINGS) {
    process.once(signal, async () => {
      const said = line().then((text) => (text === undefined ? undefined : log.inform(text)));
      await Promise.race([said.catch(() => undefined), sleep(LAST_WORDS)]);
      // With a listener Node no longer ends at the signal by itself. Another one of the process has its own way.
      if (process.listenerCount(signal) === 0) {
        process.exit(0);
      }
    });
  }
}

/** Warnings of a command: they go to standard error, because no engine is there to show them. */
export class TerminalLog extends EngineLog {
  constructor() {
    super(undefined);
  }

  override warn(_urn: string, text: string): void {
    process.stderr.write(`mailboxes: ${text}\n`);
  }
}

/** What a {@link Failure} looks like where it is printed as text. */
const SHOWN_ELSEWHERE = "pulumi-mailboxes: see the error of the resource";

/**
 * Keeps the dynamic server from printing our failures a second time. It hands an error to the engine, which shows it with the resource,
 * and also prints text and stack to the row of the stack.
 *
 * @param output the console it prints to.
 */
export function quieten(output: Console): void {
  const print = output.error.bind(output);
  output.error = (...values: unknown[]) => {
    if (values[0] !== SHOWN_ELSEWHERE) {
      print(...values);
    }
  };
}

/** An error as it leaves a method: the message, and nothing that the server or the engine could misread. The server prints `toString()` and
 * `stack`; together they are {@link SHOWN_ELSEWHERE}, which {@link quieten} drops. */
class Failure extends Error {
  override readonly name = "Failure";

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    const [text = "", stack = ""] = SHOWN_ELSEWHERE.split(": ");
    this.stack = stack;
    this.toString = () => text;
  }
}

/** A failure that leaves something in the tenant: the engine saves it, and the next deployment resumes in `update`. */
export class PartialFailure extends Failure {
  readonly id: string;
  readonly properties: Properties;
  readonly reasons: string[];

  /** @param properties the outputs so far, with `__provider`, without which the resource could never be deleted. */
  constructor(cause: Error, id: string, properties: Properties) {
    super(cause.message, cause);
    this.id = id;
    this.properties = plain(properties);
    this.reasons = [cause.message];
  }
}

/** Errors that were shown, with the URN of the resource that showed them. */
const reported = new WeakMap<Error, string>();

/**
 * Makes an error fit to be shown: without foreign members (the server takes any `id` for "created") and without secrets. An error that many
 * resources meet, such as a failed sign-in, is shown in full once.
 *
 * @param urn the resource that meets it.
 */
export function failureOf(error: unknown, urn: string): Failure {
  if (error instanceof Failure) {
    return error;
  }
  if (error instanceof Error) {
    const first = reported.get(error);
    if (first !== undefined && first !== urn) {
      return new Failure(`failed for the same reason as ${first.split("::").pop()}; see the error there`, error);
    }
    reported.set(error, urn);
  }
  if (isProviderError(error)) {
    return new Failure(error.message, error);
  }
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new Failure(redact(`a defect in pulumi-mailboxes, please report it: ${text}`), error);
}

/**
 * Properties as they may leave a method. The dynamic server throws on `undefined`, after the remote object was made. It turns a Date into
 * `{}` and NaN into null.
 *
 * @throws TypeError for a value that has no JSON form: a defect here, not the user's.
 */
export function plain(properties: Properties): Properties {
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, plainValue(value, key)]),
  );
}

function plainValue(value: unknown, path: string): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)) {
    return value;
  }
  if (value instanceof Date) {
    return value.toISOString();
  }
  if (Array.isArray(value)) {
    return value.map((element, index) => plainValue(element, `${path}[${index}]`));
  }
  if (typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, member]) => member !== undefined)
        .map(([key, member]) => [key, plainValue(member, `${path}.${key}`)]),
    );
  }
  throw new TypeError(`${path} is ${String(value)}, which cannot be kept in a state`);
}

/**
 * Output that marks a deployment that failed half-way. The engine remembers such a failure but forgets it in a refresh. What is not a
 * value in the tenant, such as a test that was not run, would then never be caught up on.
 */
export const UNFINISHED = "__unfinished";
/** Inputs that no user writes: the provider's text, the origin, the defaults of an adoption, the names of secret inputs; for a `get` also
 * the outputs of its class and the canonical id. */
const HIDDEN: ReadonlySet<string> = new Set([
  "__provider",
  "__origin",
  "__defaulted",
  "__secrets",
  "__awaited",
  "__ignored",
  UNFINISHED,
  "__get",
  "__id",
]);

/** Properties without the hidden ones. */
export function visible(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([property]) => !HIDDEN.has(property)));
}

/** The hidden ones of properties. @param without one that is left out. */
export function hidden(properties: Properties, without?: string): Properties {
  return Object.fromEntries(
    Object.entries(properties).filter(([property]) => HIDDEN.has(property) && property !== without),
  );
}

/** The URN that a resource was born with; "" where it has none. */
export function urnOf(properties: Properties): string {
  return typeof properties.__origin === "string" ? properties.__origin : "";
}

/** The names in a hidden input; none where it has none. */
export function namesIn(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** What the engine puts in place of a value that is not known yet, in previews (Pulumi's wire format). */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Whether a value is, or has in it, one that is not known yet. */
export function hasUnknown(value: unknown): boolean {
  if (typeof value === "object" && value !== null) {
    return Object.values(value).some(hasUnknown);
  }
  return value === UNKNOWN;
}

/** The key that stands for an element that is not known yet, in the preview of a creation. */
export function placeholder(position: number): string {
  return `(not known yet ${position})`;
}

/** A property path as users write it: `members["ada@contoso.com"].sendAs`, `emailAliases[2]`. */
export function spell(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") {
      return `${text}[${part}]`;
    }
    const name = String(part);
    if (/^[A-Za-z_]\w*$/.test(name)) {
      return text === "" ? name : `${text}.${name}`;
    }
    return `${text}[${JSON.stringify(name)}]`;
  }, "");
}

/**
 * The parts of a property path as users and Pulumi write it: `forwarding.to`, `sources["a@contoso.com"].drift`, `["type"]`,
 * `emailAliases[*]`.
 */
export function partsOf(path: string): string[] {
  const parts = path.matchAll(
    /\[\s*(?<mark>["'`])(?<quoted>.*?)\k<mark>\s*\]|\[\s*(?<plain>[^\]]*?)\s*\]|(?<name>[^.[\]]+)/g,
  );
  return [...parts].map(({ groups = {} }) => groups.quoted ?? groups.plain ?? groups.name ?? "");
}

/** The key of Pulumi's wire form of special values, such as secrets. */
export const SIGNATURE = "4dabf18193072939515e22adb298388d";
/** What that key says of a secret. The engine encrypts what stands beside it, also where a dynamic provider puts it. */
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** Shorter texts occur in too many words to be searched for. */
const SHORTEST = 6;

/**
 * The texts that stand in secret inputs, as written and in canonical form. The engine hands values over without saying which
 * of them are secret; the classes name the properties in the hidden input `__secrets`.
 *
 * @param keyed inputs that are maps whose keys are values too.
 */
export function secretTexts(properties: Properties, keyed: Readonly<Record<string, string>>): string[] {
  const names = namesIn(properties.__secrets);
  const texts = names.flatMap((name) => [
    ...textsIn(at(properties, name)),
    ...(keyed[name] === undefined ? [] : Object.keys(membersOf(properties[name]))),
  ]);
  return [...new Set(texts.flatMap((text) => [text, text.trim().toLowerCase()]))].filter(
    (text) => text !== "" && text !== UNKNOWN,
  );
}

/** Keeps texts out of every message of this process from now on, except those shorter than six characters, which occur in too many words. */
export function keepSecret(texts: readonly string[]): void {
  texts.forEach(rememberSecret);
}

/**
 * Marks outputs that repeat a secret as secrets: those that contain it, or, if it is shorter than six characters, those with a text that
 * equals it. The engine does this only for outputs named like a secret input.
 */
export function sealed(outputs: Properties, inputs: readonly string[], texts: readonly string[]): Properties {
  if (texts.length === 0) {
    return outputs;
  }
  const repeats = (value: unknown) => {
    const json = JSON.stringify(value).toLowerCase();
    return texts.some((text) => {
      const quoted = JSON.stringify(text).toLowerCase();
      return json.includes(text.length < SHORTEST ? quoted : quoted.slice(1, -1));
    });
  };
  return Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => [
      name,
      !inputs.includes(name) && repeats(value) ? { [SIGNATURE]: SECRET, value } : value,
    ]),
  );
}

/** An input by its name, or a member of one as `name/member`. */
function at(properties: Properties, name: string): unknown {
  const [property = "", ...member] = name.split("/");
  const value = properties[property];
  return member.length === 0 || typeof value !== "object" || value === null
    ? value
    : membersOf(value)[member.join("/")];
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") {
    return [value];
  }
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
