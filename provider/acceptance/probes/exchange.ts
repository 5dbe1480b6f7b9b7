import { randomUUID } from "node:crypto";
import { rowsOf } from "../../http/json";
import type { Ground } from "../made";
import { type Json, notTried, type Probe, type Reply, rowsIn, seen, Unprepared, type Verdict } from "../wire";

/** How long something that shows at once or never is waited for, in milliseconds. */
const A_MINUTE = 60_000;

/** How long a server is given that has not heard of a write yet, in milliseconds. */
const SOME_SECONDS = 5_000;

/** A request inside a `$batch`. */
function batched(ground: Ground, id: number, cmdlet: string, parameters: Json = {}): Json {
  return {
    id: String(id),
    method: "POST",
    url: `${ground.wire.exchangeOrigin}/adminapi/beta/${ground.wire.tenantId}/InvokeCommand`,
    headers: { "Content-Type": "application/json", "X-CmdletName": cmdlet },
    body: { CmdletInput: { CmdletName: cmdlet, Parameters: parameters } },
  };
}

function batch(ground: Ground, requests: Json[], kind: "read" | "write" = "read"): Promise<Reply> {
  return ground.wire.send({
    service: "exchange",
    method: "POST",
    path: `/adminapi/beta/${ground.wire.tenantId}/$batch`,
    kind,
    action: "asking several things at once",
    cmdlet: "$batch",
    body: { requests },
  });
}

function responsesOf({ body }: Reply): Json[] {
  return rowsOf(body?.responses) ?? [];
}

/** `exchange.unauthorized-body`: a read with a token that is none. An empty body is what is assumed; any other is an answer too. */
async function unauthorizedBody({ wire }: Ground): Promise<Verdict> {
  const reply = await wire.cmdlet("Get-AcceptedDomain", {}, { token: "not-a-token" });
  if (reply.status !== 401) {
    throw new Unprepared(`a token that is none was answered with HTTP ${reply.status}`);
  }
  return seen(reply.text === "", `a 401 came with a body of ${reply.text.length} characters`);
}

/** `exchange.foreign-tenant-segment`: a read under the id of a tenant that is not there. Any status but 404 contradicts. */
async function foreignTenant({ wire }: Ground): Promise<Verdict> {
  const reply = await wire.send({
    service: "exchange",
    method: "POST",
    path: `/adminapi/beta/${randomUUID()}/InvokeCommand`,
    kind: "read",
    action: "asking under another tenant's id",
    cmdlet: "Get-AcceptedDomain",
    body: { CmdletInput: { CmdletName: "Get-AcceptedDomain", Parameters: {} } },
  });
  return seen(reply.status === 404, `another tenant's id in the path was answered with HTTP ${reply.status}`);
}

/** `exchange.batch-size`: eleven reads in one `$batch`. A refusal confirms the limit of ten; eleven answers contradict it. */
async function batchSize(ground: Ground): Promise<Verdict> {
  const reply = await batch(
    ground,
    Array.from({ length: 11 }, (_, index) => batched(ground, index, "Get-AcceptedDomain")),
  );
  return seen(
    reply.status >= 400,
    `a batch of 11 was answered with HTTP ${reply.status} and ${responsesOf(reply).length} answers`,
  );
}

/**
 * `exchange.batch-first-error`: a batch of three whose second read finds nothing, without the preference to go on. One read without
 * an answer confirms; three answers contradict.
 */
async function batchFirstError(ground: Ground): Promise<Verdict> {
  const reply = await batch(ground, [
    batched(ground, 0, "Get-AcceptedDomain"),
    batched(ground, 1, "Get-Mailbox", { Identity: randomUUID() }),
    batched(ground, 2, "Get-AcceptedDomain"),
  ]);
  const answers = responsesOf(ground.expect(reply, "a batch of three"));
  if (!answers.some(({ id, status }) => id === "1" && Number(status) >= 400)) {
    throw new Unprepared("the second request of the batch did not fail");
  }
  const answered = answers.filter(({ status }) => Number(status) < 400).length;
  return seen(answered < 2, `beside the one that failed, ${answered} of 2 requests were answered`);
}

/** Writes in one batch; the last one counts if they run in their order. */
const WRITES = 8;

/**
 * `exchange.batch-order`: sets one attribute of a mailbox eight times in one batch, to 1, 2, 3 and so on. Three times the last value
 * confirms; any other contradicts.
 */
