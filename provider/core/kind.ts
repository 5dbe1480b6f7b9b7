import { createHash } from "node:crypto";
import type { z } from "zod";
import { ConflictError, ifAllowed, isClass, isUnknownOutcome, mayHaveHappened, ProviderError } from "../http/errors";
import { only } from "../http/json";
import type { Services } from "../services/services";
import { lastSeen, type Scope, settle } from "../services/waiting";
import type { Claim } from "./claims";
import type { MemorySchema } from "./memory";
import type { Registry } from "./registry";

/** Inputs in canonical form, or outputs: plain JSON. */
export type Properties = Record<string, unknown>;

/** One difference between what is declared and what is there. */
export interface Change {
  /** Property path, e.g. `["members", "ada@contoso.com", "sendAs"]`. */
  path: string[];
  /** What is there; undefined for nothing. */
  from: unknown;
  /** What it becomes; undefined for nothing. */
  to: unknown;
}

/** Inputs in a state. Null means "not set in the tenant", as a refresh found it. A missing property is not managed. */
export type Held<Inputs> = { readonly [Property in keyof Inputs]?: Inputs[Property] | null };

/** What is known of a resource before the tenant is asked. */
export interface Known<Inputs = Properties, Memory = Properties> {
  /** The physical id; undefined until there is an object. */
  readonly id: string | undefined;
  /** The inputs of the last deployment or refresh. */
  readonly inputs: Held<Inputs>;
  /** What earlier operations left for later ones; see `memory.ts`. */
  readonly memory: Memory;
}

/** What was written, or may have been. */
export interface Recorded<Inputs = Properties, Memory = Properties> {
  /** The physical id, once something exists. */
  id?: string;
  /** Inputs by their new values; undefined for one that is not known any more. */
  inputs?: { readonly [Property in keyof Inputs]?: Inputs[Property] | null | undefined };
  /** Parts of the memory by their new values; undefined for what is to be forgotten. */
  memory?: Partial<Memory>;
}

/** What a reconciler works with during one operation on one resource. */
export interface Operation<Inputs = Properties, Memory = Properties> extends Scope {
  services: Services;
  registry: Registry;
  origin: Origin;
  /** `maxMailboxDeletes`: mailboxes that one deployment may take away, see `Removals` in `registry.ts`. */
  limits: { maxMailboxDeletes: number };
  /** What the state says, together with what this operation has recorded. */
  readonly known: Known<Inputs, Memory>;
  /**
   * Records what was written or may have been written. From then on a failure is partial: the engine saves what is recorded, and the
   * next deployment goes on from there. Before that a failure leaves the state as it was.
   */
  record(what: Recorded<Inputs, Memory>): void;
  /** On create: the properties whose value is a default the program did not write. */
  defaulted: readonly string[];
  /** Whether the engine still waits for the outcome. A killed command leaves the work to end, and nothing saves what comes of it. */
  isAwaited(): Promise<boolean>;
  /**
   * Reads something that a refresh can do without: where the application lacks the right, a refresh goes on without it and says so,
   * and the state keeps its value. Everywhere else the refusal is an error.
   *
   * @param what in words that begin a sentence: "Who may send as info@contoso.com".
   * @returns undefined where it was not read, which says nothing about what is there.
   */
  readIfAllowed: ReadIfAllowed;
}

/** A schema of an object, with those of its members. */
export interface Shaped {
  readonly shape: Readonly<Record<string, z.ZodType>>;
}

/** What is wrong with an input. */
export interface Problem {
  /** Property path. */
  path: string;
  reason: string;
}

/**
 * What a kind of resource is, as far as inputs and state alone say it. Nothing here does I/O.
 *
 * @typeParam Inputs canonical inputs.
 * @typeParam Memory what is remembered between deployments.
 */
