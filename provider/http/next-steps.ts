/** What to do about an error, where its class alone tells. Reconcilers know more about the rest. */
import type { ErrorClass, Service } from "./errors";

const RUN_AGAIN = "Run `pulumi up` again; if it stays, look at the service's health in the Microsoft 365 admin center.";

/** Advice by service and class: whole sentences. */
export const NEXT_STEPS: Readonly<Record<Service, Partial<Record<ErrorClass, string>>>> = {
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
    forbidden:
      "The application lacks a permission of Microsoft Graph, with admin consent: User.Read.All and User.EnableDisableAccount.All for accounts, LicenseAssignment.ReadWrite.All for licences, " +
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
