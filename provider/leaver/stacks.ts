/** Everywhere that the states of stacks name somebody. */
import type { Stack } from "../access/states";
import { mentions } from "./program";

/** A place in a stack. */
export interface StackPlace {
  stack: string;
  kind: string;
  resource: string;
  /** Property path. */
  path: string;
}

/** Other texts for the same person that states know: the object id behind an address, and the addresses behind an id. */
export function namesIn(stacks: readonly Stack[], given: ReadonlySet<string>): Set<string> {
  const names = new Set(given);
  // A text may lead to an id, which leads to other texts.
  for (let before = -1; before < names.size; ) {
    before = names.size;
    for (const { outputs } of stacks.flatMap(({ resources }) => resources)) {
      const hidden = record(outputs.__memory);
      for (const ids of [outputs.memberIds, outputs.deletedMembers, outputs.keepIds, hidden.keepIds]) {
        for (const [key, id] of Object.entries(record(ids))) {
          const both = [key.toLowerCase(), String(id).toLowerCase()];
          if (both.some((name) => names.has(name))) {
            for (const name of both) {
              names.add(name);
            }
          }
        }
      }
    }
  }
  return names;
}

/** Where the inputs of resources have one of the names, as a key, a value, or in a text. */
export function inStacks(stacks: readonly Stack[], names: ReadonlySet<string>): StackPlace[] {
  return stacks.flatMap(({ name: stack, resources }) =>
    resources.flatMap(({ kind, name, inputs }) =>
      Object.entries(inputs)
        .filter(([property]) => !property.startsWith("__"))
        .flatMap(([property, value]) => pathsTo(value, property, names))
        .map((path) => ({ stack, kind, resource: name, path })),
    ),
  );
}

function pathsTo(value: unknown, path: string, names: ReadonlySet<string>): string[] {
  if (typeof value === "string") {
    return [...names].some((name) => mentions(value, name)) ? [path] : [];
  }
  if (Array.isArray(value)) {
    return value.flatMap((one, index) => pathsTo(one, `${path}[${index}]`, names));
  }
  return Object.entries(record(value)).flatMap(([key, one]) => {
    const at = /^[A-Za-z_]\w*$/.test(key) ? `${path}.${key}` : `${path}["${key}"]`;
    return names.has(key.toLowerCase()) ? [at] : pathsTo(one, at, names);
  });
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