async function batchOrder(ground: Ground): Promise<Verdict> {
  const mailbox = await ground.newMailbox();
  for (let round = 1; round <= 3; round += 1) {
    const values = Array.from({ length: WRITES }, (_, index) => `${round}-${index + 1}`);
    const reply = await batch(
      ground,
      values.map((value, index) =>
        batched(ground, index, "Set-Mailbox", { Identity: mailbox.guid, CustomAttribute1: value }),
      ),
      "write",
    );
    ground.expect(reply, "a batch of writes");
    let last: unknown;
    await ground.eventually(async () => {
      last = (await ground.mailboxRow(mailbox)).CustomAttribute1;
      return last === values.at(-1) ? last : undefined;
    }, SOME_SECONDS);
    if (last !== values.at(-1)) {
      return seen(
        false,
        `of ${WRITES} writes in one batch, write ${values.indexOf(String(last)) + 1} was the last one`,
      );
    }
  }
  return seen(true, `three times the last of ${WRITES} writes in one batch was the one that counted`);
}

/** `exchange.object-id-identity`: reads a mailbox by its Entra object id. Found confirms. */
async function objectIdIdentity(ground: Ground): Promise<Verdict> {
  const { id } = await ground.mailbox();
  const reply = await ground.wire.cmdlet("Get-Mailbox", { Identity: id });
  const isFound = rowsIn(reply).some((row) => row.ExternalDirectoryObjectId === id);
  return seen(isFound, `a mailbox was ${isFound ? "" : "not "}found by its Entra object id (HTTP ${reply.status})`);
}

/** `exchange.filter-length`: asks for a mailbox among fourteen that are not there, by one filter. Found confirms. */
async function filterLength(ground: Ground): Promise<Verdict> {
  const { id } = await ground.mailbox();
  const ids = [...Array.from({ length: 14 }, () => randomUUID()), id];
  const filter = ids.map((one) => `ExternalDirectoryObjectId -eq '${one}'`).join(" -or ");
  const reply = await ground.wire.cmdlet("Get-Mailbox", { Filter: filter, ResultSize: "Unlimited" });
  const isFound = rowsIn(reply).some((row) => row.ExternalDirectoryObjectId === id);
  return seen(
    isFound,
    `a filter of ${ids.length} object ids ${isFound ? "found" : "did not find"} it (HTTP ${reply.status})`,
  );
}

/**
 * `exchange.initials`: makes a mailbox with Initials, reads them with Get-User and takes them away with Set-User. Kept, shown by
 * Get-User alone, and gone afterwards confirms: a creation is marked so.
 */
async function initials(ground: Ground): Promise<Verdict> {
  const mark = "~m1f3a";
  const { reply, mailbox, row } = await ground.tryMailbox({ Initials: mark });
  if (mailbox === undefined) {
    return seen(false, `New-Mailbox with Initials was refused with HTTP ${reply.status}`);
  }
  const signInName = String(row.UserPrincipalName);
  const read = async () => rowsIn(await ground.wire.cmdlet("Get-User", { Identity: signInName }))[0];
  const user = await ground.until("Get-User to show the account", read);
  const others = await ground.until("Get-Mailbox to show the mailbox", async () => {
    const shown = rowsIn(await ground.wire.cmdlet("Get-Mailbox", { Identity: mailbox.guid }))[0];
    return shown === undefined ? undefined : JSON.stringify(shown);
  });
  const cleared = await ground.wire.cmdlet("Set-User", { Identity: signInName, Initials: null, Confirm: false });
  const isGone = await ground.eventually(async () => {
    const later = await read();
    return later !== undefined && (later.Initials ?? "") === "" ? true : undefined;
  }, SOME_SECONDS);
  const isKept = user.Initials === mark;
  const isHidden = !others.includes(mark);
  return seen(
    isKept && isHidden && cleared.status < 400 && isGone === true,
    `Get-User ${isKept ? "shows" : "does not show"} them, Get-Mailbox ${isHidden ? "does not" : "does"}; taking them away was answered with HTTP ${cleared.status}`,
  );
}

/** `exchange.message-size`: limits of 150 MB and 151 MB for messages. The first taken and the second refused confirms. */
async function messageSize(ground: Ground): Promise<Verdict> {
  const { guid } = await ground.mailbox();
  const most = await ground.wire.cmdlet("Set-Mailbox", { Identity: guid, MaxSendSize: "150 MB" });
  const more = await ground.wire.cmdlet("Set-Mailbox", { Identity: guid, MaxSendSize: "151 MB" });
  return seen(
    most.status < 400 && more.status >= 400,
    `150 MB was answered with HTTP ${most.status}, 151 MB with HTTP ${more.status}`,
  );
}