export interface Declaration<Inputs extends Properties, Memory> {
  /** Name of the kind, as in error messages. */
  readonly kind: string;
  /** Every input once, with its canonical form and its limits. */
  readonly schema: z.ZodType<Inputs> & Shaped;
  /** What is remembered between deployments. */
  readonly memory: MemorySchema<Memory>;
  /** Inputs that are maps and may be written as a list of keys, with how a key is written, for messages. */
  readonly keyed?: Readonly<Record<string, string>>;
  /**
   * Mistakes that show only when inputs are seen together.
   *
   * @param inputs what is known and right.
   * @param unsettled declared properties that are not among them: unknown in a preview, or wrong by themselves.
   * @param before the inputs in the state, none for a new resource: what is refused today may stand there since another day.
   */
  check?(inputs: Partial<Inputs>, unsettled: readonly string[], before: Partial<Inputs>): Problem[];
  /**
   * What of the inputs counts on a day: what has an end is left out from that day on. Asked in each check and nowhere else, so that a
   * preview shows what goes.
   *
   * @param inputs in canonical form, or as the program has them where something in them is not known yet.
   * @param today the day of the deployment, e.g. `2027-01-31`.
   * @param isIgnored whether `ignoreChanges` leaves a property as the state has it: the engine puts it back after each check.
   * @returns the inputs, and what to tell the user.
   */
  onDay?(
    inputs: Partial<Inputs>,
    today: string,
    isIgnored: (path: readonly string[]) => boolean,
  ): { inputs: Partial<Inputs>; advice: string[] };
  /** Advice to the user about a change from the inputs `olds`; undefined for a new resource. */
  advise?(inputs: Partial<Inputs>, olds: Partial<Inputs> | undefined): string[];
  /**
   * What the inputs claim, to be compared with other resources of the deployment (`claims.ts`). Asked in each check, of what is known, and
   * again of what is deployed. An id that is not known yet may be given as the URN of the resource that will get it. Which names mean the
   * resource itself is told to the registry, so that the claims of others about it are found.
   */
  claims(inputs: Partial<Inputs>, origin: Origin, registry: Registry): Claim[];
  /**
   * Mistakes that show only when several resources of a deployment are seen together. Asked in each check, of what is known. What the
   * resource itself has to do with the others, such as where it sends mail on, is noted in the registry first.
   *
   * @param before the inputs in the state, none for a new resource.
   */
  beside?(inputs: Partial<Inputs>, origin: Origin, registry: Registry, before: Partial<Inputs>): Problem[];
  /**
   * Values for inputs that the program leaves out, where the plan has to show them: a refresh replaced a command by a text, and the
   * command is to be given again.
   */
  byDefault?(inputs: Properties, olds: Properties): Properties;
  /**
   * Inputs of a deployment, with parts that `check` had filled in and that are missing now written as "not given". `ignoreChanges` took them
   * out after the check, so no diff has shown them and no default applies.
   */
  planned?(inputs: Properties): Properties;
  /**
   * Properties whose change replaces the object.
   *
   * @param environmentUrl the configured Dataverse environment; undefined where none is, and in a local tenant, whose address says nothing.
   */
  replaces?(
    known: Known<Inputs, Memory>,
    inputs: Properties,
    registry: Registry,
    environmentUrl: string | undefined,
  ): string[];
  /** Of the inputs of the state, those that `inputs` writes in another way for the same thing. */
  respelled?(known: Known<Inputs, Memory>, inputs: Properties, registry: Registry): string[];
  /**
   * What stands in place of an input that `ignoreChanges` leaves alone with a value that no program may write, where that value itself will
   * not do: commands are not given, and what cannot be looked up is not looked up. Nothing of it is written in any case.
   */
  readonly leftAlone?: Readonly<Record<string, unknown>>;
  /** Ids that the state has, by the addresses that stand for them in the program. */
  refersTo?(known: Known<Inputs, Memory>): Readonly<Record<string, string>>;
  /**
   * Tells the registry what the program calls the object, before anything is known of the tenant.
   *
   * @param program what the program says.
   * @param inputs the same in canonical form.
   */
  announce?(program: Properties, inputs: Partial<Inputs>, origin: Origin, registry: Registry): void;
  /** Tells the registry what this resource declares, as far as the state knows its ids. */
  declare(known: Known<Inputs, Memory>, inputs: Properties, origin: Origin, registry: Registry): void;
  /** Tells the brake on deletions what would go with the resource if the program no longer has it. Called in a refresh. */
  foresee?(id: string, known: Known<Inputs, Memory>, registry: Registry): void;
  /** Tells the registry what the state knows and other resources need: once for each operation, before the tenant is asked. */
  share?(known: Known<Inputs, Memory>, origin: Origin, registry: Registry): void;
}

/**
 * How a kind of resource is observed and changed. Create, update and adoption are the same walk over these functions
 * ({@link converge}).
 *
 * @typeParam Desired the inputs with everything in them that names something of the tenant looked up.
 * @typeParam Observed what is in the tenant.
 * @typeParam Existing what a creation finds there already.
 */
