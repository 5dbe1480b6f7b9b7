/** How a kind is found in a tenant and written in a program, for `mailboxes import-file`. */
import { isSame } from "../core/canonical";
import type { Operation, Properties } from "../core/kind";
import { type Checking, check } from "../dynamic/check";
import type { User } from "../services/graph";
import type { Mailbox } from "../services/mailboxes";

/** What is around a shared mailbox and is a resource of one kind. */
export interface Survey {
  /** The end of its logical name, behind that of the mailbox: `members`. Left out for the mailbox itself. */
  readonly suffix?: string;
  /** One of it and several, in the words of the command's last line. */
  readonly words: readonly [one: string, many: string];
  /**
   * Reads it. Nothing is changed.
   *
   * @param seen the mailbox as listed, and the account behind it.
   * @returns a reason where the mailbox cannot be imported at all.
   */
  // biome-ignore lint/suspicious/noExplicitAny: each kind reads with an operation on itself.
  declare(seen: { mailbox: Mailbox; user: User }, operation: Operation<any, any>): Promise<Declared | Refused>;
}

/** A resource as a program declares it and as the engine holds it after a refresh. */
export interface Declared {
  /** The physical id. */
  id: string;
  /** What the program writes; undefined where there is nothing to declare. `MAILBOX` stands for the id of the mailbox. */
  program: Properties | undefined;
  /** Canonical inputs. */
  inputs: Properties;
  /** Computed outputs. */
  outputs: Properties;
  /** What was left out, and why; sentences for the reader of the program. */
  notes: string[];
}

/** Why a mailbox cannot be imported. */
export interface Refused {
  refusal: string;
}

/** Stands in a program for the id of the mailbox that it is beside. */
export const MAILBOX = Symbol("the mailbox");

/** Problems as one sentence without its full stop. */
export function reasons(problems: readonly { path: string; reason: string }[]): string {
  return problems.map(({ path, reason }) => `${path}: ${reason}`).join("; ");
}

/**
 * The shortest way to write a property: without the members that mean the same left out, such as `keepCopy: true`.
 *
 * @param others the inputs that the property cannot be checked without.
 */
export function minimal(
  reconciler: Checking<Properties>,
  others: Properties,
  property: string,
  value: unknown,
): unknown {
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
      shorter = isSame(canonical(put(rest)), whole)
        ? rest
        : { ...rest, [key]: shorten(member, (inner) => put({ ...rest, [key]: inner })) };
    }
    return shorter;
  };
  return shorten(value, (shorter) => shorter);
}