/**
 * `exchange.rule-identity-graph`: a rule made through Graph, read with Get-InboxRule. Its RuleIdentity, as eight bytes with the low
 * ones first, in base64, is Graph's id: confirmed.
 */
async function ruleIdentity(ground: Ground): Promise<Verdict> {
  const { id, guid } = await ground.mailbox();
  const name = ground.name();
  const made = await ground.until("Graph to take a rule", async () => {
    const reply = await ground.wire.graph("POST", `/users/${id}/mailFolders/inbox/messageRules`, {
      displayName: name,
      sequence: 1,
      isEnabled: true,
      conditions: { subjectContains: [name] },
      actions: { markAsRead: true },
    });
    return reply.status === 404 ? undefined : ground.expect(reply, "making a rule");
  });
  // The number has more digits than JavaScript keeps, so it is read from the text.
  const digits = await ground.until("Exchange to show the rule", async () => {
    const reply = await ground.wire.cmdlet("Get-InboxRule", { Mailbox: guid });
    return rowsIn(reply).length === 0 ? undefined : /"RuleIdentity":\s*"?(\d+)/.exec(reply.text)?.[1];
  });
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(digits)));
  const isSame = bytes.toString("base64") === made.body?.id;
  return seen(isSame, `RuleIdentity and Graph's id of a rule are ${isSame ? "the same eight bytes" : "different"}`);
}

/**
 * `exchange.v2-other-refused`: runs a cmdlet on an endpoint of v2.0 that does not have it. A 400 confirms. Where even the endpoint's
 * own cmdlet is refused, v2.0 is not open to the application or the tenant, and nothing can be said.
 */
async function v2OtherRefused({ wire }: Ground): Promise<Verdict> {
  const ask = (endpoint: string, cmdlet: string) =>
    wire.send({
      service: "exchange",
      method: "POST",
      path: `/adminapi/v2.0/${wire.tenantId}/${endpoint}`,
      kind: "read",
      action: "asking the v2.0 endpoints",
      cmdlet,
      body: { CmdletInput: { CmdletName: cmdlet, Parameters: {} } },
    });
  const own = await ask("AcceptedDomain", "Get-AcceptedDomain");
  if (own.status >= 400) {
    return notTried(`v2.0 is not open here: HTTP ${own.status}`);
  }
  const other = await ask("AcceptedDomain", "Get-Recipient");
  return seen(other.status === 400, `a cmdlet that is not the endpoint's was answered with HTTP ${other.status}`);
}

/** `exchange.link-replay`: follows the link to a second page twice. The first time served and the second refused confirms. */
async function linkReplay({ wire }: Ground): Promise<Verdict> {
  const body = { CmdletInput: { CmdletName: "Get-Recipient", Parameters: { ResultSize: "Unlimited" } } };
  const ask = (path: string) =>
    wire.send({
      service: "exchange",
      method: "POST",
      path,
      kind: "read",
      action: "listing recipients",
      cmdlet: "Get-Recipient",
      headers: { Prefer: "odata.maxpagesize=1" },
      body,
    });
  const first = await ask(`/adminapi/beta/${wire.tenantId}/InvokeCommand?$select=Guid`);
  const link = first.body?.["@odata.nextLink"];
  if (typeof link !== "string") {
    return notTried("a listing with pages of one row had no second page");
  }
  const [once, twice] = [await ask(link), await ask(link)];
  if (once.status >= 400) {
    throw new Unprepared(`the second page was refused (HTTP ${once.status})`);
  }
  return seen(twice.status >= 400, `a link that was followed before was answered with HTTP ${twice.status}`);
}

/**
 * `exchange.error-statuses`: asks for a mailbox that is not there, for a new one on a taken address, and with a parameter that does
 * not exist. 404, 409 and 400 confirm.
 */
async function errorStatuses(ground: Ground): Promise<Verdict> {
  const { address } = await ground.mailbox();
  const missing = await ground.wire.cmdlet("Get-Mailbox", { Identity: randomUUID() });
  const taken = (await ground.tryMailbox({ PrimarySmtpAddress: address })).reply;
  const wrong = await ground.wire.cmdlet("Get-Mailbox", { NoSuchParameter: true });
  const statuses = [missing.status, taken.status, wrong.status];
  return seen(
    statuses.join() === "404,409,400",
    `not found ${statuses[0]}, a taken address ${statuses[1]}, a wrong parameter ${statuses[2]}`,
  );
}

