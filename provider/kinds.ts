/**
 * The one list of kinds, by the name that stands in type tokens and state files. A new kind is a folder below `kinds/` and a line
 * here. The provider, the commands, the mocks and the tests learn of it from its description. TypeScript wants one more line for its
 * class, in `index.ts`.
 */
import type { Description } from "./kinds/description";
import { description as forwardingMailbox } from "./kinds/forwarding-mailbox/kind";
import { description as individualMailbox } from "./kinds/individual-mailbox/kind";
import { description as mailboxMembership } from "./kinds/mailbox-membership/kind";
import { description as queue } from "./kinds/queue/kind";
import { description as sharedMailbox } from "./kinds/shared-mailbox/kind";

export const kinds = {
  SharedMailbox: sharedMailbox,
  MailboxMembership: mailboxMembership,
  ForwardingMailbox: forwardingMailbox,
  IndividualMailbox: individualMailbox,
  Queue: queue,
} satisfies Record<string, Description>;

/** The name of a kind. */
export type Kind = keyof typeof kinds;

/** The names of all kinds. */
export const kindNames = Object.keys(kinds) as Kind[];

/** A kind by its name; undefined for one that this version does not know. */
export function kindNamed(name: string): Description | undefined {
  return Object.hasOwn(kinds, name) ? kinds[name as Kind] : undefined;
}

/** Columns of `Get-Mailbox` that kinds compare. */
export const comparedColumns: readonly string[] = Object.values<Description>(kinds).flatMap(
  ({ mailboxColumns = [] }) => mailboxColumns,
);
