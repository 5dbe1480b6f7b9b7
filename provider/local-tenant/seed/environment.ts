import type { Values } from "../dataverse/body";
import { dataverseTables, type Lookup, type TableName } from "../dataverse/columns";
import { newPrivateQueue } from "../dataverse/individual";
import { idOf, newRow, schema } from "../dataverse/schema";
import { applicationUserId, environmentRoles, seedApplications } from "./applications";
import { ownedId, type SeedPerson, type SeedRow, seededAt, seedId, seedPeople } from "./contoso";

const organizationid = seedId("environment", 1);
const organization: Lookup = { table: "organization", id: organizationid };
const businessUnit: Lookup = { table: "businessunit", id: seedId("environment", 2) };
const administrator: Lookup = { table: "systemuser", id: applicationUserId(2) };
const exchangeOnline: Lookup = { table: "emailserverprofile", id: seedId("serverProfile", 1) };
const made = { at: seededAt, by: administrator.id };
const owned = { ownerid: administrator, owningbusinessunit: businessUnit, organizationid: organization };

/**
 * The Dataverse environment: organisation, server profiles, people and applications as its users, one person who left, teams (two
 * of one name, one that may own nothing), a queue.
 */
export function environmentRows(): SeedRow[] {
  return [
    rowOf("organization", { organizationid, name: "Contoso", defaultemailserverprofileid: exchangeOnline }),
    ...profileRows(),
    ...applicationUserRows(),
    ...seedPeople.filter((person) => person.isInDynamics).flatMap(personRows),
    ...formerPersonRows(),
    ...teamRows(),
    ...queueRows(),
  ];
}

function rowOf<T extends TableName>(table: T, given: Values<T>): SeedRow {
  const row = newRow(table, given, made);
  return [dataverseTables[table], idOf(schema[table], row), row];
}

/** The mailbox record of a user or queue. */
function recordOf(mailboxid: string, regardingobjectid: Lookup, given: Values<"mailbox">): SeedRow {
  return rowOf("mailbox", {
    mailboxid,
    regardingobjectid,
    isforwardmailbox: false,
    emailserverprofile: exchangeOnline,
    owningbusinessunit: businessUnit,
    organizationid: organization,
    ...given,
  });
}

/** The record of somebody without an address, as Dataverse makes it. */
function emptyRecordOf(mailboxid: string, regarding: Lookup, name: string, ownerid: Lookup): SeedRow {
  return recordOf(mailboxid, regarding, {
    name,
    ownerid,
    incomingemaildeliverymethod: 0,
    emailrouteraccessapproval: 0,
    enabledforincomingemail: false,
    enabledforact: false,
  });
}

/** The private queue that Dataverse made for a user or team, and its record. */
function privateQueueRows(ownerid: Lookup, ownerName: string): SeedRow[] {
  const { id: queueid } = privateQueueOf(ownerid);
  const record = ownedId("privateMailbox", ownerid.id);
  const queue = newPrivateQueue(
    { ...owned, queueid, ownerid, defaultmailbox: { table: "mailbox", id: record } },
    ownerName,
    made,
  );
  return [
    [dataverseTables.queue, queueid, queue],
    emptyRecordOf(record, { table: "queue", id: queueid }, queue.name, ownerid),
  ];
}

function privateQueueOf({ id }: Lookup): Lookup {
  return { table: "queue", id: ownedId("privateQueue", id) };
}

/** A user with its private queue, and its record unless that is given. */
function userRows(given: Values<"systemuser"> & { systemuserid: string; fullname: string }): SeedRow[] {
  const user: Lookup = { table: "systemuser", id: given.systemuserid };
  const record = ownedId("ownMailbox", user.id);
  return [
    rowOf("systemuser", {
      businessunitid: businessUnit,
      organizationid,
      queueid: privateQueueOf(user),
      defaultmailbox: { table: "mailbox", id: record },
      ...given,
    }),
    ...privateQueueRows(user, given.fullname),
    ...(given.defaultmailbox === undefined ? [emptyRecordOf(record, user, given.fullname, user)] : []),
  ];
}

function profileRows(): SeedRow[] {
  const profile = (number: number, given: Values<"emailserverprofile"> & { name: string }): SeedRow =>
    rowOf("emailserverprofile", { emailserverprofileid: seedId("serverProfile", number), ...owned, ...given });
  return [
    profile(1, { name: "Microsoft Exchange Online" }),
    profile(2, {
      name: "Contoso POP3",
      servertype: 1,
      incomingcredentialretrieval: 1,
      outgoingcredentialretrieval: 1,
      incomingserverlocation: "pop.contoso.com",
      outgoingserverlocation: "smtp.contoso.com",
      usedefaulttenantid: false,
    }),
    profile(3, {
      name: "Contoso mailbox credentials",
      servertype: 0,
      incomingcredentialretrieval: 0,
      outgoingcredentialretrieval: 0,
      defaultserverlocation: "https://mail.contoso.com/EWS/Exchange.asmx",
      usedefaulttenantid: false,
    }),
    profile(4, { name: "Contoso retired", statecode: 1, statuscode: 2 }),
  ];
}

