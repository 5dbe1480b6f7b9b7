import type { z } from "zod";
import { ProviderError } from "../http/errors";
import { membersOf } from "../http/json";
import type { Held, Known, Properties, Recorded } from "./kind";
import { isSet } from "./properties";

/** The output that holds what only this package reads. The classes keep it out of diffs. */
const MEMORY = "__memory";

type Fields = Readonly<Record<string, z.ZodType>>;

/** The values of some fields. None is optional: a kind that forgets to say what becomes of one does not compile. */
export type ValuesOf<Of extends Fields> = { readonly [Name in keyof Of]: z.output<Of[Name]> | undefined };

/** The memory that a schema describes. */
export type MemoryOf<Schema> = Schema extends MemorySchema<infer Memory> ? Memory : never;

/**
 * What a kind remembers between deployments, and where that stands in the state. What users have a use for is an output by its own
 * name; the rest stands together in {@link MEMORY}.
 */
export interface MemorySchema<Memory> {
  /** The names of all that is remembered. */
  readonly names: readonly string[];
  /**
   * The memory in a state, of this release or of an earlier one, where all of it was outputs.
   *
   * @throws ProviderError for a value that this package never writes: to go on without it could leave something behind for ever.
   */
  read(state: Properties): Memory;
  /**
   * Outputs as they stand in a state.
   *
   * @param before a state that is refreshed: what stood by its own name there stays, because a refresh shows each output that moves.
   */
  write(outputs: Memory & Properties, before?: Properties): Properties;
}

/**
 * Declares what a kind remembers.
 *
 * @param shown what is an output.
 * @param hidden what only this package reads.
 */
export function remembering<Shown extends Fields, Hidden extends Fields>(
  shown: Shown,
  hidden: Hidden,
): MemorySchema<ValuesOf<Shown> & ValuesOf<Hidden>> {
  const entries = Object.entries<z.ZodType>({ ...shown, ...hidden });
  return {
    names: entries.map(([name]) => name),
    read(state) {
      const inside = membersOf(state[MEMORY]);
      const memory: Properties = {};
      for (const [name, field] of entries) {
        const value = (name in hidden ? inside[name] : undefined) ?? state[name] ?? undefined;
        memory[name] = value === undefined ? undefined : parsed(name, field, value);
      }
      return memory as ValuesOf<Shown> & ValuesOf<Hidden>;
    },
    write(outputs, before = {}) {
      const outside: Properties = {};
      const inside: Properties = {};
      for (const [name, value] of Object.entries(outputs)) {
        if (value !== undefined) {
          (name in hidden && !isSet(before[name]) ? inside : outside)[name] = value;
        }
      }
      return Object.keys(inside).length === 0 ? outside : { ...outside, [MEMORY]: inside };
    },
  };
}

function parsed(name: string, field: z.ZodType, value: unknown): unknown {
  const result = field.safeParse(value);
  if (!result.success) {
    throw new ProviderError({
      // The value is not said: it may be a secret.
      words: `the state has a value of ${name} that pulumi-mailboxes cannot have written`,
      nextStep:
        "Nothing was changed. If the state was edited, put the value back (`pulumi stack export`, then `pulumi stack import`).",
    });
  }
  return result.data;
}

/** What a kind says of its inputs and its memory. */
interface Described<Memory> {
  readonly schema: { readonly shape: Readonly<Record<string, unknown>> };
  readonly memory: MemorySchema<Memory>;
}

/**
 * What is known of a resource during one operation, and whether any of it is new. Readers get values that nobody changes: each record
 * makes new ones.
 */
export class Recorder<Inputs, Memory> implements Known<Inputs, Memory> {
  readonly #memorySchema: MemorySchema<Memory>;
  /** Outputs that nothing reads again. */
  readonly #others: Properties;
  id: string | undefined;
  inputs: Held<Inputs>;
  memory: Memory;
  #isWritten = false;

  /**
   * @param state outputs as a state has them; none for a new resource.
   * @throws ProviderError as {@link MemorySchema.read} does.
   */
  constructor({ schema, memory }: Described<Memory>, state: Properties, id?: string) {
    const inputs: Properties = {};
    const others: Properties = {};
    for (const [name, value] of Object.entries(state)) {
      if (name in schema.shape) {
        inputs[name] = value;
      } else if (!memory.names.includes(name) && name !== MEMORY) {
        others[name] = value;
      }
    }
    this.#memorySchema = memory;
    this.memory = memory.read(state);
    this.id = id;
    this.inputs = inputs as Held<Inputs>;
    this.#others = others;
  }

  /** Whether a failure must be saved: something was or may have been written, to an object with an id. */
  get isPartial(): boolean {
    return this.#isWritten && this.id !== undefined;
  }

  /** See `Operation.record`. */
  record({ id, inputs, memory }: Recorded<Inputs, Memory>): void {
    this.#isWritten = true;
    this.id = id ?? this.id;
    this.inputs = { ...this.inputs, ...inputs } as Held<Inputs>;
    this.memory = { ...this.memory, ...memory };
  }

  /** Takes note of the id of what is there already: nothing was written. */
  identify(id: string): void {
    this.id ??= id;
  }

  /** Takes note of what is declared and remembered now that everything is done. */
  settle(inputs: Held<Inputs>, memory: Memory): void {
    this.inputs = inputs;
    this.memory = memory;
  }

  /** What is known now, as it stays. */
  snapshot(): Known<Inputs, Memory> {
    return { id: this.id, inputs: this.inputs, memory: this.memory };
  }

  /** Everything, as outputs of a state. */
  properties(): Properties {
    return { ...this.#others, ...this.inputs, ...this.#memorySchema.write(this.memory as Memory & Properties) };
  }
}
