import { isDeepStrictEqual } from "node:util";
import type { Claim } from "./claims";
import type { Change, Known, Operation, Problem, Properties, Reconciler, Recorded } from "./kind";
import type { MemorySchema, Recording } from "./memory";
import type { Origin } from "./origin";
import type { Found, Unfit } from "./reading";
import type { Registry } from "./registry";

/**
 * A reconciler of a kind that does not declare its memory yet: everything it knows is one flat, mutable state. This file goes with the
 * last of them.
 */
export interface BagReconciler<Inputs extends Properties, Desired, Observed> {
  readonly kind: string;
  readonly schema: Reconciler<Inputs, Properties, Desired, Observed>["schema"];
  readonly keyed: Readonly<Record<string, string>>;
  check(inputs: Partial<Inputs>, unsettled: readonly string[], before: Partial<Inputs>): Problem[];
  advise(inputs: Partial<Inputs>, olds: Partial<Inputs> | undefined): string[];
  claims(inputs: Partial<Inputs>, urn: string, origin: Origin, registry: Registry): Claim[];
  beside?(inputs: Partial<Inputs>, origin: Origin, registry: Registry): Problem[];
  byDefault?(inputs: Properties, olds: Properties): Properties;
  replaces(state: Properties, inputs: Properties, registry: Registry, environmentUrl: string | undefined): string[];
  respelled(state: Properties, inputs: Properties, registry: Registry): string[];
  refersTo(state: Properties): Record<string, string>;
  announce?(program: Properties, inputs: Partial<Inputs>, origin: Origin, registry: Registry): void;
  declare(state: Properties, inputs: Properties, origin: Origin, registry: Registry): void;
  resolve(inputs: Inputs, operation: Operation): Promise<Desired>;
  find(desired: Desired, operation: Operation): Promise<Observed | undefined>;
  ensure(desired: Desired, operation: Operation): Promise<Observed>;
  observe(id: string, desired: Desired | undefined, operation: Operation): Promise<Observed | undefined>;
  read(asked: string, operation: Operation): Promise<Found<Observed> | Unfit>;
  id(observed: Observed): string;
  difference(desired: Desired, previous: Properties, observed: Observed, state: Properties): Change[];
  apply(changes: readonly Change[], desired: Desired, observed: Observed, operation: Operation): Promise<void>;
  finish(desired: Desired, previous: Properties, observed: Observed, operation: Operation): Promise<Observed>;
  outputs(desired: Desired | undefined, observed: Observed, operation: Operation): Properties;
  inputs(state: Properties, observed: Observed, operation: Operation): Promise<Properties>;
  remove(id: string, operation: Operation): Promise<void>;
}

const everything: MemorySchema<Properties> = {
  names: [],
  read: (state) => state,
  write: (outputs) => outputs,
};

/** {@link Recording} of such a kind: inputs and memory are both the whole state. */
export class BagRecorder implements Recording<Properties, Properties> {
  readonly state: Properties;
  readonly #before: Properties;
  readonly #isNew: boolean;
  /** The operation that was last handed to the kind. */
  operation: Operation | undefined;

  constructor(state: Properties, id: string | undefined) {
    this.state = { ...structuredClone(state), ...(id === undefined ? {} : { id }) };
    this.#before = structuredClone(this.state);
    this.#isNew = id === undefined;
  }

  get id(): string | undefined {
    return this.state.id as string | undefined;
  }

  get inputs(): Properties {
    return this.state;
  }

  get memory(): Properties {
    return this.state;
  }

  get isPartial(): boolean {
    return this.#isNew ? typeof this.state.id === "string" : !isDeepStrictEqual(json(this.#before), json(this.state));
  }

  record({ id, inputs, memory }: Recorded): void {
    Object.assign(this.state, inputs, memory, id === undefined ? {} : { id });
  }

  identify(id: string): void {
    this.state.id ??= id;
  }

  settle(): void {}

  snapshot(): Known {
    const state = structuredClone(this.state);
    return { id: this.id, inputs: state, memory: state };
  }

  properties(): Properties {
    const { id: _id, ...state } = this.state;
    return state;
  }
}

/** A kind without a declared memory as the dynamic provider takes it. */
export function withBag<Inputs extends Properties, Desired, Observed>(
  kind: BagReconciler<Inputs, Desired, Observed>,
): Reconciler<Inputs, Properties, Desired, Observed> & { isBag: true } {
  const stateOf = (known: Known<Inputs>) => known.memory;
  const open = (operation: Operation<Inputs>): Operation => {
    const opened = operation as unknown as Operation;
    if (operation.known instanceof BagRecorder) {
      operation.known.operation = opened;
    }
    return opened;
  };
  const opened = (known: Known<Inputs>): Operation => (known as unknown as BagRecorder).operation as Operation;
  return {
    isBag: true,
    kind: kind.kind,
    schema: kind.schema,
    memory: everything,
    keyed: kind.keyed,
    check: (...given) => kind.check(...given),
    advise: (...given) => kind.advise(...given),
    claims: (...given) => kind.claims(...given),
    beside: (...given) => kind.beside?.(...given) ?? [],
    byDefault: (...given) => kind.byDefault?.(...given) ?? {},
    replaces: (known, ...given) => kind.replaces(stateOf(known), ...given),
    respelled: (known, ...given) => kind.respelled(stateOf(known), ...given),
    refersTo: (known) => kind.refersTo(stateOf(known)),
    announce: (...given) => kind.announce?.(...given),
    declare: (known, ...given) => kind.declare({ ...stateOf(known), id: known.id }, ...given),
    resolve: (inputs, operation) => kind.resolve(inputs, open(operation)),
    find: (desired, operation) => kind.find(desired, open(operation)),
    create: (desired, operation) => kind.ensure(desired, open(operation)),
    observe: (id, desired, operation) => kind.observe(id, desired, open(operation)),
    read: (asked, operation) => kind.read(asked, open(operation)),
    id: (observed) => kind.id(observed),
    difference: (desired, previous, observed, known) =>
      kind.difference(desired, stateOf(previous), observed, stateOf(known)),
    async apply(changes, desired, observed, operation) {
      await kind.apply(changes, desired, observed, open(operation));
      return undefined;
    },
    finish: (desired, previous, observed, operation) =>
      kind.finish(desired, stateOf(previous), observed, open(operation)),
    outputs: (desired, observed, known) => kind.outputs(desired, observed, opened(known)),
    inputs: (known, observed) => kind.inputs(stateOf(known), observed, opened(known)),
    remove: (id, operation) => kind.remove(id, open(operation)),
  };
}

function json(state: Properties): unknown {
  return JSON.parse(JSON.stringify(state));
}
