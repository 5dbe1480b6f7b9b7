import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, sep } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Kind } from "../kinds";

/** The type token of a kind: `pulumi-nodejs:dynamic/mailboxes:<Kind>`. */
export function typeToken(kind: Kind): string {
  return `pulumi-nodejs:dynamic/mailboxes:${kind}`;
}

/** Whether an object is a resource of a type. Every resource of Pulumi's SDK carries its token. */
export function isOfType(obj: unknown, token: string): boolean {
  return typeof obj === "object" && obj !== null && "__pulumiType" in obj && obj.__pulumiType === token;
}

/**
 * The text kept as `__provider` in every state file: the wire form of a dynamic provider that captures nothing. It never
 * changes, so that a new version of this package changes no resource; the code behind it comes from the installed package.
 */
export function providerText(kind: Kind): string {
  return `exports.handler=()=>require("pulumi-mailboxes/provider").dynamicProvider("${kind}")`;
}

let isInstallationChecked = false;

/** Runs once per deployment, before its first resource. Under `setMocks` there is no engine, and no provider process that could load the wrong copy. */
function checkInstallationOnce(): void {
  if (!isInstallationChecked && pulumi.runtime.hasEngine()) {
    checkInstallation();
    isInstallationChecked = true;
  }
}

/** What is peculiar to the class of a kind. */
export interface ResourceClass {
  kind: Kind;
  /** The names of its outputs. */
  outputs: Readonly<Record<string, true>>;
  /** Inputs that are maps of people or mailboxes. */
  keyed?: readonly string[];
  /** What `get` takes, in words. */
  askedBy: string;
  /** What a program does instead of the option `import`, as a sentence. */
  takenOver: string;
}

/** The outputs of a class by name: one that is declared and forgotten here does not compile. */
export type Outputs<T> = Readonly<Record<Exclude<keyof T, keyof pulumi.CustomResource>, true>>;

/**
 * What a class of this package passes to the constructor of `CustomResource`: its type, the constant provider text, the origin and the
 * options. A function and no base class: the SDK takes the caller of a class that extends `CustomResource` itself as the line of the
 * program (`sourcePosition`), and each constructor in between would move that into this package.
 */
export function registration(
  resource: ResourceClass,
  name: string,
  inputs: Record<string, unknown>,
  options: pulumi.CustomResourceOptions | undefined,
): [type: string, name: string, inputs: pulumi.Inputs, options: pulumi.CustomResourceOptions] {
  const { kind, outputs, keyed = [] } = resource;
  const asked = askedIn(options);
  if (asked === undefined) {
    refuseReading(resource, name, options);
  }
  checkInstallationOnce();
  // No service takes away by itself what a resource of this package gave: a mailbox that stays, or is restored, has its members.
  const { deletedWith, ...passed } = options ?? {};
  if (deletedWith !== undefined) {
    void pulumi.log.warn(
      `${kind} "${name}": its option deletedWith is not passed on. Pulumi would show that the resource is deleted and not delete it, ` +
        "so that access, inbox rules and records would stay. Take the option out.",
    );
  }
  const canonical = canonicalOptions(keyed, options);
  return [
    typeToken(kind),
    name,
    {
      ...Object.fromEntries(Object.keys(outputs).map((output) => [output, undefined])),
      ...(asked === undefined ? inputs : { ...asked.inputs, __id: undefined, __get: Object.keys(outputs) }),
      __provider: providerText(kind),
      __origin: origin(kind, name, options),
      ...secretsAmong(asked?.inputs ?? inputs),
      ...awaitedIn(inputs),
      ...(asked === undefined && canonical.ignoreChanges !== undefined ? { __ignored: canonical.ignoreChanges } : {}),
    },
    {
      ...passed,
      ...(asked === undefined ? {} : { id: asked.id }),
      ...canonical,
      hideDiffs: ["__provider", "__origin", "__secrets", "__memory", ...(options?.hideDiffs ?? [])],
      additionalSecretOutputs: [
        ...Object.keys(outputs).filter((output) => output === "credentials"),
        ...(options?.additionalSecretOutputs ?? []),
      ],
      // A forced replacement skips diff; a create that recognised its own earlier work would then hand over a mailbox that
      // the delete behind it takes away.
      deleteBeforeReplace: true,
    } as pulumi.CustomResourceOptions,
  ];
}

