import { newMailboxFields } from "../exchange/mailbox";
import {
  type AcceptedDomain,
  type Group,
  type MailboxFields,
  type Organization,
  type Permission,
  type Recipient,
  type Sku,
  tables,
  type User,
} from "../model";
import { type SeedRow, seededAt, seedId, seedSid } from "./ids";
import { type SeedPerson, seedPeople, seedSkus } from "./people";

const initialDomain = "contoso.onmicrosoft.com";
const gigabyte = 1024 ** 3;

/** Organisation, domains, subscriptions, people with their mailboxes, groups, a contact and a guest. */
export function directoryRows(): SeedRow[] {
  return [
    ...organizationRows(),
    ...skuRows(),
    ...seedPeople.flatMap(personRows),
    ...groupRows(),
    ...contactRows(),
    ...guestRows(),
  ];
}

function organizationRows(): SeedRow[] {
  const organization: Organization = {
    tenantId: seedId("tenant", 1),
    displayName: "Contoso",
    initialDomain,
    environmentUrl: "https://contoso.crm4.dynamics.com",
    inPlaceHolds: [],
  };
  const domains: AcceptedDomain[] = [
    { domainName: "contoso.com", isDefault: true, isInitial: false, domainType: "Authoritative" },
    { domainName: initialDomain, isDefault: false, isInitial: true, domainType: "Authoritative" },
    { domainName: "fabrikam.example", isDefault: false, isInitial: false, domainType: "Authoritative" },
  ];
  return [
    [tables.organization, "organization", organization],
    ...domains.map((domain): SeedRow => [tables.domains, domain.domainName, domain]),
  ];
}

function skuRows(): SeedRow[] {
  return seedSkus.map(({ name: _, ...sku }) => [tables.skus, sku.skuId, sku satisfies Sku]);
}

function personRows(person: SeedPerson): SeedRow[] {
  const address = `${person.alias}@contoso.com`;
  const displayName = `${person.givenName} ${person.surname}`;
  const isDirSynced = person.isDirSynced ?? false;
  const user: User = {
    id: seedId("user", person.number),
    userPrincipalName: address,
    displayName,
    givenName: person.givenName,
    surname: person.surname,
    mail: address,
    mailNickname: person.alias,
    userType: "Member",
    accountEnabled: true,
    usageLocation: "SE",
    assignedLicenses: seedSkus
      .filter((sku) => person.skus.some((name) => name === sku.name))
      .map((sku) => ({ skuId: sku.skuId, disabledPlans: [] })),
    onPremisesSyncEnabled: isDirSynced ? true : null,
    createdDateTime: seededAt,
    deletedDateTime: null,
    directoryRoles: [],
    signInSessionsValidFromDateTime: null,
  };
  const recipient: Recipient = {
    guid: seedId("recipient", person.number),
    externalDirectoryObjectId: user.id,
    recipientTypeDetails: "UserMailbox",
    // Synchronised objects keep their name; those made in the cloud are called by their object id.
    name: isDirSynced ? displayName : user.id,
    alias: person.alias,
    displayName,
    sid: seedSid(person.number),
    emailAddresses: [`SMTP:${address}`, `smtp:${person.alias}@${initialDomain}`, `SIP:${address}`],
    hiddenFromAddressListsEnabled: false,
    customAttributes: {},
    isDirSynced,
    whenCreated: seededAt,
    mailbox: userMailbox(person, address),
  };
  return [
    [tables.users, user.id, user],
    [tables.recipients, recipient.guid, recipient],
    ...selfRows(recipient.guid, person.number),
  ];
}

function userMailbox(person: SeedPerson, userPrincipalName: string): MailboxFields {
  const quota = (person.skus.includes("Plan 1") ? 50 : 100) * gigabyte;
  return {
    ...newMailboxFields(userPrincipalName, seededAt),
    exchangeGuid: seedId("exchange", person.number),
    issueWarningQuota: quota * 0.98,
    prohibitSendQuota: quota * 0.99,
    prohibitSendReceiveQuota: quota,
  };
}

