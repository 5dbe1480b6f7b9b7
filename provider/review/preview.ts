/** Reads what Pulumi prints: a preview, with the resources of this package before and after and what is beside them; and a state. */
import { readFileSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import { isDeepStrictEqual } from "node:util";
import { isObject, mapOf, type Row } from "../http/json";
import { kindOf, SECRET } from "./rules";

/** Properties as they stand in a preview, without secrets. */
export type Properties = Readonly<Record<string, unknown>>;

/** A resource as the state has it, or as the program declares it. */
export interface Side {
  urn: string;
  id?: string;
  inputs: Properties;
  /** Only of what is in the state. */
  outputs?: Properties;
  /** Pulumi forgets the resource instead of deleting it. */
  retainOnDelete?: boolean;
  /** The resource that this one goes with: Pulumi forgets it when that one is deleted. */
  deletedWith?: string;
  propertyDependencies?: Readonly<Record<string, readonly string[]>>;
}

/** One resource of this package, before and after. */
export interface ResourceChange {
  urn: string;
  kind: string;
  /** Logical name in the stack. */
  name: string;
  op: "create" | "update" | "replace" | "delete" | "same";
  before?: Side;
  after?: Side;
  /** Inputs that differ, as Pulumi names them. */
  differing: readonly string[];
}

/** A preview, as far as it is about mailboxes. */
export interface Preview {
  /** `project/stack`, as the URNs have them; empty where there are none. */
  stack: string;
  /** What the program changes, with what stays. */
  program: ResourceChange[];
  /** What changed in the tenant since the state was written, where the preview has looked. */
  tenant: ResourceChange[];
  /** Resources that are read and not managed (`get`). */
  read: Side[];
  /** Whether the preview compared the state with the tenant. */
  isRefreshed: boolean;
  /** Operations on resources of other packages, counted. */
  others: Readonly<Record<string, number>>;
  /** Warnings of Pulumi and of the provider. */
  warnings: { urn: string | undefined; text: string }[];
  /** Why the preview failed; empty for one that is whole. */
  errors: string[];
}

const HOW = "Run `pulumi preview --json > preview.json`, and give that file.";

interface RawStep {
  op: string;
  urn: string;
  oldState?: RawState | null;
  newState?: RawState | null;
  diffReasons?: string[] | null;
}

interface RawState {
  urn?: string;
  type?: string;
  id?: string;
  inputs?: Properties;
  outputs?: Properties;
  retainOnDelete?: boolean;
  deletedWith?: string;
  propertyDependencies?: Record<string, string[]>;
  aliases?: string[];
}

/**
 * Reads a preview.
 *
 * @param text what `pulumi preview --json` printed, with or without lines before it.
 * @throws Error when it is something else.
 */
export function readPreview(text: string): Preview {
  const { steps, diagnostics } = parsed(text);
  const secrets = secretTexts(steps);
  const preview: Preview = {
    stack: stackOf(steps[0]?.urn),
    ...planned(steps, secrets),
    others: counted(steps.filter((step) => kindOf(typeOf(step.urn)) === undefined && !isPlumbing(step.urn))),
    warnings: [],
    errors: [],
  };
  for (const { severity, message, urn } of diagnostics) {
    const text = withoutColours(String(message))
      .replace(/^(warning|error): /, "")
      .trim();
    const said = maskedText(text, secrets);
    if (severity === "warning") {
      preview.warnings.push({ urn, text: said });
    } else if (severity === "error") {
      preview.errors.push(said);
    }
  }
  return preview;
}

/**
 * The resources of a stack: of what `pulumi stack export` prints, or of a state file of a backend in files.
 *
 * @returns undefined for anything else.
 */
export function resourcesIn(state: unknown): Row[] | undefined {
  const { deployment, checkpoint } = mapOf(state);
  for (const holder of [deployment, mapOf(checkpoint).latest, state].filter(isObject)) {
    // A stack without resources has no member for them.
    const resources = holder.resources ?? (holder.manifest === undefined ? undefined : []);
    if (Array.isArray(resources)) {
      return resources.filter(isObject);
    }
  }
  return undefined;
}

/** What to do where a file is no state. */
export const HOW_TO_EXPORT = "Run `pulumi stack export --file stack.json`, and give that file.";

/**
 * A preview with the resources that it leaves out because they stay the same: what they still give is not lost.
 *
 * @param text what `pulumi stack export` printed for the stack, or its state file of a backend in files.
 * @throws Error when it is something else, or another stack's.
 */
export function withState(preview: Preview, text: string): Preview {
  const resources = resourcesIn(parsedJson(text));
  if (resources === undefined) {
    throw new Error(`--state: this is not the state of a stack. ${HOW_TO_EXPORT}`);
  }
  const rows = (resources as (RawState & { external?: boolean; delete?: boolean })[]).filter(
    ({ urn }) => typeof urn === "string",
  );
  const stack = stackOf(rows[0]?.urn);
  if (preview.stack !== "" && stack !== "" && preview.stack !== stack) {
    throw new Error(
      `--state: this is the state of ${stack}, and the preview is of ${preview.stack}. Give the state of that stack.`,
    );
  }
  const shown = new Set(preview.program.flatMap(({ urn, before, after }) => [urn, before?.urn, after?.urn]));
  const staying = rows.flatMap((row) => {
    const { urn = "" } = row;
    const isOther = kindOf(typeOf(urn)) === undefined || row.external === true || row.delete === true || shown.has(urn);
    const side = isOther ? undefined : sideOf(row, []);
    return side === undefined ? [] : [changeOf(urn, "same", side, side, [])];
  });
  return { ...preview, program: [...preview.program, ...staying] };
}

function parsed(text: string): {
  steps: RawStep[];
  diagnostics: { severity: string; message: string; urn?: string }[];
} {
  // A byte order mark, and what a script prints before it runs Pulumi.
  const start = text.search(/^\uFEFF?\s*\{/m);
  if (text.trim() === "") {
    throw new Error(`There is nothing to review: the input is empty. ${HOW}`);
  }
  const json = start < 0 ? undefined : parsedJson(text.slice(start).replace(/^\uFEFF/, ""));
  if (typeof json !== "object" || json === null) {
    if (/^\s*\{"(sequence|timestamp|[a-z]+Event)"/im.test(text)) {
      throw new Error(
        "This is a stream of events, not a preview's JSON. Unset PULUMI_ENABLE_STREAMING_JSON_PREVIEW, and run `pulumi preview --json` again.",
      );
    }
    throw new Error(
      start < 0
        ? `This is not the JSON of a preview. ${HOW}`
        : `The JSON of the preview does not end: the preview was stopped, or its output was cut. ${HOW}`,
    );
  }
  if ("deployment" in json) {
    throw new Error(`This is the state of a stack, not a preview. ${HOW}`);
  }
  const { steps, diagnostics, changeSummary } = mapOf(json);
  const isPreview = "changeSummary" in json || "steps" in json || "diagnostics" in json;
  if (!isPreview || !Array.isArray(steps ?? []) || typeof (changeSummary ?? {}) !== "object") {
    throw new Error(`This is JSON, and not that of a preview: it has no steps. ${HOW}`);
  }
  const list = (steps ?? []) as RawStep[];
  if (list.some((step) => typeof step?.op !== "string" || typeof step.urn !== "string")) {
    throw new Error(`This is not the JSON of a preview: a step has no operation or no URN. ${HOW}`);
  }
  return { steps: inOneOrder(list), diagnostics: Array.isArray(diagnostics) ? diagnostics : [] };
}

/**
 * By name: the engine tells the steps as they end, several at a time, so that the same preview would read otherwise in each run. The
 * steps of one resource keep their order.
 */
function inOneOrder(steps: readonly RawStep[]): RawStep[] {
  const place = ({ urn }: RawStep) => `${urn.split("::").at(-1)} ${urn}`;
  return steps.toSorted((a, b) => (place(a) < place(b) ? -1 : place(a) > place(b) ? 1 : 0));
}

/** JSON of which nothing is known yet; undefined for another text. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The resources before and after. In a preview with `--refresh` the engine prints one step `refresh` a resource, whose two states are
 * both the old one; what the tenant has stands as the old state in the resource's own step, which one that stays as it is has not (but
 * with `--show-sames`). A preview of `pulumi refresh` has no such
 * steps, not even for the stack: there `update` and `delete` are what the tenant changed.
 */
function planned(
  all: readonly RawStep[],
  secrets: readonly string[],
): Pick<Preview, "program" | "tenant" | "read" | "isRefreshed"> {
  const side = (state: RawState | null | undefined) => sideOf(state, secrets);
  const steps = all.filter(({ urn }) => kindOf(typeOf(urn)) !== undefined);
  const isRefreshed = all.some(({ op }) => op === "refresh");
  const isOfRefresh = isRefreshed && all.every(({ op, urn }) => op === "refresh" || !isStack(urn));
  const own = steps
    .filter(
      ({ op, urn }) => isChange(op) && !(isHalf(op) && steps.some((one) => one.urn === urn && one.op === "replace")),
    )
    .map((step) => {
      const [before, after, op] = [side(step.oldState), side(step.newState), operationOf(step.op)];
      // A replacement that is forced, or follows another one, has no reasons; a secret differs for the engine alone.
      const differing =
        op !== "same" && before !== undefined && after !== undefined ? differingInputs(before, after) : [];
      return changeOf(step.urn, op, before, after, [...new Set([...(step.diffReasons ?? []), ...differing])].sort());
    });
  const now = new Map(own.flatMap(({ before }) => (before === undefined ? [] : [[before.urn, before] as const])));
  const made = steps
    .filter(({ op }) => op === "create")
    .flatMap(({ urn, newState }) => [urn, ...(newState?.aliases ?? [])]);
  const compared = steps.flatMap(({ op, urn, oldState }) => {
    const before = op === "refresh" ? side(oldState) : undefined;
    if (before === undefined) {
      return [];
    }
    // What stays as it is has no step of its own; what is gone and still declared is made again.
    const isMissing = !isOfRefresh && made.includes(urn) && !now.has(urn);
    const after = isMissing ? undefined : (now.get(urn) ?? before);
    const differing = after === undefined ? [] : differences(before, after);
    return [
      changeOf(
        urn,
        after === undefined ? "delete" : differing.length > 0 ? "update" : "same",
        before,
        after,
        differing,
      ),
    ];
  });
  const staying = compared.filter(({ op, urn }) => op === "same" && !now.has(urn));
  return {
    program: isOfRefresh ? [] : [...own, ...staying],
    tenant: [...(isOfRefresh ? own : []), ...compared],
    read: steps.flatMap(({ op, newState }) => (op === "read" ? (side(newState) ?? []) : [])),
    isRefreshed,
  };
}

/** Whether an operation is one of the program's on a managed resource. */
function isChange(op: string): boolean {
  return !/^(refresh|read|read-.*|discard|remove-pending-replace)$/.test(op);
}

/** Whether an operation is one half of a replacement. */
function isHalf(op: string): boolean {
  return op === "create-replacement" || op === "delete-replaced";
}

function differingInputs(before: Side, after: Side): string[] {
  const names = new Set([...Object.keys(before.inputs), ...Object.keys(after.inputs)]);
  return [...names].filter(
    (name) => !name.startsWith("__") && !isDeepStrictEqual(before.inputs[name], after.inputs[name]),
  );
}

/** Inputs that differ between two states; and who else is on a mailbox, which is an output. */
function differences(before: Side, now: Side): string[] {
  const isOthers = !isDeepStrictEqual(before.outputs?.otherMembers, now.outputs?.otherMembers);
  return [...differingInputs(before, now), ...(isOthers ? ["otherMembers"] : [])].sort();
}

function changeOf(
  urn: string,
  op: ResourceChange["op"],
  before: Side | undefined,
  after: Side | undefined,
  differing: readonly string[],
): ResourceChange {
  return {
    urn,
    kind: kindOf(typeOf(urn)) ?? "",
    name: nameOf(urn),
    op,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined || op === "delete" ? {} : { after }),
    differing,
  };
}

/** What the engine does, in the words of a plan. A replacement is one step in a preview's JSON; other engines print its two halves. */
function operationOf(op: string): ResourceChange["op"] {
  switch (op) {
    case "create":
    case "import":
      return "create";
    case "update":
      return "update";
    case "replace":
    case "create-replacement":
    case "import-replacement":
    case "delete-replaced":
      return "replace";
    case "delete":
      return "delete";
    default:
      return "same";
  }
}

function sideOf(state: RawState | null | undefined, secrets: readonly string[]): Side | undefined {
  if (state === null || state === undefined) {
    return undefined;
  }
  const { urn = "", id, inputs = {}, outputs, retainOnDelete, deletedWith, propertyDependencies } = state;
  return {
    urn,
    inputs: mapOf(masked(inputs, secrets)),
    ...(id === undefined ? {} : { id }),
    ...(outputs === undefined ? {} : { outputs: mapOf(masked(outputs, secrets)) }),
    ...(retainOnDelete === undefined ? {} : { retainOnDelete }),
    ...(deletedWith === undefined ? {} : { deletedWith }),
    ...(propertyDependencies === undefined ? {} : { propertyDependencies }),
  };
}

/** The stack that a resource is in, as `project/stack`; "" for what is no URN. */
export function stackOf(urn: unknown): string {
  const [, stack, project] = /^urn:pulumi:(.*?)::(.*?)::/.exec(String(urn)) ?? [];
  return stack === undefined ? "" : `${project}/${stack}`;
}

/** The logical name of a resource. */
export function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

/** The type of a resource: the last of its URN's types, the others being those of its parents. */
function typeOf(urn: string): string {
  return (urn.split("::")[2] ?? "").split("$").at(-1) ?? "";
}

function isStack(urn: string): boolean {
  return typeOf(urn) === "pulumi:pulumi:Stack";
}

/** The stack itself, and providers. */
function isPlumbing(urn: string): boolean {
  return isStack(urn) || typeOf(urn).startsWith("pulumi:providers:");
}

function counted(steps: readonly RawStep[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of steps.filter((step) => step.op !== "refresh")) {
    counts[op] = (counts[op] ?? 0) + 1;
  }
  return counts;
}

/** Pulumi's wire form of a secret, which `--show-secrets` prints. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";

/** Shorter texts are in too many words to be looked for inside of others. */
const SHORTEST = 6;

/**
 * The texts of secret inputs. A preview prints `[secret]` in their place, but not with `--show-secrets`. The classes name secret inputs
 * in the hidden input `__secrets`, and a password is one anyway.
 */
function secretTexts(steps: readonly RawStep[]): string[] {
  const states = steps.flatMap(({ oldState, newState }) => [oldState, newState]).filter((state) => state?.inputs);
  const found = states.flatMap((state) => {
    const inputs = state?.inputs ?? {};
    const names = [...(Array.isArray(inputs.__secrets) ? inputs.__secrets.map(String) : []), "credentials/password"];
    return names.flatMap((name) => {
      const [property = "", ...member] = name.split("/");
      const value = inputs[property];
      return textsIn(member.length === 0 || !isObject(value) ? value : value[member.join("/")]);
    });
  });
  return [...new Set(found)].filter((text) => text !== "" && text !== SECRET);
}

function textsIn(value: unknown): string[] {
  return typeof value === "string"
    ? [value]
    : isObject(value) || Array.isArray(value)
      ? Object.entries(value).flatMap(([key, one]) => [...(Array.isArray(value) ? [] : [key]), ...textsIn(one)])
      : [];
}

/** A text without secrets. */
function maskedText(value: string, secrets: readonly string[]): string {
  const isSecret = (text: string) => (text.length < SHORTEST ? value === text : value.includes(text));
  return secrets.filter(isSecret).reduce((text, secret) => text.replaceAll(secret, SECRET), value);
}

/** A value without secrets. */
function masked(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === "string") {
    return maskedText(value, secrets);
  }
  if (Array.isArray(value)) {
    return value.map((one) => masked(one, secrets));
  }
  if (!isObject(value)) {
    return value;
  }
  if (SIGNATURE in value) {
    return SECRET;
  }
  const secretKeys = Object.keys(value).some((key) => secrets.includes(key));
  return secretKeys
    ? SECRET
    : Object.fromEntries(Object.entries(value).map(([key, one]) => [key, masked(one, secrets)]));
}

function withoutColours(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the engine colours what the program's runtime says.
  return text.replace(/\u001b\[[0-9;]*m/g, "");
}

/**
 * The text of a file, or of standard input.
 *
 * @param file undefined, or `-`, for standard input.
 * @param name how messages begin, e.g. `--program: `; empty where the file is the argument.
 * @param command what writes such a file: `pulumi stack export`.
 * @param reader the command that reads it, as it is written behind a pipe.
 * @throws Error with a next step when there is nothing to read.
 */
export async function textOf(file: string | undefined, name: string, command: string, reader: string): Promise<string> {
  if (file !== undefined && file !== "-") {
    return textIn(file, name, command);
  }
  if (process.stdin.isTTY) {
    throw new Error(name.concat(`There is nothing to read. Run \`${command} | ${reader}\`, or give a file.`));
  }
  return decoded(await buffer(process.stdin));
}

/** The text of a file; see {@link textOf}. */
export function textIn(file: string, name: string, command: string): string {
  try {
    return decoded(readFileSync(file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const said =
      code === "ENOENT"
        ? `There is no file ${file}. Run \`${command} > ${file}\` first.`
        : `${file} cannot be read (${code ?? String(error)}). Give the file that \`${command}\` was written to.`;
    throw new Error(name.concat(said));
  }
}

/** Windows PowerShell writes what it redirects in UTF-16, with a byte order mark. */
export function decoded(bytes: Buffer): string {
  const text = bytes[0] === 0xff && bytes[1] === 0xfe ? bytes.toString("utf16le") : bytes.toString("utf8");
  return text.replace(/^\uFEFF/, "");
}
