import { randomUUID } from "node:crypto";
import { startWorld, type World } from "../reconcile/harness";
import { complaintsAbout } from "./checks/check";
import { isMembers, type Members, membersOf, parsed } from "./checks/common";
import { commonSets } from "./checks/exchange";
import { type Part, type Recording, type RecordingProxy, startRecordingProxy } from "./recording";

/** A request of the provider's own, and what is wrong with it after a change. */
interface Violation {
  what: string;
  /** Which of the provider's requests is changed: the first whose path or body has this. */
  of: [part: Part, method: string, text: string];
  change: (request: Request) => void;
  complaint: string;
  /** Why the tenant takes it all the same, as the real service does; absent: it refuses it. */
  taken?: string;
}

interface Request {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: unknown;
}

/** What the provider sent and was answered in a small deployment. */
let recordings: Recording[];
/** Each violation on its way, by what it is. */
const resent = new Map<string, Recording>();

beforeAll(async () => {
  const proxy = await startRecordingProxy();
  try {
    const world = await startWorld({
      config: { localTenant: proxy.origin },
      // So that there is something to block.
      settings: { newSharedAccountEnabled: true },
    });
    proxy.leadTo(world.origin);
    await deploy(world);
    recordings = [...proxy.recordings];
    await world.control("PATCH", "settings", { strictHeaders: true });
    for (const violation of violations) {
      resent.set(violation.what, await sendAgain(violation, proxy));
    }
  } finally {
    await proxy.close();
  }
});

/** A small deployment with all three services in it. */
async function deploy(world: World): Promise<void> {
  const mailbox = await world.resource("SharedMailbox", "support").up({
    displayName: "Contoso Support",
    primarySmtpAddress: "support@contoso.com",
    hiddenFromAddressLists: true,
    automaticReplies: { status: "alwaysEnabled", internalMessage: "Away" },
    regional: { language: "da-DK", timeZone: "UTC" },
    license: { sku: "EXCHANGEENTERPRISE", usageLocation: "SE" },
  });
  const members = world.resource("MailboxMembership", "members");
  // A single change goes alone.
  for (const ada of [{ sendAs: false }, { sendAs: false, sendOnBehalf: true }, { sendOnBehalf: true }]) {
    await members.up({ mailbox: mailbox.id, members: { "ada@contoso.com": ada } });
  }
  await world.resource("ForwardingMailbox", "intake").up({
    name: "CRM intake",
    emailAddress: "support@contoso.com",
    sources: ["grace@contoso.com"],
  });
  await world.resource("Queue", "desk").up({
    name: "Desk",
    emailAddress: "support@contoso.com",
    owner: { team: "Support" },
    outgoingEmail: "ServerSideSynchronization",
  });
  await world.resource("IndividualMailbox", "ada").up({ user: "ada@contoso.com", emailAddress: "ada.l@contoso.com" });
}

const parameters = ({ body }: Request): Members => membersOf(membersOf(membersOf(body).CmdletInput).Parameters);
const columns = ({ body }: Request): Members => membersOf(body);
const wholeBatch = '"requests":';
const setMailbox: Violation["of"] = ["exchange", "POST", '"CmdletName":"Set-Mailbox"'];
const hide: Violation["of"] = ["exchange", "POST", '"HiddenFromAddressListsEnabled":'];
const patchUser: Violation["of"] = ["graph", "PATCH", '"accountEnabled"'];
const patchSettings: Violation["of"] = ["graph", "PATCH", "automaticRepliesSetting"];
const assignLicense: Violation["of"] = ["graph", "POST", "addLicenses"];
const createRule: Violation["of"] = ["graph", "POST", "forwardAsAttachmentTo"];
const createRow: Violation["of"] = ["dataverse", "PATCH", "outgoingemaildeliverymethod"];
const updateRow: Violation["of"] = ["dataverse", "PATCH", "testemailconfigurationscheduled"];
const readRow: Violation["of"] = ["dataverse", "GET", "mailboxes("];
const createQueue: Violation["of"] = ["dataverse", "PATCH", '"name":"Desk"'];
const updateUser: Violation["of"] = ["dataverse", "PATCH", '"internalemailaddress"'];