/**
 * {@link registration} of a resource that is read and not declared. `get` makes it without the constructor of its class: its own frame
 * stands in the place of that one, so that `sourcePosition` is the line that calls `get`.
 *
 * @param id what is asked for.
 */
export function registrationToRead(
  resource: ResourceClass,
  name: string,
  id: pulumi.Input<string>,
  options: RecordReadOptions | undefined,
): ReturnType<typeof registration> {
  return registration(resource, name, {}, asking(resource.kind, name, id, options));
}

/** URNs of this program's resources by the output that is their id. */
const urns = new WeakMap<object, pulumi.Output<string>>();

/** Notes whose id an output is, for inputs of other resources. */
export function noteId({ id, urn }: pulumi.CustomResource): void {
  urns.set(id, urn);
}

/**
 * URNs of the resources whose `id` is given in an input, by its name: so `check` knows in the preview of a creation that two resources
 * mean one mailbox, where its id is not known yet. It does not get into the state. Nothing when there are none.
 */
function awaitedIn(inputs: Record<string, unknown>): { __awaited?: Promise<Record<string, string>> } {
  const found = Object.entries(inputs).flatMap(([name, value]) => {
    const urn = typeof value === "object" && value !== null ? urns.get(value) : undefined;
    return urn === undefined ? [] : [alone(urn).then((text) => [name, text] as const)];
  });
  return found.length === 0 ? {} : { __awaited: Promise.all(found).then((all) => Object.fromEntries(all)) };
}

/** The value of an output alone, without the dependency on its resource. */
function alone(output: pulumi.Output<string>): Promise<string> {
  return (output as pulumi.Output<string> & { promise(): Promise<string> }).promise();
}

function canonicalOptions(
  keyed: readonly string[],
  options: pulumi.CustomResourceOptions | undefined,
): { ignoreChanges?: string[]; replaceOnChanges?: string[] } {
  const given = { ignoreChanges: options?.ignoreChanges, replaceOnChanges: options?.replaceOnChanges };
  return Object.fromEntries(
    Object.entries(given).flatMap(([option, paths]) =>
      paths === undefined ? [] : [[option, canonicalPaths(paths, keyed)]],
    ),
  );
}

/**
 * The URN the resource was born with. A plain Output would carry the dependency on the parent component along, and a
 * component that waits for its children would wait for itself; a promise carries the value alone.
 */
function origin(
  kind: Kind,
  name: string,
  options: pulumi.CustomResourceOptions | undefined,
): string | pulumi.Output<string> {
  const type = typeToken(kind);
  // The SDK would make some twenty promises for this text.
  return options?.parent === undefined
    ? `urn:pulumi:${pulumi.getStack()}::${pulumi.getProject()}::${type}::${name}`
    : pulumi.output(alone(pulumi.createUrn(name, type, options.parent)));
}

/**
 * Names of the inputs that hold a secret, a member of an object as `name/member`; nothing where none can be one. The engine takes
 * secrecy off what it hands to a dynamic provider, which must know it to keep the values out of its messages and of other outputs.
 */
function secretsAmong(inputs: Record<string, unknown>): { __secrets?: Promise<string[] | undefined> } {
  const open = Object.entries(inputs).filter(([, value]) => isOpen(value));
  return open.length === 0 ? {} : { __secrets: secretNames(open) };
}

async function secretNames(
  inputs: readonly (readonly [name: string, value: unknown])[],
): Promise<string[] | undefined> {
  const settled = await Promise.all(
    inputs.map(async ([name, value]) => [name, value instanceof Promise ? await value : value] as const),
  );
  const members = settled.flatMap(([name, value]): [string, unknown][] =>
    isPlainObject(value) ? Object.entries(value).map(([member, one]) => [`${name}/${member}`, one]) : [[name, value]],
  );
  const names = await Promise.all(
    members.map(async ([name, value]) => ((await pulumi.isSecret(pulumi.output(value))) ? [name] : [])),
  );
  const secret = names.flat().sort();
  return secret.length === 0 ? undefined : secret;
}

