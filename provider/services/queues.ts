import type { CallContext } from "../http/call";
import { type IncomingMethod, incomingMethods, type OutgoingMethod, outgoingMethods } from "./dataverse";
import { type DataverseApi, type DataverseRow, notWhatWasAsked, optional, query } from "./dataverse-api";
import { isGuid } from "./text";

/** `incomingemailfilteringmethod`: which messages become records, by value (Microsoft's reference of the queue table). */
export const emailFilters = [
  "All",
  "ResponsesToDynamicsEmail",
  "LeadsContactsAccounts",
  "EmailEnabledRecords",
  "None",
] as const;

/** Which messages of a queue become records. */
export type EmailFiltering = (typeof emailFilters)[number];

/** A row of the `queue` table, in the words of its options. */
export interface QueueRow {
  id: string;
  etag: string;
  name: string;
  /** Lower case; undefined where it has none. */
  emailAddress: string | undefined;
  ownerId: string | undefined;
  incoming: IncomingMethod;
  outgoing: OutgoingMethod;
  filtering: EmailFiltering;
  /** Id of its mailbox record; undefined while Dynamics has made none. */
  mailboxId: string | undefined;
  /** How many queue items it holds. */
  itemCount: number;
  /** When it was made, ISO 8601. */
  createdOn: string | undefined;
}

const COLUMNS = [
  "queueid",
  "name",
  "emailaddress",
  "_ownerid_value",
  "incomingemaildeliverymethod",
  "outgoingemaildeliverymethod",
  "incomingemailfilteringmethod",
  "_defaultmailbox_value",
  "numberofitems",
  "createdon",
] as const;

/** Queues of one Dataverse environment. */
export class Queues {
  readonly #api: DataverseApi;

  constructor(api: DataverseApi) {
    this.#api = api;
  }

  /** The queue with this id, or undefined when Dataverse has none. */
  async withId(id: string, context: CallContext): Promise<QueueRow | undefined> {
    const action = `reading the queue ${id}`;
    const row = await this.#api.get(`/queues(${id})?$select=${COLUMNS.join(",")}`, action, context);
    if (row !== undefined && String(row.queueid).toLowerCase() !== id.toLowerCase()) {
      throw notWhatWasAsked(action);
    }
    return row === undefined ? undefined : queueOf(row);
  }

  /** The queues with this id, address or name. */
  async named(identifier: string, context: CallContext): Promise<QueueRow[]> {
    const column = isGuid(identifier) ? "queueid" : identifier.includes("@") ? "emailaddress" : "name";
    const path = query("queues", COLUMNS, { [column]: identifier });
    return (await this.#api.list(path, `looking for the queue ${identifier}`, context)).map(queueOf);
  }

  /** Creates a queue under an id of our own. @returns false when there is a row with this id already. */
  async create(id: string, columns: DataverseRow, action: string, context: CallContext): Promise<boolean> {
    return this.#api.create(`/queues(${id})`, columns, action, context);
  }

  /** Changes columns of a queue that is still as it was read. */
  async update(queue: QueueRow, columns: DataverseRow, action: string, context: CallContext): Promise<void> {
    await this.#api.update(`/queues(${queue.id})`, queue.etag, columns, action, context);
  }

  /** Deletes a queue; gone already is success. */
  async delete(id: string, action: string, context: CallContext): Promise<void> {
    await this.#api.delete(`/queues(${id})`, action, context);
  }
}

function queueOf(row: DataverseRow): QueueRow {
  return {
    id: String(row.queueid),
    etag: String(row["@odata.etag"] ?? "*"),
    name: String(row.name ?? ""),
    emailAddress: optional(row.emailaddress)?.toLowerCase(),
    ownerId: optional(row._ownerid_value),
    incoming: incomingMethods[Number(row.incomingemaildeliverymethod ?? 0)] ?? "None",
    outgoing: outgoingMethods[Number(row.outgoingemaildeliverymethod ?? 0)] ?? "None",
    filtering: emailFilters[Number(row.incomingemailfilteringmethod ?? 0)] ?? "All",
    mailboxId: optional(row._defaultmailbox_value),
    itemCount: Number(row.numberofitems ?? 0),
    createdOn: optional(row.createdon),
  };
}
