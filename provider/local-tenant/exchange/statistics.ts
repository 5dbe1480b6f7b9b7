import type { Recipient } from "../model";
import { type Call, named } from "./call";
import { guid, type Row } from "./envelope";
import { archiveState } from "./errors";
import { formatSize } from "./format";
import { Directory, hasMailbox, type MailboxRecipient } from "./identity";

/** Get-MailboxStatistics. A mailbox nothing ever arrived in gives no row and a warning. */
export function getStatistics(call: Call): Row[] {
  // @observed exchange.statistics-never-used: Get-MailboxStatistics of a mailbox nothing arrived in: no row and a warning [Exchange
  // 15.00.1497, decompiled: WarningMailboxNeverBeenLoggedOn]
  const { bound, tenant, warnings } = call;
  const directory = new Directory(tenant, "seen");
  const includesDeleted = bound.flag("IncludeSoftDeletedRecipients") === true;
  const isAskedFor = (recipient: Recipient): recipient is MailboxRecipient =>
    hasMailbox(recipient) && (includesDeleted || !directory.isSoftDeleted(recipient));
  return named(call, directory, isAskedFor).flatMap((recipient) => {
    const { mailbox } = recipient;
    const ofArchive = bound.flag("Archive") === true;
    if (ofArchive && mailbox.archiveGuid === null) {
      throw archiveState(`The mailbox "${recipient.name}" doesn't have an archive.`);
    }
    if (!ofArchive && mailbox.itemCount === 0 && mailbox.totalItemSize === 0) {
      warnings.push(
        `The user hasn't logged on to mailbox '${recipient.name}' ('${mailbox.exchangeGuid}'), so there is no data to return. After the user logs on, this warning will no longer appear.`,
      );
      return [];
    }
    return [statisticsRow(recipient, ofArchive)];
  });
}

function statisticsRow(recipient: MailboxRecipient, ofArchive: boolean): Row {
  const { displayName, guid: owner, name, mailbox, recipientTypeDetails } = recipient;
  return {
    Identity: name,
    DisplayName: displayName,
    MailboxGuid: guid(ofArchive ? (mailbox.archiveGuid ?? "") : mailbox.exchangeGuid),
    OwnerADGuid: guid(owner),
    IsArchiveMailbox: ofArchive,
    ItemCount: ofArchive ? 0 : mailbox.itemCount,
    TotalItemSize: formatSize(ofArchive ? 0 : mailbox.totalItemSize),
    DeletedItemCount: 0,
    TotalDeletedItemSize: formatSize(0),
    LastLogonTime: null,
    StorageLimitStatus: ofArchive ? null : storageLimitStatus(mailbox),
    MailboxTypeDetail: recipientTypeDetails,
  };
}

function storageLimitStatus(mailbox: MailboxRecipient["mailbox"]): string {
  const isAbove = (quota: number | "unlimited") => quota !== "unlimited" && mailbox.totalItemSize >= quota;
  if (isAbove(mailbox.prohibitSendReceiveQuota)) {
    return "MailboxDisabled";
  }
  if (isAbove(mailbox.prohibitSendQuota)) {
    return "ProhibitSend";
  }
  return isAbove(mailbox.issueWarningQuota) ? "IssueWarning" : "BelowLimit";
}
