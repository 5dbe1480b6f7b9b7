import type { MailboxRow } from "../../services/dataverse";
import { isGuid } from "../../services/recipients";
import { absent, type Unfit, unfit } from "../asked";
import { type Behind, lookBehind, recordOf } from "../mailbox-record/behind";
import type { Operation } from "../reconciler";
import { behindNamed } from "./whose";

/** The one mailbox record that a program refers to, by its own id or by whose it is, and the user or queue behind it. */
export async function recordAsked(
  asked: string,
  operation: Operation,
): Promise<{ row: MailboxRow; behind: Behind } | Unfit> {
  const { dataverse } = operation.services;
  const byId = isGuid(asked) ? await dataverse.mailbox(asked, operation) : undefined;
  if (byId !== undefined) {
    return ownerOf(byId, operation);
  }
  const kinds = ["user", "queue"] as const;
  const found = (await Promise.all(kinds.map((kind) => behindNamed(kind, asked, operation)))).flat();
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
    : { row, behind: only };
}

async function ownerOf(row: MailboxRow, operation: Operation): Promise<{ row: MailboxRow; behind: Behind } | Unfit> {
  if (row.isForwardMailbox) {
    return unfit(forwardMailbox(row));
  }
  const { regarding } = row;
  const behind =
    regarding === undefined
      ? undefined
      : ((await lookBehind({ kind: "user", id: regarding }, operation)) ??
        (await lookBehind({ kind: "queue", id: regarding }, operation)));
  return behind === undefined
    ? unfit(`the mailbox record ${row.name} belongs to no user or queue that the application can read`)
    : { row, behind };
}

function forwardMailbox({ name }: MailboxRow): string {
  return `it is the forward mailbox ${name}; ForwardingMailbox.get reads it`;
}
