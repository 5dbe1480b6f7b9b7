import { type Application, tables } from "../model";
import { type SeedRow, seedId } from "./ids";

/** Every app role the clients of this package use, and those that let one look around. */
const everything: Application["roles"] = {
  exchange: ["Exchange.ManageAsApp", "Exchange.ManageAsAppV2"],
  graph: [
    "Directory.Read.All",
    "Domain.Read.All",
    "Group.Read.All",
    "LicenseAssignment.ReadWrite.All",
    "Mail.Read",
    "Mail.Send",
    "MailboxSettings.ReadWrite",
    "Organization.Read.All",
    "User.DeleteRestore.All",
    "User.EnableDisableAccount.All",
    "User.ReadWrite.All",
    "User.RevokeSessions.All",
  ],
};

/** Roles of Dataverse's application users, by application number. */
export const environmentRoles = {
  administrator: ["System Administrator", "Delegated Mailbox Approver"],
  withoutApproval: ["System Administrator"],
  reader: ["Basic User"],
} as const;

/** A seeded application: its number is the end of its id. */
export interface SeedApplication {
  number: number;
  displayName: string;
  without?: Partial<Application["roles"]>;
  exchangeRbac?: false;
  environment: keyof typeof environmentRoles | "nobody";
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
        graph: everything.graph.filter((role) => !seed.without?.graph?.includes(role)),
      },
      exchangeRbac: seed.exchangeRbac ?? true,
      ...(seed.environment === "nobody" ? {} : { dataverseUserId: applicationUserId(seed.number) }),
    };
    return [tables.applications, row.appId, row];
  });
}

/** The `systemuserid` of an application in Dataverse. */
export function applicationUserId(number: number): string {
  return seedId("systemUser", 0x100 + number);
}
