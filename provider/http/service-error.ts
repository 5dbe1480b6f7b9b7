/** Makes the error of a service's answer, with advice on what to do next. */
import type { Call } from "./call";
import {
  DataverseError,
  type ErrorClass,
  ExchangeError,
  GraphError,
  type Service,
  type ServiceError,
  type ServiceErrorFields,
} from "./errors";
import { type ParsedRefusal, parseRefusal, type Received } from "./parse";
import { parseRetryAfter } from "./retry-after";

const RUN_AGAIN = "Run `pulumi up` again; if it stays, look at the service's health in the Microsoft 365 admin center.";

/** What to do next, where the class alone tells. Reconcilers know more about the rest. */
const NEXT_STEPS: Readonly<Record<Service, Partial<Record<ErrorClass, string>>>> = {
  exchange: {
    unauthenticated:
      'The application needs the role Exchange.ManageAsApp of "Office 365 Exchange Online", with admin consent.',
    forbidden:
      "Two grants are needed: the application role Exchange.ManageAsApp, and an Entra role such as Exchange Administrator " +
      "(or an Exchange role group) for its service principal. A new grant can take an hour to work. Exchange answers the same way to a cmdlet that it does not know.",
    throttled: "Exchange limits requests: run `pulumi up` again later, or lower `mailboxes:maxConcurrency`.",
    transient: RUN_AGAIN,
    pagingExpired: "The listing took too long and must begin again: run `pulumi up` again.",
  },
  graph: {
    unauthenticated:
      "The tenant or the application may be the wrong one: see `mailboxes:tenantId` and `mailboxes:clientId`.",
    forbidden:
      "The application lacks a permission of Microsoft Graph, with admin consent: User.ReadWrite.All for accounts and licences, " +
      "MailboxSettings.ReadWrite for mailbox settings and inbox rules. A new grant can take an hour to work.",
    throttled: "Microsoft Graph limits requests: run `pulumi up` again later.",
    transient: RUN_AGAIN,
  },
  dataverse: {
    unauthenticated:
      "The environment must belong to the tenant, and have the application as an application user: see `mailboxes:environmentUrl`.",
    forbidden: "The application user needs a security role with this right in the Dataverse environment.",
    throttled: "Dataverse limits requests: run `pulumi up` again later.",
    transient: RUN_AGAIN,
  },
};

/** Whether the answer proves that a write did not happen. */
function provesNothingHappened(parsed: ParsedRefusal, received: Received): boolean {
  // A 503 with Retry-After is the front door's: the request was turned away before it was carried out.
  return parsed.class !== "transient" || (received.status === 503 && received.headers.has("retry-after"));
}

/**
 * The error of one answer with a status of 400 and above, also of one out of a batch.
 * @param now Epoch milliseconds, for `Retry-After` dates.
 */
export function serviceErrorOf(
  call: Pick<Call, "service" | "kind" | "action">,
  received: Received,
  clientRequestId?: string,
  now: number = Date.now(),
): ServiceError {
  const parsed = parseRefusal(call.service, received);
  const fields: ServiceErrorFields = {
    action: call.action,
    words: parsed.words,
    status: received.status,
    code: parsed.code,
    type: parsed.type,
    class: parsed.class,
    requestId: parsed.requestId,
    clientRequestId,
    retryAfter: parseRetryAfter(received.headers.get("retry-after"), now, received.headers.get("date")),
    warnings: parsed.warnings.length > 0 ? parsed.warnings : undefined,
    outcomeUnknown: call.kind === "write" && !provesNothingHappened(parsed, received),
    nextStep: NEXT_STEPS[call.service][parsed.class],
  };
  switch (call.service) {
    case "exchange":
      return new ExchangeError(fields);
    case "graph":
      return new GraphError(fields);
    case "dataverse":
      return new DataverseError(fields);
  }
}