const violations: Violation[] = [
  {
    what: "a parameter that Exchange Online does not have",
    of: setMailbox,
    change: (request) => Object.assign(parameters(request), { PrimarySmtpAddress: "other@contoso.com" }),
    complaint: "the parameter PrimarySmtpAddress is unknown",
  },
  {
    what: "a Boolean as text",
    of: hide,
    change: (request) => Object.assign(parameters(request), { HiddenFromAddressListsEnabled: "true" }),
    complaint: 'HiddenFromAddressListsEnabled is "true", which is no Boolean',
  },
  {
    what: "additions that are not tagged",
    of: ["exchange", "POST", '"GrantSendOnBehalfTo":'],
    change: (request) => Object.assign(parameters(request), { GrantSendOnBehalfTo: { Add: [randomUUID()] } }),
    complaint: "which is no MultiValuedProperty",
  },
  {
    what: "an empty identity",
    of: setMailbox,
    change: (request) => Object.assign(parameters(request), { Identity: "" }),
    complaint: "Identity is empty",
  },
  {
    what: "an unknown cmdlet",
    of: setMailbox,
    change: (request) =>
      Object.assign(membersOf(membersOf(request.body).CmdletInput), { CmdletName: "Set-Everything" }),
    complaint: "the cmdlet Set-Everything is unknown",
  },
  {
    what: "a missing mandatory parameter",
    of: ["exchange", "POST", '"CmdletName":"Add-RecipientPermission"'],
    change: (request) => {
      delete parameters(request).Trustee;
    },
    complaint: "Trustee is missing",
  },
  {
    what: "a token of another service",
    of: setMailbox,
    change: (request) => {
      request.headers.authorization = recorded(patchUser).headers.authorization ?? "";
    },
    complaint: "the token is for",
  },
  {
    what: "a cmdlet on the deny list",
    of: setMailbox,
    change: (request) => {
      const { Identity } = parameters(request);
      request.headers["x-cmdletname"] = "Disable-Mailbox";
      request.body = {
        CmdletInput: { CmdletName: "Disable-Mailbox", Parameters: { Identity, PermanentlyDisable: true } },
      };
    },
    complaint: "Disable-Mailbox -PermanentlyDisable is on the deny list",
  },
  {
    what: "a parameter on the deny list",
    of: ["exchange", "POST", '"CmdletName":"Add-MailboxPermission"'],
    change: (request) => {
      const { Identity } = parameters(request);
      request.headers["x-cmdletname"] = "Remove-MailboxPermission";
      request.body = {
        CmdletInput: {
          CmdletName: "Remove-MailboxPermission",
          Parameters: { Identity, ResetDefault: true, Confirm: false },
        },
      };
    },
    complaint: "Remove-MailboxPermission -ResetDefault is on the deny list",
    taken: "Exchange does as it is told",
  },
  {
    what: "inbox rules of no mailbox",
    of: setMailbox,
    change: (request) => {
      request.headers["x-cmdletname"] = "Get-InboxRule";
      request.body = { CmdletInput: { CmdletName: "Get-InboxRule", Parameters: { ResultSize: "Unlimited" } } };
    },
    complaint: "Mailbox is missing",
  },
  {
    what: "an inbox rule by its name, which another may have",
    of: setMailbox,
    change: (request) => {
      const { Identity: Mailbox } = parameters(request);
      request.headers["x-cmdletname"] = "Remove-InboxRule";
      request.body = {
        CmdletInput: {
          CmdletName: "Remove-InboxRule",
          Parameters: { Mailbox, Identity: "CRM intake", Confirm: false, Force: true },
        },
      };
    },
    complaint: "which is no InboxRuleIdParameter",
  },
  {
    what: "a read with neither identity nor filter",
    of: ["exchange", "POST", '"CmdletName":"Get-Recipient"'],
    change: (request) => {
      delete parameters(request).Filter;
    },
    complaint: "without one it means every object",
    taken: "Exchange answers with everybody's rows",
  },
  {
    what: "a list that may be cut short",
    of: ["exchange", "POST", '"CmdletName":"Get-Mailbox"'],
    change: (request) => {
      request.headers["x-cmdletname"] = "Get-Mailbox";
      request.path = request.path.replace(/\$batch$/, "InvokeCommand").replace(/\?.*$/, "");
      request.body = { CmdletInput: { CmdletName: "Get-Mailbox", Parameters: { SoftDeletedMailbox: true } } };
    },
    complaint: "a list without ResultSize may be cut short",
    taken: "Exchange answers with the first thousand",
  },
  {
    what: "one quota without the others",
    of: setMailbox,
    change: (request) => Object.assign(parameters(request), { IssueWarningQuota: 1024 ** 3 }),
    complaint: "IssueWarningQuota without the rest of",
    taken: "Exchange takes each alone where the order among them allows it",
  },
  {
    what: "a purge of what is not seen among the deleted",
    of: setMailbox,
    change: (request) => {
      request.headers["x-cmdletname"] = "Remove-Mailbox";
      const Parameters = { Identity: randomUUID(), PermanentlyDelete: true, Confirm: false };
      request.body = { CmdletInput: { CmdletName: "Remove-Mailbox", Parameters } };
    },
    complaint: "is purged and was not seen among the deleted mailboxes",
  },
  {
    what: "an address without its host in a batch",
    of: ["exchange", "POST", wholeBatch],
    change: (request) => {
      for (const one of columns(request).requests as Members[]) {
        one.url = String(one.url).replace(/^https?:\/\/[^/]+/, "");
      }
    },
    complaint: "not a whole one of the same host",
    taken: "whether Exchange does is not known; public clients send whole ones",
  },
  {
    what: "a state that automatic replies do not have",
    of: patchSettings,
    change: (request) => Object.assign(membersOf(columns(request).automaticRepliesSetting), { status: "on" }),
    complaint: 'status is "on", which is no automaticRepliesStatus',
  },
  {
    what: "the length of a hold without the hold",
    of: setMailbox,
    change: (request) => Object.assign(parameters(request), { LitigationHoldDuration: 30 }),
    complaint: "LitigationHoldDuration without LitigationHoldEnabled",
    taken: "each parameter is one of the same set, and none needs the other",
  },
  {
    what: "a licence by its name",
    of: assignLicense,
    change: (request) =>
      Object.assign(columns(request), { addLicenses: [{ skuPartNumber: "EXCHANGEENTERPRISE", disabledPlans: [] }] }),
    complaint: "the unknown member skuPartNumber of assignedLicense",
  },
  {
    what: "half of a reassignment",
    of: assignLicense,
    change: (request) => {
      delete columns(request).removeLicenses;
    },
    complaint: "the body has no removeLicenses",
  },
  {
    what: "a member that users do not have",
    of: patchUser,
    change: (request) => Object.assign(columns(request), { mailboxPermissions: [] }),
    complaint: "the body has the unknown member mailboxPermissions of user",
  },
  {
    what: "a member that is read only",
    of: patchUser,
    change: (request) => Object.assign(columns(request), { proxyAddresses: ["smtp:other@contoso.com"] }),
    complaint: "the body has proxyAddresses of user, which is never written",
  },
  {
    what: "a boolean as text",
    of: patchUser,
    change: (request) => Object.assign(columns(request), { accountEnabled: "false" }),
    complaint: 'accountEnabled is "false", which is no boolean',
  },
  {
    what: "a path that Graph does not have",
    of: patchUser,
    change: (request) => {
      request.path = `${request.path}/mailboxPermissions`;
    },
    complaint: "is unknown",
  },
  {
    what: "a query option that Graph does not have",
    of: ["graph", "GET", "$select"],
    change: (request) => {
      request.path = `${request.path}&$members=all`;
    },
    complaint: "the query option $members is unknown",
  },
  {
    what: "an action that rules do not have",
    of: createRule,
    change: (request) => Object.assign(membersOf(columns(request).actions), { forwardEverything: true }),
    complaint: "the unknown member forwardEverything of messageRuleActions",
  },
  {
    what: "a recipient that is only text",
    of: createRule,
    change: (request) =>
      Object.assign(membersOf(columns(request).actions), { forwardAsAttachmentTo: ["support@contoso.com"] }),
    complaint: "is no recipient",
  },
  {
    what: "a column that mailboxes do not have",
    of: updateRow,
    change: (request) => Object.assign(columns(request), { forwardto: "support@contoso.com" }),
    complaint: "the column forwardto is unknown",
  },
  {
    what: "a column that is read only",
    of: updateRow,
    change: (request) => Object.assign(columns(request), { isforwardmailbox: true }),
    complaint: "the column isforwardmailbox is not taken in an update",
  },
  {
    what: "a lookup bound by its column's name and not as a reference",
    of: updateRow,
    change: (request) => Object.assign(columns(request), { emailserverprofile: "Microsoft Exchange Online" }),
    complaint: 'emailserverprofile is "Microsoft Exchange Online", which is no lookup',
  },
  {
    what: "an outgoing method on a forward mailbox",
    of: createRow,
    change: (request) => {
      request.path = request.path.replace(/\([^)]*\)/, `(${randomUUID()})`);
      Object.assign(columns(request), { outgoingemaildeliverymethod: 2 });
    },
    complaint: "a forward mailbox does not take outgoingemaildeliverymethod 2",
  },
  {
    what: "a choice that is none",
    of: updateRow,
    change: (request) => Object.assign(columns(request), { emailrouteraccessapproval: 7 }),
    complaint: "emailrouteraccessapproval is 7, which is no choice of it",
  },
  {
    what: "a column to read that mailboxes do not have",
    of: readRow,
    change: (request) => {
      request.path = request.path.replace("$select=", "$select=forwardto,");
    },
    complaint: "the column forwardto is selected and unknown",
  },
  {
    what: "a password to read",
    of: readRow,
    change: (request) => {
      request.path = request.path.replace("$select=", "$select=password,");
    },
    complaint: "the column password is selected and unknown",
  },
  {
    what: "a user's method on a queue",
    of: createQueue,
    change: (request) => {
      request.path = request.path.replace(/\([^)]*\)/, `(${randomUUID()})`);
      Object.assign(columns(request), { outgoingemaildeliverymethod: 1 });
    },
    complaint: "outgoingemaildeliverymethod is 1, which is no choice of it",
  },
  {
    what: "an owner that is neither a user nor a team",
    of: createQueue,
    change: (request) => {
      request.path = request.path.replace(/\([^)]*\)/, `(${randomUUID()})`);
      Object.assign(columns(request), { "ownerid@odata.bind": `/queues(${randomUUID()})` });
    },
    complaint: "ownerid is bound to",
  },
  {
    what: "the mailbox record of a queue",
    of: createQueue,
    change: (request) => {
      request.path = request.path.replace(/\([^)]*\)/, `(${randomUUID()})`);
      Object.assign(columns(request), { "defaultmailbox@odata.bind": `/mailboxes(${randomUUID()})` });
    },
    complaint: "the column defaultmailbox@odata.bind is unknown",
    taken: "the service ignores columns that are read only",
  },
  {
    what: "the name of a user",
    of: updateUser,
    change: (request) => Object.assign(columns(request), { fullname: "Somebody Else" }),
    complaint: "the column fullname is not taken in an update",
  },
  {
    what: "a change under no condition",
    of: createRow,
    change: (request) => {
      delete request.headers["if-none-match"];
      delete request.headers.pragma;
      delete request.headers["cache-control"];
      request.path = request.path.replace(/\([^)]*\)/, `(${randomUUID()})`);
    },
    complaint: "an update without If-Match would make the row where there is none",
    taken: "Dataverse takes it for an upsert",
  },
  {
    what: "a request without the OData version",
    of: readRow,
    change: (request) => {
      delete request.headers["odata-version"];
    },
    complaint: "the header odata-version is missing",
  },
];

