import { ProviderError, type ServiceError } from "../http/errors";

/**
 * The error for something that Graph and Exchange can both do and both refuse: what each of them said, with the request's id, and
 * what is needed.
 *
 * @param need the rights of which one is enough, as a sentence.
 */
export function bothRefused(byGraph: ServiceError, byExchange: ServiceError, need: string): ProviderError {
  return new ProviderError({
    action: byExchange.action,
    words: `Microsoft Graph: ${saidBy(byGraph)}; Exchange: ${saidBy(byExchange)}`,
    nextStep: `${need} A new grant can take an hour to work.`,
    cause: byExchange,
  });
}

function saidBy({ words, code, requestId, clientRequestId }: ServiceError): string {
  const id = requestId ?? clientRequestId;
  return [
    words.replace(/\.$/, ""),
    ...(code === "" || words.includes(code) ? [] : [`[${code}]`]),
    ...(id === undefined ? [] : [`(request ${id})`]),
  ].join(" ");
}

/** Reads that the roles of readers have (View-Only Recipients, the Entra role Global Reader). */
const READERS = [
  "Get-Group",
  "Get-Mailbox",
  "Get-MailboxAutoReplyConfiguration",
  "Get-MailboxPermission",
  "Get-MailboxPlan",
  "Get-MailboxRegionalConfiguration",
  "Get-MailboxStatistics",
  "Get-Recipient",
  "Get-User",
];

const CONFIGURATION = ["Get-AcceptedDomain", "Get-OrganizationConfig"];

const CREATION = ["New-Mailbox", "Remove-Mailbox", "Undo-SoftDeletedMailbox"];

/**
 * The Exchange management role that holds a cmdlet.
 *
 * Microsoft's pages name it for few cmdlets. That the roles of readers lack `Get-RecipientPermission` is reported in
 * office-docs-powershell #9428, and that they cannot run `Get-InboxRule` on Microsoft's page about it.
 */
function roleWith(cmdlet: string): string {
  if (READERS.includes(cmdlet)) {
    return "View-Only Recipients (or Mail Recipients)";
  }
  if (CONFIGURATION.includes(cmdlet)) {
    return "View-Only Configuration";
  }
  return CREATION.includes(cmdlet) ? "Mail Recipient Creation" : "Mail Recipients";
}

/**
 * What to do where Exchange refuses a cmdlet to an application that it has let run others: the grants that evidently work are not
 * the ones that are missing.
 *
 * @param worked cmdlets that this deployment has run, in order.
 * @returns undefined where nothing has worked yet: any grant may be the missing one.
 */
export function missingRole(refusal: ServiceError, cmdlet: string, worked: ReadonlySet<string>): string | undefined {
  if (refusal.class !== "forbidden" || worked.size === 0) {
    return undefined;
  }
  const [example] = worked;
  return worked.has(cmdlet)
    ? `The application runs ${cmdlet}, but not on this object: look at the scope of its role assignment (management role ${roleWith(cmdlet)}).`
    : `The application signs in and runs other cmdlets (${example}). It lacks a management role with ${cmdlet}: ${roleWith(cmdlet)}. ` +
        `\`Get-ManagementRole -Cmdlet ${cmdlet}\` lists all that have it. A new grant can take an hour to work.`;
}
