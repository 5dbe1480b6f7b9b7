import type { Properties } from "./reconciler";

/** A state with what was read in place of what it held; properties that it does not hold are not managed, and stay out. */
export function asHeld(state: Properties, read: Properties): Properties {
  return { ...state, ...Object.fromEntries(Object.entries(read).filter(([property]) => property in state)) };
}