test("the deployment itself is as the wire tables have it", () => {
  expect(complaintsAbout(recordings)).toEqual([]);
});

test.each(violations)("$what is found, and refused by the tenant where the service refuses it", (violation) => {
  const { what, complaint, taken } = violation;
  const found = resent.get(what);
  expect(complaintsAbout(found === undefined ? [] : [found]).join("\n")).toContain(complaint);
  const status = found?.answer.status ?? 0;
  expect([status, status >= 400 && status < 500]).toEqual([status, taken === undefined]);
});

/** The first of the provider's requests that fits; those inside a batch do not count, unless the batch itself is meant. */
function recorded([part, method, text]: Violation["of"]): Recording {
  const found = recordings.find(
    (one) =>
      one.part === part &&
      one.method === method &&
      one.answer.status < 300 &&
      one.path.endsWith("$batch") === (text === wholeBatch) &&
      (one.path.includes(text) || one.body.includes(text)),
  );
  if (found === undefined) {
    throw new Error(`the provider sent no ${method} with ${text}`);
  }
  return found;
}

async function sendAgain({ of, change }: Violation, proxy: RecordingProxy): Promise<Recording> {
  const { method, path, headers, body } = recorded(of);
  const own = Object.entries(headers).filter(
    ([name]) => !/^(?:host|connection$|content-length|accept-|sec-)/.test(name),
  );
  const request: Request = {
    method,
    path,
    headers: { ...Object.fromEntries(own), "client-request-id": randomUUID() },
    body: parsed(body),
  };
  change(request);
  await fetch(`${proxy.origin}${request.path}`, {
    method: request.method,
    headers: request.headers,
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  });
  const last = proxy.recordings.at(-1);
  if (last === undefined) {
    throw new Error("nothing was recorded");
  }
  return last;
}