interface Work<Inputs extends Properties, Memory, Desired, Observed, Existing = Observed> {
  /**
   * Looks up what the inputs name. Nothing of the tenant is changed, and nothing is recorded. The registry is told where mail goes on to, now
   * that it is known whose the addresses are. A name that may not mean what the user thinks is warned about here.
   */
  resolve(inputs: Inputs, operation: Operation<Inputs, Memory>): Promise<Desired>;
  /** Pure. What names in the inputs turned out to mean, each with its meaning: claims of other resources are compared by that. */
  meanings?(desired: Desired): (readonly [name: string, meaning: string])[];
  /**
   * On create: what exists already and may be continued or taken over; refuses what may not. Nothing is changed. A kind for which nothing
   * can be there leaves it out, and `takeOver` with it.
   */
  find?(desired: Desired, operation: Operation<Inputs, Memory>): Promise<Existing | undefined>;
  /** On create: makes what was found this resource's own, such as by converting a mailbox of another type. Returns it as it is then. */
  takeOver?(found: Existing, desired: Desired, operation: Operation<Inputs, Memory>): Promise<Observed>;
  /** On create, where nothing was found: makes the object or brings it back, and returns it once it can be built on. */
  create(desired: Desired, operation: Operation<Inputs, Memory>): Promise<Observed>;
  /** The object with this id, or undefined when it is certain that it is gone. Nothing is changed or recorded. */
  observe(
    id: string,
    desired: Desired | undefined,
    operation: Operation<Inputs, Memory>,
  ): Promise<Observed | undefined>;
  /**
   * What the user should know of an object that is gone, such as what comes back with it. Asked where a look finds that out. Nothing is
   * changed.
   */
  whenGone?(id: string, operation: Operation<Inputs, Memory>): Promise<string[]>;
  /**
   * What a program refers to and does not declare, with every input filled. Nothing is changed, nothing is declared.
   *
   * @param asked an id, an address or, where a kind has one, a name.
   */
  read(asked: string, operation: Operation<Inputs, Memory>): Promise<Found<Observed> | Unfit>;
  /** The physical id. */
  id(observed: Observed): string;
  /**
   * Pure. What differs: everything declared that is not as declared, and of what is there only what `previous` held and
   * `desired` no longer does. Empty means converged.
   *
   * @param previous what was known when the operation began; nothing in a creation.
   * @param known the same with what was recorded since.
   */
  difference(
    desired: Desired,
    previous: Known<Inputs, Memory>,
    observed: Observed,
    known: Known<Inputs, Memory>,
  ): Change[];
  /**
   * Makes the changes.
   *
   * @returns what it learned that no look can see; it is added to what is observed from then on.
   */
  apply(
    changes: readonly Change[],
    desired: Desired,
    observed: Observed,
    operation: Operation<Inputs, Memory>,
  ): Promise<Partial<Observed> | undefined>;
  /**
   * Whether some of what was just written may be lost although each write was answered with success. What does not show after a while
   * is written again then.
   */
  isUncertain?(observed: Observed): boolean;
  /** After everything is as declared: commands that are not values, such as to approve and to test. */
  finish?(
    desired: Desired,
    previous: Known<Inputs, Memory>,
    observed: Observed,
    operation: Operation<Inputs, Memory>,
  ): Promise<Observed>;
  /** Pure. Computed outputs and all that is remembered; the inputs are echoed beside them. */
  outputs(desired: Desired | undefined, observed: Observed, known: Known<Inputs, Memory>): Memory & Properties;
  /** Pure. The inputs that the state holds, as they are in the tenant; null for "not set". No key is added. */
  inputs(known: Known<Inputs, Memory>, observed: Observed): Properties;
  /** What the user should know of what is there after a deployment, or a refresh (`desired` is undefined then). Nothing is changed. */
  warnings?(
    desired: Desired | undefined,
    observed: Observed,
    operation: Operation<Inputs, Memory>,
  ): string[] | Promise<string[]>;
  /** Deletes the object, or what of it is this resource's, and returns when it is gone. */
  remove(id: string, operation: Operation<Inputs, Memory>): Promise<void>;
}

/** Everything one kind of resource knows. It knows nothing of Pulumi and nothing of HTTP. */
export interface Reconciler<Inputs extends Properties, Memory, Desired, Observed, Existing = Observed>
  extends Declaration<Inputs, Memory>,
    Work<Inputs, Memory, Desired, Observed, Existing> {}

/** A state with what was read in place of what it held; properties that it does not hold are not managed, and stay out. */
export function asHeld(state: Properties, read: Properties): Properties {
  return { ...state, ...only(read, (property) => property in state) };
}

/**
 * Says of inputs that only a creation reads that their change does nothing to what is there.
 *
 * @param thing what the resource is, in words.
 * @param olds the inputs in the state; undefined for a new resource.
 */