function addressesOf(row: Json): string[] {
  return Array.isArray(row.EmailAddresses) ? row.EmailAddresses.map(String) : [];
}

/** `exchange.new-mailbox-upn`: a new mailbox's sign-in name is its alias at the default domain, which is an address of it too. */
async function newMailboxUpn(ground: Ground): Promise<Verdict> {
  const domains = rowsIn(ground.expect(await ground.wire.cmdlet("Get-AcceptedDomain"), "reading the domains"));
  const own = domains.find((domain) => domain.Default === true)?.DomainName;
  const { mailbox, row } = await ground.tryMailbox();
  if (mailbox === undefined || own === undefined) {
    throw new Unprepared("needs a new mailbox and a default domain");
  }
  const expected = `${mailbox.alias}@${own}`.toLowerCase();
  const isName = String(row.UserPrincipalName).toLowerCase() === expected;
  const isAddress = addressesOf(row).some((one) => one.toLowerCase() === `smtp:${expected}`);
  return seen(
    isName && isAddress,
    `the sign-in name is ${isName ? "" : "not "}the alias at the default domain, which is ${isAddress ? "" : "not "}an address`,
  );
}

/** `exchange.new-account-enabled`: asks Graph whether the account of a new mailbox may sign in. */
async function newAccountEnabled(ground: Ground): Promise<Verdict> {
  const { id } = await ground.newMailbox();
  const account = await ground.until("Graph to know the account", async () => {
    const reply = await ground.wire.graph("GET", `/users/${id}?$select=accountEnabled`);
    return reply.status === 404 ? undefined : ground.expect(reply, "reading the account").body;
  });
  return seen(
    account.accountEnabled === false,
    `the account of a new mailbox may ${account.accountEnabled === false ? "not " : ""}sign in`,
  );
}

/** `exchange.primary-in-add`: adds an address with `SMTP:`. It the primary and the old one still there confirms. */
async function primaryInAdd(ground: Ground): Promise<Verdict> {
  const mailbox = await ground.newMailbox();
  const address = ground.address();
  const reply = await ground.wire.cmdlet("Set-Mailbox", {
    Identity: mailbox.guid,
    EmailAddresses: { "@odata.type": "#Exchange.GenericHashTable", Add: [`SMTP:${address}`] },
  });
  if (reply.status >= 400) {
    return seen(false, `SMTP: in the list of additions was refused with HTTP ${reply.status}`);
  }
  const addresses = await ground.eventually(async () => {
    const all = addressesOf(await ground.mailboxRow(mailbox));
    return all.some((one) => one.toLowerCase() === `smtp:${address}`) ? all : undefined;
  }, A_MINUTE);
  const isPrimary = addresses?.includes(`SMTP:${address}`) === true;
  const isKept = addresses?.includes(`smtp:${mailbox.address}`) === true;
  return seen(
    isPrimary && isKept,
    `the added address is ${isPrimary ? "" : "not "}the primary, the former primary is ${isKept ? "" : "not "}a secondary`,
  );
}

/** `exchange.soft-deleted-addresses`: makes a mailbox on the address of one that was just removed. Taken at once confirms. */
async function softDeletedAddresses(ground: Ground): Promise<Verdict> {
  const former = await ground.newMailbox();
  await ground.removeMailbox(former);
  const { reply } = await ground.tryMailbox({ PrimarySmtpAddress: former.address });
  return seen(reply.status < 400, `the address of a removed mailbox was answered with HTTP ${reply.status}`);
}

/**
 * `exchange.undo-soft-deleted`: removes a mailbox and brings it back with Undo-SoftDeletedMailbox. Its account alive under the same
 * id confirms; a refusal, or another id, contradicts.
 */
async function undoSoftDeleted(ground: Ground): Promise<Verdict> {
  const mailbox = await ground.newMailbox();
  const { ExchangeGuid } = await ground.mailboxRow(mailbox);
  await ground.removeMailbox(mailbox);
  await ground.until("the mailbox to be soft-deleted", async () => {
    const reply = await ground.wire.cmdlet("Get-Mailbox", { Identity: String(ExchangeGuid), SoftDeletedMailbox: true });
    return rowsIn(reply).length === 1 ? true : undefined;
  });
  const reply = await ground.wire.cmdlet("Undo-SoftDeletedMailbox", { SoftDeletedObject: String(ExchangeGuid) });
  if (reply.status >= 400) {
    return seen(false, `without a password it was refused with HTTP ${reply.status}`);
  }
  const id = String(rowsIn(reply)[0]?.ExternalDirectoryObjectId ?? mailbox.id);
  ground.cameBackAs(mailbox, id);
  const account = await ground.eventually(async () => {
    const user = await ground.wire.graph("GET", `/users/${mailbox.id}?$select=id`);
    return user.status === 200 ? true : undefined;
  }, A_MINUTE);
  const isSame = id === mailbox.id && account === true;
  return seen(isSame, isSame ? "the account came back with it" : "the account did not come back under its id");
}