test("an answer that is not as the service gives it is found", () => {
  const change = (of: Violation["of"], how: (answer: Members) => void): string => {
    const recording = recorded(of);
    const answer = parsed(recording.answer.body);
    if (!isMembers(answer)) {
      throw new Error("the answer is no object");
    }
    how(answer);
    return complaintsAbout([{ ...recording, answer: { ...recording.answer, body: JSON.stringify(answer) } }]).join(
      "\n",
    );
  };
  const firstRow = (answer: Members): Members => membersOf([answer.value].flat()[0]);

  const newMailbox: Violation["of"] = ["exchange", "POST", '"CmdletName":"New-Mailbox"'];
  expect(change(newMailbox, (answer) => delete firstRow(answer).ExchangeGuid)).toContain("ExchangeGuid is missing");
  expect(change(newMailbox, (answer) => Object.assign(firstRow(answer), { IsDirSynced: "False" }))).toContain(
    'IsDirSynced is "False" in the answer, which is no Edm.Boolean',
  );
  expect(change(newMailbox, (answer) => delete answer["@adminapi.warnings"])).toContain("no @adminapi.warnings");
  expect(change(createRule, (answer) => Object.assign(answer, { sequence: "1" }))).toContain("which is no integer");
  expect(change(createRule, (answer) => Object.assign(answer, { stopped: true }))).toContain("unknown member stopped");
  expect(change(readRow, (answer) => Object.assign(answer, { statecode: "Active" }))).toContain("which is no choice");
  expect(change(readRow, (answer) => delete answer["@odata.etag"])).toContain("the row has no @odata.etag");
});

test("parameters of different parameter sets do not go together", () => {
  const cmdlet = {
    parameters: {
      One: { type: "String", sets: ["a", "b"] },
      Other: { type: "String", sets: ["b", "c"] },
      Third: { type: "String", sets: ["c"] },
      Any: { type: "String" },
    },
  } as const;
  expect(commonSets(cmdlet, ["Any"])).toBeUndefined();
  expect(commonSets(cmdlet, ["One", "Other", "Any"])).toEqual(["b"]);
  expect(commonSets(cmdlet, ["One", "Third"])).toEqual([]);
});
