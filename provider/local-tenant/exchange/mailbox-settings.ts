import { untouchedSettings } from "../directory";
import { type MailboxSettings, tables } from "../model";
import { type Call, commitIfChanged } from "./call";
import { objectNotFound } from "./errors";
import { Directory, type MailboxRecipient } from "./identity";

/** The settings a Get- cmdlet shows for a mailbox: those Exchange sees, or those of a mailbox nobody has set anything on. */
export function shownSettings({ tenant }: Call, { externalDirectoryObjectId: id }: MailboxRecipient): MailboxSettings {
  return (
    tenant.store.seen<MailboxSettings>("exchange", tables.mailboxSettings, id) ?? untouchedSettings(id, tenant.now())
  );
}

/** Changes the authoritative settings of the mailbox that Identity names; a change that changes nothing is a warning. */
export function changeSettings(call: Call, change: (settings: MailboxSettings) => void): void {
  const { bound, tenant } = call;
  const identity = bound.filled("Identity") ?? "";
  const { name, externalDirectoryObjectId: id, guid } = new Directory(tenant, "seen").mailbox(identity);
  const latest = new Directory(tenant, "latest");
  const recipient = latest.byGuid(guid);
  if (recipient === undefined || latest.isSoftDeleted(recipient)) {
    throw objectNotFound(identity);
  }
  const present = tenant.store.get<MailboxSettings>(tables.mailboxSettings, id) ?? untouchedSettings(id, tenant.now());
  const settings = structuredClone(present);
  change(settings);
  commitIfChanged(call, name, present, settings, [[tables.mailboxSettings, id, settings]]);
}

/** A point in time as the settings hold it: UTC, seven decimals. */
export function utc(iso: string): { dateTime: string; timeZone: string } {
  return { dateTime: `${iso.replace(/(?:\.\d+)?Z$/, "")}.0000000`, timeZone: "UTC" };
}