function applicationUserRows(): SeedRow[] {
  return seedApplications.flatMap(({ number, displayName, environment }): SeedRow[] => {
    if (environment === "nobody") {
      return [];
    }
    const systemuserid = applicationUserId(number);
    return userRows({
      systemuserid,
      fullname: `# ${displayName}`,
      firstname: "#",
      lastname: displayName,
      domainname: `${systemuserid}@contoso.onmicrosoft.com`,
      applicationid: seedId("tenant", number),
      accessmode: 4,
      roles: [...environmentRoles[environment]],
    });
  });
}

/** A person as a user, and the mailbox record Dynamics made with it. */
function personRows(person: SeedPerson): SeedRow[] {
  const user: Lookup = { table: "systemuser", id: seedId("systemUser", person.number) };
  const mailbox: Lookup = { table: "mailbox", id: seedId("mailbox", person.number) };
  const fullname = `${person.givenName} ${person.surname}`;
  const emailaddress = `${person.alias}@contoso.com`;
  const same = {
    incomingemaildeliverymethod: 2,
    outgoingemaildeliverymethod: 2,
    emailrouteraccessapproval: person.approval ?? 2,
    isemailaddressapprovedbyo365admin: person.approval === 1,
  } as const;
  return [
    ...userRows({
      systemuserid: user.id,
      fullname,
      firstname: person.givenName,
      lastname: person.surname,
      domainname: emailaddress,
      internalemailaddress: emailaddress,
      azureactivedirectoryobjectid: seedId("user", person.number),
      defaultmailbox: mailbox,
      roles: ["Basic User"],
      ...same,
    }),
    recordOf(mailbox.id, user, { name: fullname, emailaddress, ownerid: user, actdeliverymethod: 1, ...same }),
  ];
}

/** Somebody who left: a disabled user with an inactive mailbox record, whose account and mailbox are long gone. */
function formerPersonRows(): SeedRow[] {
  const user: Lookup = { table: "systemuser", id: seedId("systemUser", 0x20) };
  const mailbox: Lookup = { table: "mailbox", id: seedId("mailbox", 0x20) };
  const fullname = "Charles Babbage";
  const address = "charles@contoso.com";
  return [
    ...userRows({
      systemuserid: user.id,
      fullname,
      firstname: "Charles",
      lastname: "Babbage",
      domainname: address,
      internalemailaddress: address,
      isdisabled: true,
      defaultmailbox: mailbox,
      roles: ["Basic User"],
    }),
    recordOf(mailbox.id, user, {
      name: fullname,
      emailaddress: address,
      ownerid: user,
      incomingemaildeliverymethod: 0,
      emailrouteraccessapproval: 0,
      statecode: 1,
      statuscode: 2,
    }),
  ];
}

function teamRows(): SeedRow[] {
  const team = (number: number, given: Values<"team"> & { name: string }): SeedRow[] => {
    const teamid = seedId("team", number);
    const pointer: Lookup = { table: "team", id: teamid };
    return [
      rowOf("team", {
        teamid,
        businessunitid: businessUnit,
        organizationid,
        queueid: privateQueueOf(pointer),
        ...given,
      }),
      ...privateQueueRows(pointer, given.name),
    ];
  };
  return [
    ...team(1, { name: "contoso", isdefault: true }),
    ...team(2, { name: "Support" }),
    ...team(3, { name: "Field Service", emailaddress: "field-service-north@contoso.com" }),
    ...team(4, { name: "Field Service", emailaddress: "field-service-south@contoso.com" }),
    ...team(5, { name: "Reviewers", teamtype: 1, roles: [] }),
  ];
}

/** One public queue with an address, and its mailbox record. No mailbox stands behind the address yet. */
function queueRows(): SeedRow[] {
  const queue: Lookup = { table: "queue", id: seedId("queue", 1) };
  const mailbox: Lookup = { table: "mailbox", id: seedId("mailbox", 0x100) };
  const same = {
    name: "Sales",
    emailaddress: "sales@contoso.com",
    incomingemaildeliverymethod: 2,
    outgoingemaildeliverymethod: 2,
    emailrouteraccessapproval: 2,
    ...owned,
  } as const;
  return [rowOf("queue", { queueid: queue.id, defaultmailbox: mailbox, ...same }), recordOf(mailbox.id, queue, same)];
}
