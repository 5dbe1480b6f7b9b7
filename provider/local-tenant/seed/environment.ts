import { dataverseTables, type Lookup } from "../dataverse/columns";
import { newPrivateQueue } from "../dataverse/individual";
import { type EmailServerProfileRow, newRow, type SystemUserRow, type TeamRow } from "../dataverse/schema";
import { applicationUserId, environmentRoles, seedApplications } from "./applications";
import { ownedId, type SeedPerson, type SeedRow, seededAt, seedId, seedPeople } from "./contoso";

const organizationId = seedId("environment", 1);
const businessUnit: Lookup = { table: "businessunit", id: seedId("environment", 2) };
const administrator: Lookup = { table: "systemuser", id: applicationUserId(2) };
const exchangeOnline: Lookup = { table: "emailserverprofile", id: seedId("serverProfile", 1) };
const made = { at: seededAt, by: administrator.id };
const owned = { ownerid: administrator, owningbusinessunit: businessUnit };
const organization: Lookup = { table: "organization", id: organizationId };

/**
 * The Dataverse environment: organisation, server profiles, people and applications as its users, one person who left, teams (two
 * of one name, one that may own nothing), a queue.
 */
export function environmentRows(): SeedRow[] {
  const rows: SeedRow[] = [
    [
      dataverseTables.organization,
      organizationId,
      newRow(
        "organization",
        { organizationid: organizationId, name: "Contoso", defaultemailserverprofileid: exchangeOnline },
        made,
      ),
    ],
    ...profileRows(),
    ...applicationUserRows(),
    ...seedPeople.filter((person) => person.isInDynamics).flatMap(personRows),
    ...formerPersonRows(),
    ...teamRows(),
    ...queueRows(),
  ];
  return rows.flatMap(withOwnRows);
}

/** A user or team with the private queue that Dataverse made for it, and the records of that queue and of a user without address. */
function withOwnRows(row: SeedRow): SeedRow[] {
  const [table, id, value] = row;
  if (table !== dataverseTables.systemuser && table !== dataverseTables.team) {
    return [row];
  }
  const owner = value as SystemUserRow | TeamRow;
  const isUser = "systemuserid" in owner;
  const pointer: Lookup = { table: isUser ? "systemuser" : "team", id };
  const queue: Lookup = { table: "queue", id: ownedId("privateQueue", id) };
  const queueRecord: Lookup = { table: "mailbox", id: ownedId("privateMailbox", id) };
  const ownRecord: Lookup = { table: "mailbox", id: ownedId("ownMailbox", id) };
  const lacksRecord = isUser && owner.defaultmailbox === null;
  const name = isUser ? owner.fullname : owner.name;
  const common = { ownerid: pointer, owningbusinessunit: businessUnit, organizationid: organization };
  const privateQueue = newPrivateQueue({ queueid: queue.id, defaultmailbox: queueRecord, ...common }, name, made);
  const record = (mailboxid: string, regardingobjectid: Lookup, of: string): SeedRow => {
    const nothing = { emailaddress: null, incomingemaildeliverymethod: 0, emailrouteraccessapproval: 0 } as const;
    const disabled = { isforwardmailbox: false, enabledforincomingemail: false, enabledforact: false };
    const given = { mailboxid, name: of, regardingobjectid, emailserverprofile: exchangeOnline };
    return [
      dataverseTables.mailbox,
      mailboxid,
      newRow("mailbox", { ...given, ...nothing, ...disabled, ...common }, made),
    ];
  };
  return [
    [table, id, { ...owner, queueid: queue, ...(lacksRecord ? { defaultmailbox: ownRecord } : {}) }],
    [dataverseTables.queue, queue.id, privateQueue],
    record(queueRecord.id, queue, privateQueue.name),
    ...(lacksRecord ? [record(ownRecord.id, pointer, name)] : []),
  ];
}