export function adviceAtCreation(
  properties: readonly string[],
  thing: string,
  inputs: Properties,
  olds: Properties | undefined,
): string[] {
  return properties
    .filter((property) => olds !== undefined && (inputs[property] ?? false) !== (olds[property] ?? false))
    .map(
      (property) =>
        `${property} counts only when the ${thing} is created. This change has no effect on the existing one.`,
    );
}

/** How long what a resource made looks like the work of a deployment that was interrupted, in milliseconds. */
const UNFINISHED_FOR = 30 * 60 * 1000;

/** Whether something was made at most so many milliseconds ago. */
export function isRecent(createdAt: string | undefined, milliseconds: number): boolean {
  return Math.abs(Date.now() - Date.parse(createdAt ?? "")) < milliseconds;
}

/**
 * What shows that an object which a deployment of this resource made is more than the beginning of an interrupted creation, in words. A state
 * that moved to another stack (`pulumi state move`) knows such an object, and a program that still declares it would take it from there.
 *
 * @param use how it is in use, in words: "it holds 3 items".
 */
export function signsOfUse(createdAt: string | undefined, use: readonly string[]): string[] {
  return [...(isRecent(createdAt, UNFINISHED_FOR) ? [] : [`it was made at ${createdAt}`]), ...use];
}

/**
 * The error for an object that a deployment of this very resource made, and that is more than the beginning of a creation.
 *
 * @param action the property that it stands in the way of.
 * @param words what has the name or address, and which object that is.
 * @param why what shows that it is in use, in words.
 * @param remedy what makes it this resource's again.
 */
export function alreadyMade(action: string, words: string, id: string, why: string, remedy: string): ConflictError {
  return new ConflictError({
    action,
    words: `${words}, which a deployment of this resource made (id ${id}; ${why})`,
    nextStep:
      "Nothing was changed. If another stack has it in its state now (`pulumi state move`), take it out of this program. If its " +
      `creation was interrupted, or the state was lost, ${remedy}.`,
  });
}

/** What a resource was created as. What is derived from it is the same in every attempt to create the resource. */
export interface Origin {
  /** The URN in this program, for messages. */
  urn: string;
  /** The URN that it was born with: `urn:pulumi:<stack>::<project>::<parent types>$<type>::<name>`. */
  born: string;
}

/**
 * Ten lower-case letters and digits that stand for a resource. Nothing is derived from the type token, because that changes with the
 * way the provider is served. Project, stack, parents, kind and name are used.
 */
export function hashOf({ born }: Origin): string {
  const [stackPart = "", project = "", types = "", ...name] = born.split("::");
  const parents = types.split("$");
  const kind = (parents.pop() ?? "").split(":").pop() ?? "";
  return shortHash(JSON.stringify([project, stackPart.replace(/^urn:pulumi:/, ""), parents, kind, name.join("::")]));
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
  const hex = createHash("sha256")
    .update(`${hashOf(origin)} ${text}`)
    .digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}

/** Something that a refresh could not read, because the application may not. */
interface Unread {
  /** In words that begin a sentence: "Who may send as info@contoso.com". */
  what: string;
  refusal: ProviderError;
}

/** How an operation reads what is useful but not required; see {@link Operation.readIfAllowed}. */
type ReadIfAllowed = <T>(what: string, read: () => Promise<T>) => Promise<T | undefined>;

/** For operations that change something: a read that is refused is an error, because the change may depend on it. */
export const readOrFail: ReadIfAllowed = (_what, read) => read();

/**
 * Makes an operation that only reads. Where the application lacks a right, it skips that one thing and reads the rest. What was
 * skipped counts as neither present nor absent.
 *
 * @param consequence what became of it, in words after "Not checked, and".
 * @returns the operation, and `tell`, which says in one warning what was not read and which right is missing.
 */
export function skippingRefusals<Inputs, Memory>(
  operation: Operation<Inputs, Memory>,
  consequence = "left as the state has it",
): { operation: Operation<Inputs, Memory>; tell: () => void } {
  const unread: Unread[] = [];
  const readIfAllowed: ReadIfAllowed = (what, read) => ifAllowed(read(), (refusal) => unread.push({ what, refusal }));
  const tell = (): void => {
    const [first] = unread;
    if (first !== undefined) {
      const all = [...new Set(unread.map(({ what }) => what))].sort();
      operation.warn(
        `Not checked, and ${consequence}: ${all.join("; ")}. The application may not read it: ${first.refusal.message}`,
      );
    }
  };
  return { operation: { ...operation, readIfAllowed }, tell };
}

/** An object of the tenant that a program refers to and does not declare. */
export interface Found<Observed> {
  observed: Observed;
  /** Every input as it is in the tenant; null or left out for "not set". */
  inputs: Properties;
  /** Outputs that {@link Reconciler.outputs} leaves out where nothing is declared. */
  outputs?: Properties;
}

