import type { Properties } from "./reconciler";

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
