import { type MailboxFields, type Organization, tables } from "./model";
import type { Tenant } from "./tenant";

/** Whether a mailbox is under a hold, its own or the organisation's: deleted then, it becomes an inactive mailbox. */
export function isHeld(tenant: Tenant, mailbox: MailboxFields): boolean {
  const excluded = mailbox.inPlaceHolds.filter((hold) => hold.startsWith("-")).map((hold) => holdId(hold.slice(1)));
  const organization = tenant.store.get<Organization>(tables.organization, "organization");
  return (
    mailbox.litigationHoldEnabled ||
    mailbox.complianceTagHoldApplied ||
    mailbox.delayHoldApplied ||
    mailbox.delayReleaseHoldApplied ||
    mailbox.inPlaceHolds.some((hold) => !hold.startsWith("-")) ||
    (organization?.inPlaceHolds ?? []).some((hold) => keepsContent(hold) && !excluded.includes(holdId(hold)))
  );
}

/** The id of a hold without its prefix (`mbx`, `skp`, `grp` …) and its action suffix (`:1`). */
function holdId(hold: string): string {
  return hold
    .replace(/:\d+$/, "")
    .replace(/^(?:mbx|skp|grp|UniH)/, "")
    .toLowerCase();
}

/** `:1` only deletes content; `grp` concerns Microsoft 365 groups and their sites. */
function keepsContent(hold: string): boolean {
  return !hold.endsWith(":1") && !hold.startsWith("grp");
}