/**
 * `exchange.sid-as-trustee`: gives one disposable mailbox Full Access and Send As of another, and takes both away by the first one's
 * SID. Both entries gone confirms.
 */
async function sidAsTrustee(ground: Ground): Promise<Verdict> {
  const [mailbox, trustee] = [await ground.newMailbox(), await ground.newMailbox()];
  const { UserPrincipalName } = await ground.mailboxRow(trustee);
  const Sid = await ground.until("Get-User to show the SID of the trustee", async () => {
    const [row] = rowsIn(await ground.wire.cmdlet("Get-User", { Identity: String(UserPrincipalName) }));
    return typeof row?.Sid === "string" ? row.Sid : undefined;
  });
  const of = { Identity: mailbox.guid };
  const fullAccess = { ...of, AccessRights: ["FullAccess"] };
  const sendAs = { ...of, AccessRights: ["SendAs"], Confirm: false };
  const { wire } = ground;
  ground.expect(
    await wire.cmdlet("Add-MailboxPermission", { ...fullAccess, User: trustee.guid }),
    "giving Full Access",
  );
  ground.expect(await wire.cmdlet("Add-RecipientPermission", { ...sendAs, Trustee: trustee.guid }), "giving Send As");
  const isHolding = async (cmdlet: string, column: string) =>
    rowsIn(ground.expect(await wire.cmdlet(cmdlet, of), "reading permissions")).some((row) => row[column] === Sid);
  const holdings = async () => [
    await isHolding("Get-MailboxPermission", "UserSid"),
    await isHolding("Get-RecipientPermission", "TrusteeSidString"),
  ];
  await ground.until("both entries to show", async () => ((await holdings()).every(Boolean) ? true : undefined));
  const taken = [
    await wire.cmdlet("Remove-MailboxPermission", { ...fullAccess, User: Sid, Confirm: false }),
    await wire.cmdlet("Remove-RecipientPermission", { ...sendAs, Trustee: Sid }),
  ];
  const isGone = await ground.eventually(
    async () => ((await holdings()).some(Boolean) ? undefined : true),
    taken.every(({ status }) => status < 400) ? A_MINUTE : 0,
  );
  return seen(
    isGone === true,
    `removals by SID were answered with HTTP ${taken.map(({ status }) => status).join(" and ")}; the entries are ${isGone ? "gone" : "there"}`,
  );
}

/** Columns of a mailbox that are lists of recipients. */
const LISTS = ["GrantSendOnBehalfTo", "AcceptMessagesOnlyFrom"] as const;

/**
 * `exchange.list-reaches-hidden`: puts two mailboxes into two lists of a third, deletes one of the two, writes the lists with the other
 * one alone, and brings the deleted one back. Its absence from both lists confirms.
 */
async function listReachesHidden(ground: Ground): Promise<Verdict> {
  const [mailbox, staying, leaving] = [await ground.newMailbox(), await ground.newMailbox(), await ground.newMailbox()];
  const write = async (members: string[]): Promise<void> => {
    const lists = Object.fromEntries(LISTS.map((list) => [list, members]));
    const reply = await ground.wire.cmdlet("Set-Mailbox", { Identity: mailbox.guid, ...lists });
    ground.expect(reply, "writing the lists");
  };
  const lengths = async () => {
    const row = await ground.mailboxRow(mailbox);
    return LISTS.map((list) => (Array.isArray(row[list]) ? row[list].length : 0));
  };
  const shown = (count: number) =>
    ground.until(`the lists to show ${count}`, async () =>
      (await lengths()).every((length) => length === count) ? true : undefined,
    );
  await write([staying.guid, leaving.guid]);
  await shown(2);
  await ground.removeMailbox(leaving);
  await shown(1);
  await write([staying.guid]);
  await ground.until("the account to come back", async () => {
    const reply = await ground.wire.graph("POST", `/directory/deletedItems/${leaving.id}/restore`, {});
    return reply.status === 404 ? undefined : ground.expect(reply, "bringing the account back");
  });
  await ground.until("the mailbox to come back", async () => {
    const reply = await ground.wire.cmdlet("Get-Mailbox", { Identity: leaving.guid });
    return rowsIn(reply).length === 1 ? true : undefined;
  });
  const isBack = await ground.eventually(
    async () => ((await lengths()).some((length) => length > 1) ? true : undefined),
    SOME_SECONDS,
  );
  return seen(
    isBack !== true,
    `after the lists were written whole, the restored mailbox was ${isBack ? "" : "not "}in them again`,
  );
}

