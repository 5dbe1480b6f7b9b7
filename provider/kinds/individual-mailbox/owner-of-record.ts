import { absent, type Unfit, unfit } from "../../core/reading";
import { InputError } from "../../http/errors";
import type { MailboxRow } from "../../services/dataverse";
import { listed } from "../../services/principals";
import { isGuid } from "../../services/text";
import { namesOf, recordOf, type UserOrQueue, userOrQueue } from "../mailbox-record/user-or-queue";
import type { IndividualInputs, IndividualOperation } from "./desired";

/** The user or queue whose record is meant; one that the state knows by its id keeps meaning that one. */
export async function ownerNamed(
  { user, queue }: IndividualInputs,
  operation: IndividualOperation,
): Promise<UserOrQueue> {
  const { regarding } = operation.known.memory;
  const kind = user === undefined ? "queue" : "user";
  const name = user ?? queue ?? "";
  if (regarding !== undefined) {
    const known = await userOrQueue({ kind, id: regarding }, operation);
    if (known !== undefined) {
      return known;
    }
  }
  const found = await ownersNamed(kind, name, operation);
  const [only, second] = found;
  if (only === undefined) {
    throw new InputError([{ path: kind, reason: `no ${kind} of the Dynamics environment is known as ${name}` }]);
  }
  if (second !== undefined) {
    throw new InputError([{ path: kind, reason: `${name} is ambiguous: it means ${listed(found)}; write the id` }]);
  }
  return only;
}

/** The users or queues that a text means. */
export async function ownersNamed(
  kind: UserOrQueue["kind"],
  name: string,
  { services, ...operation }: IndividualOperation,
): Promise<UserOrQueue[]> {
  return kind === "user"
    ? (await services.principals.users(name, operation)).map((one) => ({ ...one, kind }))
    : (await services.queues.named(name, operation)).map((one) => ({
        ...one,
        kind,
        address: one.emailAddress,
        knownAs: namesOf(one),
      }));
}

/** All ways to write the user or queue that are known to mean it, the one of the program among them. */
export function knownAs(
  { knownAs: names }: UserOrQueue,
  { user, queue }: { user?: string | null | undefined; queue?: string | null | undefined },
): string[] {
  const written = [user, queue].filter((name) => typeof name === "string");
  return [...new Set([...names, ...written].map((name) => name.toLowerCase()))].sort();
}

/** The one mailbox record that a program refers to, by its own id or by whose it is, and the user or queue behind it. */
export async function recordAsked(
  asked: string,
  operation: IndividualOperation,
): Promise<{ row: MailboxRow; owner: UserOrQueue } | Unfit> {
  const { dataverse } = operation.services;
  const byId = isGuid(asked) ? await dataverse.mailbox(asked, operation) : undefined;
  if (byId !== undefined) {
    return ownerOf(byId, operation);
  }
  const kinds = ["user", "queue"] as const;
  const found = (await Promise.all(kinds.map((kind) => ownersNamed(kind, asked, operation)))).flat();
  const [only, second] = found;
  if (only === undefined) {
    const [other] = await dataverse.mailboxesWithAddress(asked.toLowerCase(), operation);
    return other?.isForwardMailbox === true
      ? unfit(forwardMailbox(other))
      : absent("no mailbox record of the Dynamics environment has this id, and no user or queue is known as this");
  }
  if (second !== undefined) {
    const all = found.map(({ kind, name, id, isDisabled }) => {
      return `the ${kind} ${name} (${id}${isDisabled === true ? ", disabled" : ""})`;
    });
    return unfit(`it means ${all.join(" or ")}; write the id`);
  }
  const row = await recordOf(only, operation);
  return row === undefined
    ? absent(`Dynamics has made no mailbox record for the ${only.kind} ${only.name}`)
    : { row, owner: only };
}

async function ownerOf(
  row: MailboxRow,
  operation: IndividualOperation,
): Promise<{ row: MailboxRow; owner: UserOrQueue } | Unfit> {
  if (row.isForwardMailbox) {
    return unfit(forwardMailbox(row));
  }
  const { regarding } = row;
  const owner =
    regarding === undefined
      ? undefined
      : ((await userOrQueue({ kind: "user", id: regarding }, operation)) ??
        (await userOrQueue({ kind: "queue", id: regarding }, operation)));
  return owner === undefined
    ? unfit(`the mailbox record ${row.name} belongs to no user or queue that the application can read`)
    : { row, owner };
}

function forwardMailbox({ name }: MailboxRow): string {
  return `it is the forward mailbox ${name}; ForwardingMailbox.get reads it`;
}
