import { newRecipient, newUser } from "../directory";
import { gigabyte } from "../exchange/format";
import { selfPermissions } from "../exchange/mailbox";
import { newMailboxFields } from "../exchange/mailbox-properties";
import { type AcceptedDomain, type Group, type MailboxFields, type Organization, type Sku, tables } from "../model";
import { type SeedPerson, type SeedRow, seededAt, seedId, seedPeople, seedSid, seedSkus } from "./contoso";

const initialDomain = "contoso.onmicrosoft.com";

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
  const user = newUser({
    id: seedId("user", person.number),
    userPrincipalName: address,
    displayName,
    givenName: person.givenName,
    surname: person.surname,
    mail: address,
    mailNickname: person.alias,
    accountEnabled: true,
    usageLocation: "SE",
    assignedLicenses: seedSkus
      .filter((sku) => person.skus.some((name) => name === sku.name))
      .map((sku) => ({ skuId: sku.skuId, disabledPlans: [] })),
    onPremisesSyncEnabled: isDirSynced ? true : null,
    createdDateTime: seededAt,
  });
  const recipient = newRecipient({
    guid: seedId("recipient", person.number),
    externalDirectoryObjectId: user.id,
    recipientTypeDetails: "UserMailbox",
    // Synchronised objects keep their name; those made in the cloud are called by their object id.
    name: isDirSynced ? displayName : user.id,
    alias: person.alias,
    displayName,
    sid: seedSid(person.number),
    emailAddresses: [`SMTP:${address}`, `smtp:${person.alias}@${initialDomain}`, `SIP:${address}`],
    isDirSynced,
    whenCreated: seededAt,
    mailbox: userMailbox(person, address),
  });
  const selfIds = [seedId("permission", person.number * 2), seedId("permission", person.number * 2 + 1)] as const;
  return [
    [tables.users, user.id, user],
    [tables.recipients, recipient.guid, recipient],
    ...selfPermissions(recipient.guid, selfIds).map((row): SeedRow => [tables.permissions, row.id, row]),
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
    const recipient = newRecipient({
      guid: seedId("recipient", 0x100 + index),
      externalDirectoryObjectId: group.id,
      recipientTypeDetails: group.securityEnabled ? "MailUniversalSecurityGroup" : "MailUniversalDistributionGroup",
      name: group.displayName,
      alias: group.mailNickname,
      displayName: group.displayName,
      sid: seedSid(0x100 + index),
      emailAddresses: [`SMTP:${group.mail}`, `smtp:${group.mailNickname}@${initialDomain}`],
      whenCreated: seededAt,
    });
    return [
      [tables.groups, group.id, group],
      [tables.recipients, recipient.guid, recipient],
    ];
  });
}

function contactRows(): SeedRow[] {
  const contact = newRecipient({
    guid: seedId("recipient", 0x200),
    externalDirectoryObjectId: "",
    recipientTypeDetails: "MailContact",
    name: "Northwind Traders",
    alias: "northwind",
    displayName: "Northwind Traders",
    sid: seedSid(0x200),
    emailAddresses: ["SMTP:orders@northwind.example", `smtp:northwind@${initialDomain}`],
    externalEmailAddress: "SMTP:orders@northwind.example",
    whenCreated: seededAt,
  });
  return [[tables.recipients, contact.guid, contact]];
}

function guestRows(): SeedRow[] {
  const guest = newUser({
    id: seedId("user", 0x100),
    userPrincipalName: `margaret_adatum.example#EXT#@${initialDomain}`,
    displayName: "Margaret Hamilton",
    givenName: "Margaret",
    surname: "Hamilton",
    mail: "margaret@adatum.example",
    mailNickname: "margaret_adatum.example#EXT#",
    userType: "Guest",
    accountEnabled: true,
    createdDateTime: seededAt,
  });
  const recipient = newRecipient({
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
    whenCreated: seededAt,
  });
  return [
    [tables.users, guest.id, guest],
    [tables.recipients, recipient.guid, recipient],
  ];
}
