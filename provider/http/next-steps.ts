/** What to do about an error, where its class alone tells. Reconcilers know more about the rest. */
import type { Call } from "./call";
import type { ErrorClass, Service } from "./errors";

const RUN_AGAIN = "Run `pulumi up` again; if it stays, look at the service's health in the Microsoft 365 admin center.";

/** What Graph asks for, by a part of the path: to read, to write. */
const GRAPH_PERMISSIONS: ReadonlyArray<readonly [RegExp, string, string]> = [
  [/mailboxSettings|messageRules/i, "MailboxSettings.Read", "MailboxSettings.ReadWrite"],
  [/subscribedSkus|assignLicense/i, "LicenseAssignment.Read.All", "LicenseAssignment.ReadWrite.All"],
  [/revokeSignInSessions/i, "User.RevokeSessions.All", "User.RevokeSessions.All"],
  [/deletedItems/i, "User.Read.All", "User.DeleteRestore.All"],
  [/./, "User.Read.All", "User.EnableDisableAccount.All (User.ReadWrite.All for a usage location)"],
];

/** The permission that a refused call to Graph needs, as a sentence. */
function graphPermission(path: string, kind: Call["kind"]): string {
  const [, read, write] = GRAPH_PERMISSIONS.find(([part]) => part.test(path)) ?? [];
  return `The application needs the permission ${kind === "read" ? read : write} of Microsoft Graph, with admin consent. A new grant can take an hour to work.`;
}

/** What to do about a refused call; undefined where only who asked can tell. */
export function nextStepFor(call: Pick<Call, "service" | "kind" | "path">, meaning: ErrorClass): string | undefined {
  return call.service === "graph" && meaning === "forbidden"
    ? graphPermission(call.path, call.kind)
    : NEXT_STEPS[call.service][meaning];
}

/** Advice by service and class: whole sentences. */
const NEXT_STEPS: Readonly<Record<Service, Partial<Record<ErrorClass, string>>>> = {
  exchange: {
    unauthenticated:
      'The application needs the role Exchange.ManageAsApp of "Office 365 Exchange Online", with admin consent.',
    forbidden:
      "Two grants are needed: the application role Exchange.ManageAsApp, and an Entra role such as Exchange Administrator " +
      "(or an Exchange role group) for its service principal. A new grant can take an hour to work. Exchange answers the same way to a cmdlet that it does not know.",
    throttled: "Exchange limits requests: run `pulumi up` again later, or lower `mailboxes:maxConcurrency`.",
    transient: RUN_AGAIN,
    misrouted: RUN_AGAIN,
    pagingExpired: "The listing took too long and must begin again: run `pulumi up` again.",
  },
  graph: {
    unauthenticated:
      "The tenant or the application may be the wrong one: see `mailboxes:tenantId` and `mailboxes:clientId`.",
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