/** Why what was asked for does not mean exactly one object of a kind. */
export interface Unfit {
  /** Words that follow what was asked for. */
  why: string;
  /** Whether it is certain that nothing is there. */
  isAbsent: boolean;
}

/** Nothing is there. */
export function absent(why: string): Unfit {
  return { why, isAbsent: true };
}

/** Something is there, and it is not what was asked for. */
export function unfit(why: string): Unfit {
  return { why, isAbsent: false };
}

/** Whether the answer is a reason and not an object. */
export function isUnfit(answer: object): answer is Unfit {
  return "isAbsent" in answer;
}

/** A state that holds every input of a schema, with nothing in it: `inputs` of a reconciler then reads them all. */
export function holdingAll(names: readonly string[]): Properties {
  return Object.fromEntries(names.map((name) => [name, null]));
}

/** How many times differences are applied: a write may get no answer, and something else may interfere. */
const ROUNDS = 3;
/** How long to look for the effect of a write that got no answer before it is sent again, in milliseconds. */
const LOST_FOR = 5_000;
/** How long to look for all that was written together before what does not show is written again, in milliseconds. */
const TOGETHER_FOR = 30_000;

/**
 * The walk that create, update, adoption and the removal of grants share: apply the differences, look until they are gone, return
 * what is there. After a write without an answer it looks first, and writes only what is still missing.
 *
 * @param previous what was known before: only what it held and `desired` does not is taken away.
 * @param seen what was just observed.
 * @returns what is there once nothing differs.
 * @throws SettleError when a change was accepted and does not show in time.
 */
export async function converge<Inputs extends Properties, Memory, Desired, Observed>(
  reconciler: Pick<
    Work<Inputs, Memory, Desired, Observed>,
    "id" | "observe" | "difference" | "apply" | "isUncertain"
  > & {
    kind: string;
  },
  desired: Desired,
  previous: Known<Inputs, Memory>,
  seen: Observed,
  operation: Operation<Inputs, Memory>,
): Promise<Observed> {
  const id = reconciler.id(seen);
  let observed = seen;
  const differences = (now: Observed) => reconciler.difference(desired, previous, now, operation.known);
  const look = async (): Promise<Observed> => {
    const now = await reconciler.observe(id, desired, operation);
    if (now === undefined) {
      throw new ProviderError({
        action: `changing ${reconciler.kind} ${id}`,
        words: "it disappeared while it was being changed",
        nextStep: "Run `pulumi refresh`, then `pulumi up`.",
      });
    }
    // Keep what no look can see, such as that the object was adopted.
    return { ...observed, ...now };
  };
  for (let round = 1; differences(observed).length > 0; round += 1) {
    let lost: unknown;
    try {
      const learned = await reconciler.apply(differences(observed), desired, observed, operation);
      observed = { ...observed, ...learned };
    } catch (error) {
      // If somebody else changed the row in the meantime, look again, as after a write without an answer.
      if (!(isUnknownOutcome(error) || isClass(error, "precondition")) || round === ROUNDS) {
        throw error;
      }
      lost = error;
    }
    const wait = {
      what: `${reconciler.kind} to show the change`,
      look,
      done: (now: Observed) => differences(now).length === 0,
      describe: (now: Observed) => differences(now).map(spell).join(", "),
    };
    if (lost === undefined && round < ROUNDS && reconciler.isUncertain?.(observed) === true) {
      const atMost = Math.min(TOGETHER_FOR, operation.settleTimeout / 4);
      observed = await lastSeen({ ...wait, atMost }, operation);
    } else if (lost === undefined) {
      observed = await settle(wait, operation);
    } else if (isClass(lost, "precondition")) {
      observed = await look();
    } else {
      operation.progress("an answer was lost; looking whether the change was made");
      observed = await lastSeen({ ...wait, atMost: LOST_FOR }, operation);
    }
  }
  return observed;
}

function spell({ path, from, to }: Change): string {
  const text = (value: unknown) => (value === undefined ? "nothing" : JSON.stringify(value));
  return `${path.join(".")} is ${text(from)} instead of ${text(to)}`;
}

/**
 * Makes a write, and records it when it happened or may have happened.
 *
 * @param write sends it.
 * @param record records it (`Operation.record`).
 */
export async function writeAndRecord<T>(write: () => Promise<T>, record: () => void): Promise<T> {
  try {
    const answer = await write();
    record();
    return answer;
  } catch (error) {
    if (mayHaveHappened(error)) {
      record();
    }
    throw error;
  }
}