/** What is tried on the Exchange admin API. */
export const exchangeProbes: readonly Probe[] = [
  {
    row: "exchange.unauthorized-body",
    assumption: "A refused token is answered with an empty body.",
    needs: [],
    ask: unauthorizedBody,
  },
  {
    row: "exchange.foreign-tenant-segment",
    assumption: "Another tenant's id in the path is answered with 404.",
    needs: [],
    ask: foreignTenant,
  },
  {
    row: "exchange.batch-size",
    assumption: "A batch holds at most ten requests.",
    needs: [],
    ask: batchSize,
  },
  {
    row: "exchange.batch-first-error",
    assumption: "A batch ends at its first error unless it asks to go on.",
    needs: [],
    ask: batchFirstError,
  },
  {
    row: "exchange.v2-other-refused",
    assumption: "A cmdlet that an endpoint of v2.0 does not have is answered with 400.",
    needs: [],
    ask: v2OtherRefused,
  },
  {
    row: "exchange.link-replay",
    assumption: "The link to the next page can be followed once.",
    needs: [],
    ask: linkReplay,
  },
  {
    row: "exchange.error-statuses",
    assumption: "Not found is 404, a taken address 409, any other error of a cmdlet 400.",
    needs: ["disposable"],
    ask: errorStatuses,
  },
  {
    row: "exchange.new-mailbox-upn",
    assumption: "A new shared mailbox signs in as its alias at the default domain, which is an address of it too.",
    needs: ["disposable"],
    ask: newMailboxUpn,
  },
  {
    row: "exchange.new-account-enabled",
    assumption: "The account of a new shared mailbox may not sign in.",
    needs: ["disposable"],
    ask: newAccountEnabled,
  },
  {
    row: "exchange.primary-in-add",
    assumption: "SMTP: among added addresses makes that one the primary and the old one a secondary.",
    needs: ["disposable"],
    ask: primaryInAdd,
  },
  {
    row: "exchange.soft-deleted-addresses",
    assumption: "The addresses of a removed mailbox are free at once.",
    needs: ["disposable"],
    ask: softDeletedAddresses,
  },
  {
    row: "exchange.undo-soft-deleted",
    assumption: "Undo-SoftDeletedMailbox brings the deleted account back under its id, without a password.",
    needs: ["disposable"],
    ask: undoSoftDeleted,
  },
  {
    row: "exchange.sid-as-trustee",
    assumption: "The permission cmdlets take a SID as trustee.",
    needs: ["disposable"],
    ask: sidAsTrustee,
  },
  {
    row: "exchange.list-reaches-hidden",
    assumption: "A list of recipients that is written whole takes the hidden entries of deleted ones away too.",
    needs: ["disposable"],
    ask: listReachesHidden,
  },
  {
    row: "exchange.batch-order",
    assumption: "The requests of a batch run one after the other, in their order.",
    needs: ["disposable"],
    ask: batchOrder,
  },
  {
    row: "exchange.object-id-identity",
    assumption: "A mailbox is found by its Entra object id.",
    needs: ["disposable"],
    ask: objectIdIdentity,
  },
  {
    row: "exchange.filter-length",
    assumption: "A filter of fifteen object ids finds the mailbox that one of them is of.",
    needs: ["disposable"],
    ask: filterLength,
  },
  {
    row: "exchange.initials",
    assumption: "New-Mailbox keeps Initials, which only Get-User shows and Set-User takes away.",
    needs: ["disposable"],
    ask: initials,
  },
  {
    row: "exchange.message-size",
    assumption: "The largest limit for messages is 150 MB.",
    needs: ["disposable"],
    ask: messageSize,
  },
  {
    row: "exchange.rule-identity-graph",
    assumption: "RuleIdentity holds the same eight bytes as Graph's id of an inbox rule.",
    needs: ["disposable"],
    ask: ruleIdentity,
  },
];