/** Whether a value is not all written out, so that a part of it may be a secret. */
function isOpen(value: unknown): boolean {
  if (Array.isArray(value) || isPlainObject(value)) {
    return Object.values(value).some(isOpen);
  }
  return typeof value === "object" && value !== null;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** How a key of a map is written in the state: addresses and ids in lower case. */
function canonicalKey(key: string): string {
  return key.trim().toLowerCase();
}

/**
 * An input that is a map of people or mailboxes, or a list that stands for one, as it is passed to the engine. What is known now
 * becomes the map with canonical keys at once, because `ignoreChanges` by key is applied before the provider sees it. A list
 * with values still to come passes as it is, so that the known ones stay visible in a preview; if one of them is a secret the
 * whole list becomes one, because a value that turns into a key takes no secrecy along.
 */
export function keyedInput(input: unknown): unknown {
  if (Array.isArray(input)) {
    return keyedFromList(input);
  }
  if (typeof input !== "object" || input === null || Object.getPrototypeOf(input) !== Object.prototype) {
    return input;
  }
  const entries = Object.entries(input).map(([key, value]) => [canonicalKey(key), value] as const);
  // Two spellings of one key would lose one of them: the provider refuses both, and can only do so if it sees them.
  return new Set(entries.map(([key]) => key)).size === entries.length ? Object.fromEntries(entries) : input;
}

function keyedFromList(list: unknown[]): unknown {
  const given = list.filter((element) => typeof element === "string");
  if (given.length < list.length) {
    return Promise.all(list.map((element) => pulumi.isSecret(pulumi.output(element)))).then((secrets) =>
      secrets.some(Boolean) ? pulumi.secret(list) : list,
    );
  }
  const written = [...new Set(given)];
  const keys = written.map(canonicalKey);
  // A name in two spellings would vanish in a map, and a wrong one would be told in another spelling: the provider refuses both, and
  // can only do so well if it sees the list.
  const isPlain = new Set(keys).size === keys.length && keys.every((key) => /@|^[0-9a-f-]{36}$/.test(key));
  return isPlain ? Object.fromEntries(keys.map((key) => [key, {}])) : list;
}

/** What a path may go on with behind a member or a source. An address has dots too, so that nothing else tells where it ends. */
const RIGHTS = "fullAccess|sendAs|sendOnBehalf|otherRights|automapping|until|drift";

/**
 * Property paths of an option such as `ignoreChanges`, with the keys of maps as they stand in the state. The engine compares them as
 * text: `members["Ada@Contoso.com"]` would name nobody, and Ada would lose her access.
 *
 * @param keyed the inputs that are such maps.
 */
export function canonicalPaths(paths: string[] | undefined, keyed: readonly string[]): string[] | undefined {
  const names = keyed.join("|");
  const property = `(?:(?<plain>${names})|\\[\\s*(?<q>["'\`])(?<quoted>${names})\\k<q>\\s*\\])`;
  const inBrackets = `\\[\\s*(?<mark>["'\`]?)(?<key>.*?)\\k<mark>\\s*\\](?<rest>.*)`;
  const address = `(?<address>[^[\\]]*?@[^[\\]]*?)(?<afterAddress>(?:\\.(?:${RIGHTS})\\b.*|\\[.*)?)`;
  const id = "(?<id>[^.[\\]]+)(?<afterId>.*)";
  const known = new RegExp(`^${property}(?:${inBrackets}|\\.(?:${address}|${id}))$`, "s");
  return keyed.length === 0
    ? paths
    : paths?.map((path) => {
        const found: Record<string, string | undefined> = known.exec(path.trim())?.groups ?? {};
        const key = found.key ?? found.address ?? found.id;
        const rest = found.rest ?? found.afterAddress ?? found.afterId ?? "";
        return key === undefined || key === "*" || /^\d+$/.test(key)
          ? path
          : `${found.plain ?? found.quoted}[${JSON.stringify(canonicalKey(key))}]${rest}`;
      });
}

/** Resource options of a `get` from Dynamics. */
export interface RecordReadOptions extends pulumi.CustomResourceOptions {
  /** The Dataverse environment to look in, e.g. `https://contoso.crm4.dynamics.com`. Default: the configuration's. */
  environmentUrl?: pulumi.Input<string | undefined>;
}

/** What a `get` asks for. */
interface Asked {
  /** Id, address or name. */
  id: pulumi.Input<string>;
  /** What the provider needs to know besides. */
  inputs: Record<string, unknown>;
}

/** Options that a `get` of this package made, with what it asks for. Nobody else can make them: a bare `id` is refused. */
const ASKED = new WeakMap<object, Asked>();

/**
 * Options of a resource that is read and not declared.
 *
 * @throws Error when nothing is asked for: the SDK would take that for a new resource.
 */
function asking(
  kind: Kind,
  name: string,
  id: pulumi.Input<string>,
  { environmentUrl, ...options }: RecordReadOptions = {},
): pulumi.CustomResourceOptions {
  if (id === undefined || id === null || (typeof id === "string" && id.trim() === "")) {
    throw new pulumi.RunError(`${kind}.get("${name}", …) was not told what to read: its second argument is empty.`);
  }
  if (typeof id !== "string" && !pulumi.Output.isInstance(id) && !(id instanceof Promise)) {
    throw new pulumi.RunError(
      `${kind}.get("${name}", …) takes text as its second argument: an id, or what the object is called.`,
    );
  }
  const made = { ...options };
  ASKED.set(made, {
    id: typeof id === "string" ? id.trim() : id,
    inputs: environmentUrl === undefined ? {} : { environmentUrl },
  });
  return made;
}

/** What the options of a resource ask for; undefined for one that is declared. */
function askedIn(options: pulumi.CustomResourceOptions | undefined): Asked | undefined {
  return options === undefined ? undefined : ASKED.get(options);
}

/** A resource that was read, with the canonical id: the SDK gives the id back as it was asked for, and the provider answers with `__id`. */
export function answered<T extends pulumi.CustomResource>(resource: T): T {
  const own = resource as { id: pulumi.Output<string>; readonly __id?: pulumi.Output<string | undefined> };
  const canonical = own.__id ?? pulumi.output(undefined);
  own.id = pulumi.all([canonical, own.id]).apply(([known, given]) => known ?? given);
  return resource;
}

/** How a kind is brought into a stack and read, for the error that refuses Pulumi's own ways. */
interface ReadByPulumi {
  kind: Kind;
  askedBy: string;
  takenOver: string;
}

/**
 * Refuses the options of Pulumi that cannot work here: the engine would read a resource by its id alone, and a dynamic provider
 * needs its inputs for that.
 */
function refuseReading(
  { kind, askedBy, takenOver }: ReadByPulumi,
  name: string,
  options: pulumi.CustomResourceOptions | undefined,
): void {
  const { id, import: imported } = options ?? {};
  if (imported !== undefined) {
    throw new pulumi.RunError(
      `${kind} "${name}": the option \`import\` does not work with a dynamic provider. ${takenOver} ` +
        `To point at it without managing it, call ${kind}.get("${name}", …).`,
    );
  }
  if (id !== undefined) {
    throw new pulumi.RunError(
      `${kind} "${name}": the option \`id\` does not work with a dynamic provider. To read what exists, call ${kind}.get("${name}", …) with its ${askedBy}. ` +
        `To manage it: ${takenOver}`,
    );
  }
}

/** The entry of the provider process, as state files name it. */
const ENTRY = "pulumi-mailboxes/provider";

/**
 * Checks that the provider process will run the code that the program was written with: it resolves `pulumi-mailboxes/provider` from
 * the working directory of the program, wherever this module was loaded from. Two folders with the same code are one to it.
 *
 * @param own the folder of this copy's compiled code.
 * @param start the working directory of the program.
 * @throws InstallationError that says how to mend the installation.
 */
export function checkInstallation(own = join(__dirname, ".."), start = process.cwd()): void {
  let found: string;
  try {
    found = dirname(realpathSync(createRequire(join(start, "index.js")).resolve(ENTRY)));
  } catch (cause) {
    throw new InstallationError(
      `pulumi-mailboxes is not installed where the program runs: "${ENTRY}" does not resolve from ${start}. Add it to the dependencies of the ` +
        "project that holds Pulumi.yaml (npm install pulumi-mailboxes). A program of the Automation API runs where its host was started: " +
        "start the host in a folder that pulumi-mailboxes resolves from, or call process.chdir first.",
      cause,
    );
  }
  if (!existsSync(join(own, "provider.js"))) {
    throw new InstallationError(
      "pulumi-mailboxes was bundled into the program. The provider process loads the package by its name, so it must stay a package: " +
        "keep it external (esbuild: --external:pulumi-mailboxes, webpack: externals) and installed beside the program.",
    );
  }
  const mine = realpathSync(own);
  if (found !== mine && (versionOf(found) !== versionOf(mine) || digestOf(found) !== digestOf(mine))) {
    throw new InstallationError(
      `Two versions of pulumi-mailboxes are installed: the program loaded ${versionOf(mine)} from ${mine}, the provider process would load ` +
        `${versionOf(found)} from ${found}. Keep one: remove the nested copy or align the versions (npm ls pulumi-mailboxes shows both), then install again.`,
    );
  }
}

function versionOf(folder: string): string {
  const manifest = join(folder, "..", "package.json");
  const { version }: { version?: string } = existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")) : {};
  return version ?? "an unknown version";
}

/** A digest of all code below a folder. Two packed copies of one version may still differ: those of a working copy. */
function digestOf(folder: string): string {
  const hash = createHash("sha256");
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".js"))
    .map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) {
    hash.update(`${relative(folder, file)}\0`).update(readFileSync(file));
  }
  return hash.digest("hex");
}