/** What every mailbox grants itself from the start. */
function selfRows(mailbox: string, number: number): SeedRow[] {
  const self = {
    mailbox,
    sid: "S-1-5-10",
    isInherited: false,
    deny: false,
    inheritanceType: "All",
    autoMapping: false,
  };
  const rows: Permission[] = [
    {
      id: seedId("permission", number * 2),
      kind: "mailbox",
      accessRights: ["FullAccess", "ReadPermission"],
      ...self,
    },
    {
      id: seedId("permission", number * 2 + 1),
      kind: "sendAs",
      accessRights: ["SendAs"],
      ...self,
      inheritanceType: "None",
    },
  ];
  return rows.map((row) => [tables.permissions, row.id, row]);
}

function groupRows(): SeedRow[] {
  const [ada, grace, alan] = [1, 2, 3].map((number) => seedId("user", number));
  const groups: Group[] = [
    {
      id: seedId("group", 1),
      displayName: "Support Team",
      mail: "support-team@contoso.com",
      mailNickname: "support-team",
      mailEnabled: true,
      securityEnabled: true,
      groupTypes: [],
      members: [ada, grace].filter((id) => id !== undefined),
    },
    {
      id: seedId("group", 2),
      displayName: "All Staff",
      mail: "all-staff@contoso.com",
      mailNickname: "all-staff",
      mailEnabled: true,
      securityEnabled: false,
      groupTypes: [],
      members: [ada, grace, alan].filter((id) => id !== undefined),
    },
  ];
  return groups.flatMap((group, index): SeedRow[] => {
    const recipient: Recipient = {
      guid: seedId("recipient", 0x100 + index),
      externalDirectoryObjectId: group.id,
      recipientTypeDetails: group.securityEnabled ? "MailUniversalSecurityGroup" : "MailUniversalDistributionGroup",
      name: group.displayName,
      alias: group.mailNickname,
      displayName: group.displayName,
      sid: seedSid(0x100 + index),
      emailAddresses: [`SMTP:${group.mail}`, `smtp:${group.mailNickname}@${initialDomain}`],
      hiddenFromAddressListsEnabled: false,
      customAttributes: {},
      isDirSynced: false,
      whenCreated: seededAt,
    };
    return [
      [tables.groups, group.id, group],
      [tables.recipients, recipient.guid, recipient],
    ];
  });
}

function contactRows(): SeedRow[] {
  const contact: Recipient = {
    guid: seedId("recipient", 0x200),
    externalDirectoryObjectId: "",
    recipientTypeDetails: "MailContact",
    name: "Northwind Traders",
    alias: "northwind",
    displayName: "Northwind Traders",
    sid: seedSid(0x200),
    emailAddresses: ["SMTP:orders@northwind.example", `smtp:northwind@${initialDomain}`],
    externalEmailAddress: "SMTP:orders@northwind.example",
    hiddenFromAddressListsEnabled: false,
    customAttributes: {},
    isDirSynced: false,
    whenCreated: seededAt,
  };
  return [[tables.recipients, contact.guid, contact]];
}

function guestRows(): SeedRow[] {
  const guest: User = {
    id: seedId("user", 0x100),
    userPrincipalName: `margaret_adatum.example#EXT#@${initialDomain}`,
    displayName: "Margaret Hamilton",
    givenName: "Margaret",
    surname: "Hamilton",
    mail: "margaret@adatum.example",
    mailNickname: "margaret_adatum.example#EXT#",
    userType: "Guest",
    accountEnabled: true,
    usageLocation: null,
    assignedLicenses: [],
    onPremisesSyncEnabled: null,
    createdDateTime: seededAt,
    deletedDateTime: null,
    directoryRoles: [],
    signInSessionsValidFromDateTime: null,
  };
  const recipient: Recipient = {
    guid: seedId("recipient", 0x201),
    externalDirectoryObjectId: guest.id,
    recipientTypeDetails: "GuestMailUser",
    name: guest.id,
    alias: "margaret_adatum.example",
    displayName: guest.displayName,
    sid: seedSid(0x201),
    emailAddresses: ["SMTP:margaret@adatum.example"],
    externalEmailAddress: "SMTP:margaret@adatum.example",
    hiddenFromAddressListsEnabled: true,
    customAttributes: {},
    isDirSynced: false,
    whenCreated: seededAt,
  };
  return [
    [tables.users, guest.id, guest],
    [tables.recipients, recipient.guid, recipient],
  ];
}
