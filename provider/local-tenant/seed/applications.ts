import type { ManagementRole } from "../exchange/roles";
import { type Application, tables } from "../model";
import { names } from "../values";
import { type SeedRow, seedId } from "./contoso";

/** Every app role the clients of this package use, and those that let one look around. */
const everything: Application["roles"] = {
  exchange: ["Exchange.ManageAsApp", "Exchange.ManageAsAppV2"],
  graph: names(`
    Directory.Read.All Domain.Read.All Group.Read.All LicenseAssignment.ReadWrite.All Mail.Read Mail.Send
    MailboxSettings.ReadWrite Organization.Read.All User.DeleteRestore.All User.EnableDisableAccount.All
    User.ReadWrite.All User.RevokeSessions.All
  `),
};

/** Roles of Dataverse's application users, by application number. */
export const environmentRoles = {
  administrator: ["System Administrator", "Delegated Mailbox Approver"],
  withoutApproval: ["System Administrator"],
  reader: ["Basic User"],
} as const;

/** The app roles of Graph that are enough for everything but a usage location: each right has a role of its own. */
const leastGraph = names(`
  LicenseAssignment.ReadWrite.All MailboxSettings.ReadWrite User.DeleteRestore.All User.EnableDisableAccount.All User.Read.All
  User.RevokeSessions.All
`);

/** The management roles of Exchange that are enough. */
const leastExchange: ManagementRole[] = [
  "Legal Hold",
  "Mail Recipient Creation",
  "Mail Recipients",
  "View-Only Configuration",
];

/** A seeded application: its number is the end of its id. */
export interface SeedApplication {
  number: number;
  displayName: string;
  /** The app roles of Graph it has. Default: those of every other right too. */
  graph?: string[];
  without?: Partial<Application["roles"]>;
  exchangeRbac?: false;
  /** Its management roles in Exchange. Default: all. */
  exchangeRoles?: ManagementRole[];
  exchangeScope?: Application["exchangeScope"];
  environment: keyof typeof environmentRoles | "nobody";
}

/** An application with the least roles, less one. */
function leastWithout(number: number, role: string): SeedApplication {
  return {
    number,
    displayName: `Without ${role}`,
    graph: leastGraph.filter((one) => one !== role),
    exchangeRoles: leastExchange.filter((one) => one !== role),
    environment: "administrator",
  };
}

/** What `User.ReadWrite.All` includes has to go with it, or the right would still be there by another name. */
const userWriting = [
  "LicenseAssignment.ReadWrite.All",
  "User.DeleteRestore.All",
  "User.EnableDisableAccount.All",
  "User.ReadWrite.All",
  "User.RevokeSessions.All",
];

/** One application with every right, then one for each right it may lack. All have the same secret. */
export const seedApplications: readonly SeedApplication[] = [
  { number: 2, displayName: "Contoso Mailbox Deployment", environment: "administrator" },
  {
    number: 3,
    displayName: "Without Exchange.ManageAsApp",
    without: { exchange: everything.exchange },
    environment: "administrator",
  },
  { number: 4, displayName: "Without an Exchange role group", exchangeRbac: false, environment: "administrator" },
  {
    number: 5,
    displayName: "Without Graph user write",
    without: { graph: userWriting },
    environment: "administrator",
  },
  {
    number: 6,
    displayName: "Without MailboxSettings.ReadWrite",
    without: { graph: ["MailboxSettings.ReadWrite"] },
    environment: "administrator",
  },
  { number: 7, displayName: "Without a Dataverse user", environment: "nobody" },
  { number: 8, displayName: "Without e-mail approval", environment: "withoutApproval" },
  { number: 9, displayName: "Without write access in Dataverse", environment: "reader" },
  {
    number: 10,
    displayName: "Without any Graph role",
    without: { graph: everything.graph },
    environment: "administrator",
  },
  {
    number: 11,
    displayName: "Least rights",
    graph: leastGraph,
    exchangeRoles: leastExchange,
    environment: "administrator",
  },
  leastWithout(12, "User.Read.All"),
  leastWithout(13, "User.EnableDisableAccount.All"),
  leastWithout(14, "User.RevokeSessions.All"),
  leastWithout(15, "User.DeleteRestore.All"),
  leastWithout(16, "LicenseAssignment.ReadWrite.All"),
  // It still reads mailboxes, which Mail Recipients includes.
  {
    ...leastWithout(17, "Mail Recipients"),
    exchangeRoles: ["Legal Hold", "Mail Recipient Creation", "View-Only Configuration", "View-Only Recipients"],
  },
  leastWithout(18, "Mail Recipient Creation"),
  leastWithout(19, "View-Only Configuration"),
  leastWithout(20, "Legal Hold"),
  {
    number: 21,
    displayName: "Limited to fabrikam.example",
    graph: leastGraph,
    exchangeRoles: leastExchange,
    exchangeScope: { name: "Fabrikam mailboxes", domain: "fabrikam.example" },
    environment: "administrator",
  },
  {
    number: 22,
    displayName: "Reading",
    graph: ["LicenseAssignment.Read.All", "MailboxSettings.Read", "User.Read.All"],
    exchangeRoles: ["Send As Readers", "View-Only Configuration", "View-Only Recipients"],
    environment: "reader",
  },
  {
    number: 23,
    displayName: "Reading without Send As",
    graph: ["LicenseAssignment.Read.All", "MailboxSettings.Read", "User.Read.All"],
    exchangeRoles: ["View-Only Configuration", "View-Only Recipients"],
    environment: "reader",
  },
];

/** The secret of every seeded application. */
export const seedSecret = "local-tenant-secret";

/** Rows of the applications; their Dataverse users are in the environment's rows. */
export function applicationRows(): SeedRow[] {
  return seedApplications.map((seed) => {
    const row: Application = {
      appId: seedId("tenant", seed.number),
      displayName: seed.displayName,
      secret: seedSecret,
      certificates: [],
      federatedCredentials: [],
      roles: {
        exchange: everything.exchange.filter((role) => !seed.without?.exchange?.includes(role)),
        graph: (seed.graph ?? everything.graph).filter((role) => !seed.without?.graph?.includes(role)),
      },
      exchangeRbac: seed.exchangeRbac ?? true,
      ...(seed.exchangeRoles === undefined ? {} : { exchangeRoles: seed.exchangeRoles }),
      ...(seed.exchangeScope === undefined ? {} : { exchangeScope: seed.exchangeScope }),
      ...(seed.environment === "nobody" ? {} : { dataverseUserId: applicationUserId(seed.number) }),
    };
    return [tables.applications, row.appId, row];
  });
}

/** The `systemuserid` of an application in Dataverse. */
export function applicationUserId(number: number): string {
  return seedId("systemUser", 0x100 + number);
}
