/**
 * The one list of kinds, by the name that stands in type tokens and state files. A new kind is a folder below `kinds/` and a line
 * here. The provider, the commands, the mocks and the tests learn of it from its description. TypeScript wants one more line for its
 * class, in `index.ts`.
 */
import type { Description } from "./kinds/description";
import type * as Forwarding from "./kinds/forwarding-mailbox/kind";
import type * as Individual from "./kinds/individual-mailbox/kind";
import { description as mailboxMembership } from "./kinds/mailbox-membership/kind";
import type * as Queues from "./kinds/queue/kind";
import { description as sharedMailbox } from "./kinds/shared-mailbox/kind";

/** Those of Dynamics 365 are loaded when they are first asked for: most deployments have none, and a provider process starts sooner. */
export const kinds = {
  SharedMailbox: sharedMailbox,
  MailboxMembership: mailboxMembership,
  get ForwardingMailbox() {
    return (require("./kinds/forwarding-mailbox/kind") as typeof Forwarding).description;
  },
  get IndividualMailbox() {
    return (require("./kinds/individual-mailbox/kind") as typeof Individual).description;
  },
  get Queue() {
    return (require("./kinds/queue/kind") as typeof Queues).description;
  },
} satisfies Record<string, Description>;

/** The name of a kind. */
export type Kind = keyof typeof kinds;

/** The names of all kinds. */
export const kindNames = Object.keys(kinds) as Kind[];

/** A kind by its name; undefined for one that this version does not know. */
export function kindNamed(name: string): Description | undefined {
  return Object.hasOwn(kinds, name) ? kinds[name as Kind] : undefined;
}

/** Columns of `Get-Mailbox` that kinds compare. Those of Dynamics 365 compare none. */
export const comparedColumns: readonly string[] = [sharedMailbox, mailboxMembership].flatMap(
  ({ mailboxColumns = [] }) => mailboxColumns,
);