function profileRows(): SeedRow[] {
  const profile = (number: number, given: Partial<EmailServerProfileRow> & { name: string }): SeedRow => {
    const emailserverprofileid = seedId("serverProfile", number);
    const row = newRow(
      "emailserverprofile",
      { emailserverprofileid, organizationid: organization, ...owned, ...given },
      made,
    );
    return [dataverseTables.emailserverprofile, emailserverprofileid, row];
  };
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
  return seedApplications.flatMap((application): SeedRow[] => {
    if (application.environment === "nobody") {
      return [];
    }
    const systemuserid = applicationUserId(application.number);
    const row = newRow(
      "systemuser",
      {
        systemuserid,
        fullname: `# ${application.displayName}`,
        firstname: "#",
        lastname: application.displayName,
        domainname: `${systemuserid}@contoso.onmicrosoft.com`,
        applicationid: seedId("tenant", application.number),
        accessmode: 4,
        businessunitid: businessUnit,
        organizationid: organizationId,
        roles: [...environmentRoles[application.environment]],
      },
      made,
    );
    return [[dataverseTables.systemuser, systemuserid, row]];
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
    [
      dataverseTables.systemuser,
      user.id,
      newRow(
        "systemuser",
        {
          systemuserid: user.id,
          fullname,
          firstname: person.givenName,
          lastname: person.surname,
          domainname: emailaddress,
          internalemailaddress: emailaddress,
          azureactivedirectoryobjectid: seedId("user", person.number),
          businessunitid: businessUnit,
          organizationid: organizationId,
          defaultmailbox: mailbox,
          roles: ["Basic User"],
          ...same,
        },
        made,
      ),
    ],
    [
      dataverseTables.mailbox,
      mailbox.id,
      newRow(
        "mailbox",
        {
          mailboxid: mailbox.id,
          name: fullname,
          emailaddress,
          isforwardmailbox: false,
          regardingobjectid: user,
          organizationid: organization,
          emailserverprofile: exchangeOnline,
          ownerid: user,
          owningbusinessunit: businessUnit,
          actdeliverymethod: 1,
          ...same,
        },
        made,
      ),
    ],
  ];
}

/** Somebody who left: a disabled user with an inactive mailbox record, whose account and mailbox are long gone. */
function formerPersonRows(): SeedRow[] {
  const user: Lookup = { table: "systemuser", id: seedId("systemUser", 0x20) };
  const mailbox: Lookup = { table: "mailbox", id: seedId("mailbox", 0x20) };
  const address = "charles@contoso.com";
  const row = newRow(
    "systemuser",
    {
      systemuserid: user.id,
      fullname: "Charles Babbage",
      firstname: "Charles",
      lastname: "Babbage",
      domainname: address,
      internalemailaddress: address,
      isdisabled: true,
      businessunitid: businessUnit,
      organizationid: organizationId,
      defaultmailbox: mailbox,
      roles: ["Basic User"],
    },
    made,
  );
  const record = newRow(
    "mailbox",
    {
      mailboxid: mailbox.id,
      name: row.fullname,
      emailaddress: address,
      isforwardmailbox: false,
      regardingobjectid: user,
      organizationid: organization,
      emailserverprofile: exchangeOnline,
      ownerid: user,
      owningbusinessunit: businessUnit,
      incomingemaildeliverymethod: 0,
      emailrouteraccessapproval: 0,
      statecode: 1,
      statuscode: 2,
    },
    made,
  );
  return [
    [dataverseTables.systemuser, user.id, row],
    [dataverseTables.mailbox, mailbox.id, record],
  ];
}

function teamRows(): SeedRow[] {
  const team = (number: number, given: Partial<TeamRow> & { name: string }): SeedRow => {
    const teamid = seedId("team", number);
    const row = newRow(
      "team",
      { teamid, businessunitid: businessUnit, organizationid: organizationId, ...given },
      made,
    );
    return [dataverseTables.team, teamid, row];
  };
  return [
    team(1, { name: "contoso", isdefault: true }),
    team(2, { name: "Support" }),
    team(3, { name: "Field Service", emailaddress: "field-service-north@contoso.com" }),
    team(4, { name: "Field Service", emailaddress: "field-service-south@contoso.com" }),
    team(5, { name: "Reviewers", teamtype: 1, roles: [] }),
  ];
}

/** One public queue with an address, and its mailbox record. No mailbox stands behind the address yet. */
function queueRows(): SeedRow[] {
  const queue: Lookup = { table: "queue", id: seedId("queue", 1) };
  const mailbox: Lookup = { table: "mailbox", id: seedId("mailbox", 0x100) };
  const same = {
    name: "Sales",
    emailaddress: "sales@contoso.com",
    organizationid: organization,
    incomingemaildeliverymethod: 2,
    outgoingemaildeliverymethod: 2,
    emailrouteraccessapproval: 2,
    ...owned,
  } as const;
  return [
    [dataverseTables.queue, queue.id, newRow("queue", { queueid: queue.id, defaultmailbox: mailbox, ...same }, made)],
    [
      dataverseTables.mailbox,
      mailbox.id,
      newRow(
        "mailbox",
        {
          mailboxid: mailbox.id,
          isforwardmailbox: false,
          regardingobjectid: queue,
          emailserverprofile: exchangeOnline,
          ...same,
        },
        made,
      ),
    ],
  ];
}
