/** Where the resources of a preview stand in the tenant, and whether they stay there. */
import type { ResourceChange, Side } from "./preview";
import { deletionMode, UNKNOWN } from "./rules";

/** A mailbox as a reviewer knows it. */
export interface Place {
  /** The object id, or the URN of a mailbox that is yet to be made. */
  key: string;
  /** The primary address, or what is known in its place. */
  address: string;
  displayName?: string;
  /** Whether it shows which mailbox it is. */
  isKnown: boolean;
}

/** Names of what is in the stack, by id and by URN. */
export interface Directory {
  /** Object id by address or other text. */
  ids: ReadonlyMap<string, string>;
  /** A text for an object id: an address where there is one. */
  texts: ReadonlyMap<string, string>;
  /** Display name by object id. */
  displayNames: ReadonlyMap<string, string>;
  /** Mailboxes of the program by URN. */
  mailboxes: ReadonlyMap<string, Place>;
  /** The same by key. */
  places: ReadonlyMap<string, Place>;
  /** URNs of mailboxes by key. */
  urns: ReadonlyMap<string, readonly string[]>;
  /** Object ids of members that are groups, as far as states know it. */
  groups: ReadonlySet<string>;
}

/** Whether a change takes a mailbox away. */
export function isGone({ op, before }: ResourceChange): boolean {
  return (op === "delete" || op === "replace") && before !== undefined && !staysBehind(before);
}

/** Whether a mailbox stays in the tenant when its resource goes. */
export function staysBehind({ inputs, outputs, retainOnDelete }: Side): boolean {
  const mode = deletionMode(outputs ?? inputs) ?? deletionMode(inputs);
  return retainOnDelete === true || mode === "retain" || (mode === undefined && outputs?.created === false);
}

/** Whether a creation brings back a deleted mailbox. */
export function isRestored(side: Side | undefined): boolean {
  const { restoreDeleted } = side?.inputs ?? {};
  return restoreDeleted === true || typeof restoreDeleted === "string";
}

/** The mailbox that a membership is on. */
export function placeOf({ before, after }: ResourceChange, which: "before" | "after", directory: Directory): Place {
  const side = which === "before" ? before : after;
  const { mailbox } = side?.inputs ?? {};
  const known = which === "before" ? (side?.outputs?.mailboxId ?? side?.id) : undefined;
  const [from] = (side?.propertyDependencies?.mailbox ?? []).flatMap((urn) => directory.mailboxes.get(urn) ?? []);
  if (typeof known !== "string" && (typeof mailbox !== "string" || mailbox === UNKNOWN)) {
    return from ?? { key: `?${side?.urn}`, address: "a mailbox that is not known yet", isKnown: false };
  }
  const key = typeof known === "string" ? known : (directory.ids.get(String(mailbox)) ?? String(mailbox));
  return directory.places.get(key) ?? { key, address: directory.texts.get(key) ?? String(mailbox), isKnown: true };
}

/** Whether Pulumi forgets a resource without asking the provider to delete it: nobody loses anything by that. */
export function isForgottenByPulumi({ before }: ResourceChange, changes: readonly ResourceChange[]): boolean {
  const { retainOnDelete, deletedWith } = before ?? {};
  return (
    retainOnDelete === true ||
    (deletedWith !== undefined &&
      changes.some(({ op, before: other }) => op === "delete" && other?.urn === deletedWith))
  );
}