class InstallationError extends Error {
  override readonly name = "InstallationError";

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    // Node 20 needs a minute to print the stack that Pulumi's source maps make of it, and it says nothing to the reader.
    this.stack = message;
  }
}

/**
 * Leaves out what Pulumi's SDK writes down of stack traces and nobody reads, while a resource is made. Where programs run under ts-node,
 * which is what Pulumi does, each line of a trace is looked up in a source map: that was half of the time of a whole program.
 *
 * The SDK takes four traces for each output, to say which promise never ended, and shows them only with `PULUMI_DEBUG_PROMISE_LEAKS`:
 * these are empty. It keeps one trace a resource in the state: what stands there of Node and of the SDK below the program is left out.
 * All other traces are as ever.
 *
 * @returns what ends it.
 */
export function withoutPromiseTraces(): () => void {
  const write = Error.prepareStackTrace;
  if (write === undefined || process.env.PULUMI_DEBUG_PROMISE_LEAKS) {
    return () => undefined;
  }
  const writeLess = (error: Error, frames: NodeJS.CallSite[]): unknown => {
    if (isOf(frames[0], "debuggablePromise")) {
      return "";
    }
    return write.call(Error, error, isOf(frames[0], "callsites") ? downToProgram(frames) : frames);
  };
  Error.prepareStackTrace = writeLess;
  return () => {
    if (Error.prepareStackTrace === writeLess) {
      Error.prepareStackTrace = write;
    }
  };
}

const SDK = ["", "@pulumi", "pulumi", ""].join(sep);

function fileOf(frame: NodeJS.CallSite | undefined): string {
  return frame?.getFileName() ?? "";
}

/** Whether a trace begins in a function of the SDK. */
function isOf(frame: NodeJS.CallSite | undefined, name: string): boolean {
  return frame?.getFunctionName() === name && fileOf(frame).includes(SDK);
}

/** A trace without what is below the program: how Node loads it, and how the SDK starts it. */
function downToProgram(frames: NodeJS.CallSite[]): NodeJS.CallSite[] {
  const last = frames.findLastIndex((frame) => !/^(?:node:.*)?$/.test(fileOf(frame)) && !fileOf(frame).includes(SDK));
  return last === -1 ? frames : frames.slice(0, last + 1);
}
