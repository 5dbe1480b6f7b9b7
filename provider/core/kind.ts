import type { z } from "zod";
import type { Services } from "../services/services";
import type { Scope } from "../services/waiting";
import type { Claim } from "./claims";
import type { Origin } from "./origin";
import type { Found, ReadIfAllowed, Unfit } from "./reading";
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

/** What a reconciler works with during one operation on one resource. */
export interface Operation extends Scope {
  services: Services;
  registry: Registry;
  origin: Origin;
  /** `maxMailboxDeletes`: mailboxes that one deployment may take away, see `removals.ts`. */
  limits: { maxMailboxDeletes: number };
  /**
   * The outputs as far as they are known: the old ones, plus what was or may have been written, minus what is confirmed
   * removed. A reconciler notes here what it is about to write; a failure saves it.
   */
  state: Properties;
  /** On create: the properties whose value is a default the program did not write. */
  defaulted: readonly string[];
  /**
   * Reads something that a refresh can do without: where the application lacks the right, a refresh goes on without it and says so,
   * and the state keeps its value. Everywhere else the refusal is an error.
   *
   * @param what in words that begin a sentence: "Who may send as info@contoso.com".
   * @returns undefined where it was not read, which says nothing about what is there.
   */
  readIfAllowed: ReadIfAllowed;
}

/**
 * Everything one kind of resource knows: how its inputs look, how the tenant is observed, how the two differ and how each
 * difference is applied. It knows nothing of Pulumi and nothing of HTTP. Create, update and adoption are the same walk over
 * these functions (`converge.ts`).
 *
 * @typeParam Inputs canonical inputs.
 * @typeParam Desired the inputs with everything in them that names something of the tenant looked up.
 * @typeParam Observed what is in the tenant.
 */
export interface Reconciler<Inputs extends Properties, Desired, Observed> {
  /** Name of the kind, as in error messages. */
  readonly kind: string;
  /** Every input once, with its canonical form and its limits. */
  readonly schema: z.ZodType<Inputs> & { readonly shape: Readonly<Record<string, unknown>> };
  /** Inputs that are maps and may be written as a list of keys, with how a key is written, for messages. */
  readonly keyed: Readonly<Record<string, string>>;
  /**
   * Mistakes that show only when inputs are seen together.
   *
   * @param inputs what is known and right.
   * @param unsettled declared properties that are not among them: unknown in a preview, or wrong by themselves.
   * @param before the inputs in the state, none for a new resource: what is refused today may stand there since another day.
   */
  check(
    inputs: Partial<Inputs>,
    unsettled: readonly string[],
    before: Partial<Inputs>,
  ): { path: string; reason: string }[];
  /** Advice to the user that needs no service: asked for when something in `inputs` differs from `olds`. */
  advise(inputs: Partial<Inputs>, olds: Partial<Inputs> | undefined): string[];
  /**
   * What the inputs claim, so that other resources of the deployment may contradict it (`claims.ts`): asked in each check, of what is
   * known, and again of what is deployed, without a service. In place of an id that is not known yet may stand the URN of the resource
   * that gets it.
   *
   * @param urn the URN in this program.
   */
  claims(inputs: Partial<Inputs>, urn: string, origin: Origin, registry: Registry): Claim[];
  /** Mistakes that show only along several resources of a deployment: asked in each check, of what is known, without a service. */
  beside?(inputs: Partial<Inputs>, origin: Origin, registry: Registry): { path: string; reason: string }[];
  /**
   * Values of inputs that the program leaves out, where the plan has to show them: a refresh has put a text in the place of a command
   * that is to be given again.
   */
  byDefault?(inputs: Properties, olds: Properties): Properties;
  /**
   * Properties whose change needs another object; asked without a service.
   *
   * @param environmentUrl the configured Dataverse environment, where one is and says something: a local tenant's does not.
   */
  replaces(state: Properties, inputs: Properties, registry: Registry, environmentUrl: string | undefined): string[];
  /** Of the inputs of `state`, those that `inputs` writes in another way for the same thing. */
  respelled(state: Properties, inputs: Properties, registry: Registry): string[];
  /** Ids of the state by the addresses that stand for them in the program. */
  refersTo(state: Properties): Record<string, string>;
  /**
   * Tells the registry what the program calls the object, before anything is known of the tenant.
   *
   * @param program what the program says.
   * @param inputs the same in canonical form.
   */
  announce?(program: Properties, inputs: Partial<Inputs>, origin: Origin, registry: Registry): void;
  /** Tells the registry what this resource declares, as far as the state knows its ids. */
  declare(state: Properties, inputs: Properties, origin: Origin, registry: Registry): void;
  /** Looks up what the inputs name. Nothing is changed. */
  resolve(inputs: Inputs, operation: Operation): Promise<Desired>;
  /** On create: what is there already and may be continued with or taken over; refuses what may not. */
  find(desired: Desired, operation: Operation): Promise<Observed | undefined>;
  /** On create: makes the object, and returns it once it can be built on. */
  ensure(desired: Desired, operation: Operation): Promise<Observed>;
  /** The object that `operation.state` describes, or undefined when it is certain that it is gone. */
  observe(id: string, desired: Desired | undefined, operation: Operation): Promise<Observed | undefined>;
  /**
   * What a program refers to and does not declare, with every input filled. Nothing is changed, nothing is declared.
   *
   * @param asked an id, an address or, where a kind has one, a name.
   */
  read(asked: string, operation: Operation): Promise<Found<Observed> | Unfit>;
  /** The physical id. */
  id(observed: Observed): string;
  /**
   * Pure. What differs: everything declared that is not as declared, and of what is there only what `previous` held and
   * `desired` no longer does. Empty means converged.
   */
  difference(desired: Desired, previous: Properties, observed: Observed, state: Properties): Change[];
  /** Makes the changes. */
  apply(changes: readonly Change[], desired: Desired, observed: Observed, operation: Operation): Promise<void>;
  /** After everything is as declared: commands that are not values (approve, test), and things to say. */
  finish(desired: Desired, previous: Properties, observed: Observed, operation: Operation): Promise<Observed>;
  /** Computed outputs; the inputs are echoed beside them. */
  outputs(desired: Desired | undefined, observed: Observed, operation: Operation): Properties;
  /** The inputs that `state` holds, as they are in the tenant; null for "not set". No key is added. */
  inputs(state: Properties, observed: Observed, operation: Operation): Promise<Properties>;
  /** Deletes the object, or what of it is this resource's, and returns when it is gone. */
  remove(id: string, operation: Operation): Promise<void>;
}

/** A state with what was read in place of what it held; properties that it does not hold are not managed, and stay out. */
export function asHeld(state: Properties, read: Properties): Properties {
  return { ...state, ...Object.fromEntries(Object.entries(read).filter(([property]) => property in state)) };
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
        `${property} is read only when the ${thing} is created; this change does nothing to the one that is there.`,
    );
}
