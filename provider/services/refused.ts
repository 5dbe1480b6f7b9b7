import { isClass, isServiceError, ProviderError, type ServiceError } from "../http/errors";

/**
 * The rule for what both services can do: Graph does it, and where it refuses, Exchange. A refusal proves that nothing was written.
 * Each mailbox is asked of Graph once: the right may end at the scope of an RBAC assignment, so that a refusal proves nothing about
 * another mailbox, and an unsuccessful read costs only one entry in a batch.
 */
export class GraphElseExchange {
  readonly #need: string;
  readonly #isRefusal: (error: ServiceError) => boolean;
  readonly #isGivenUp: (error: unknown) => boolean;
  /** What Graph said, by the mailbox's id. */
  readonly #refusals = new Map<string, unknown>();

  /**
   * @param need the rights of which one is enough, as whole sentences: the next step where both services refuse.
   * @param isRefusal which answers of Graph are refusals. Default: that the application lacks the right.
   * @param isGivenUp which other failures leave it to Exchange, whose word then counts alone. Default: none.
   */
  constructor(
    need: string,
    isRefusal: (error: ServiceError) => boolean = (error) => isClass(error, "forbidden"),
    isGivenUp: (error: unknown) => boolean = () => false,
  ) {
    this.#need = need;
    this.#isRefusal = isRefusal;
    this.#isGivenUp = isGivenUp;
  }

  /** @throws ProviderError with what both services said where both refuse. */
  async do<T>(mailboxId: string, byGraph: () => Promise<T>, byExchange: () => Promise<T>): Promise<T> {
    if (!this.#refusals.has(mailboxId)) {
      try {
        return await byGraph();
      } catch (error) {
        if (!this.#isByGraph(error) && !this.#isGivenUp(error)) {
          throw error;
        }
        this.#refusals.set(mailboxId, error);
      }
    }
    const refusal = this.#refusals.get(mailboxId);
    try {
      return await byExchange();
    } catch (error) {
      throw this.#isByGraph(refusal) && isClass(error, "forbidden") ? bothRefused(refusal, error, this.#need) : error;
    }
  }

  #isByGraph(error: unknown): error is ServiceError {
    return isServiceError(error) && error.service === "graph" && this.#isRefusal(error);
  }
}

/** What each of them said, with the request's id, and what is needed. */
function bothRefused(byGraph: ServiceError, byExchange: ServiceError, need: string): ProviderError {
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

/** The error for an answer of success that holds something else: it proves neither presence nor absence. */
export function notWhatWasAsked(
  service: "Exchange" | "Graph" | "Dataverse",
  action: string,
  requestId?: string,
): ProviderError {
  return new ProviderError({
    action,
    words: `${service} answered with something other than what was asked for`,
    requestId,
    nextStep:
      "Nothing was concluded from it. Run the command again. If it happens again, look for what answers in the place of the service, " +
      "such as a proxy.",
  });
}

/** Reads that the roles of readers have (View-Only Recipients, the Entra role Global Reader). */
const READERS = [
  "Get-CASMailbox",
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
