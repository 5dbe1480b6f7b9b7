import { isDeepStrictEqual } from "node:util";
import { check } from "../dynamic/check";
import type { Properties, Reconciler } from "../reconcilers/reconciler";

type Checkable = Pick<Reconciler<Properties, unknown, unknown>, "kind" | "schema" | "keyed" | "check">;

/**
 * The shortest way to write a property: without the members that mean the same left out, such as `keepCopy: true`.
 *
 * @param others the inputs that the property cannot be checked without.
 */
export function minimal(reconciler: Checkable, others: Properties, property: string, value: unknown): unknown {
  const canonical = (candidate: unknown) =>
    check(reconciler, { ...others, [property]: candidate }, undefined).inputs[property];
  const whole = canonical(value);
  const shorten = (part: unknown, put: (shorter: unknown) => unknown): unknown => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) {
      return part;
    }
    let shorter: Properties = { ...part };
    for (const key of Object.keys(part)) {
      const { [key]: member, ...rest } = shorter;
      shorter = isDeepStrictEqual(canonical(put(rest)), whole)
        ? rest
        : { ...rest, [key]: shorten(member, (inner) => put({ ...rest, [key]: inner })) };
    }
    return shorter;
  };
  return shorten(value, (shorter) => shorter);
}
