import type { Ground } from "../made";
import {
  type Json,
  notTried,
  type Probe,
  type Reply,
  refusalOf,
  rowsIn,
  seen,
  Unprepared,
  type Verdict,
} from "../wire";

const TEST_COLUMNS =
  "testemailconfigurationscheduled,testmailboxaccesscompletedon,incomingemailstatus,outgoingemailstatus,mailboxstatus,lastsyncerror,lastsyncerrorcode";

/** How long something that follows at once or never is waited for, in milliseconds. */
const A_MINUTE = 60_000;

/** A forward mailbox on an address that nothing has. */
function newRecord(ground: Ground, columns: Json = {}): Promise<string> {
  return ground.newRow("mailboxes", {
    emailaddress: ground.address(),
    incomingemaildeliverymethod: 2,
    outgoingemaildeliverymethod: 0,
    ...columns,
  });
}

/** Runs Test & Enable on a record and waits for its end. */
async function tested(ground: Ground, id: string): Promise<Json> {
  ground.expect(await ground.change("mailboxes", id, { testemailconfigurationscheduled: true }), "scheduling a test");
  return ground.until("the test to end", async () => {
    const row = await ground.row("mailboxes", id, TEST_COLUMNS);
    return row.testemailconfigurationscheduled === false ? row : undefined;
  });
}

/** A record whose test has ended; it fails, because no mailbox stands behind its address. */
async function testedRecord(ground: Ground): Promise<{ id: string; row: Json }> {
  const id = await newRecord(ground);
  return { id, row: await tested(ground, id) };
}

/** `dataverse.version-headers`: WhoAmI without the two version headers, and with version 5.0. Taken and refused confirms. */
async function versionHeaders({ wire }: Ground): Promise<Verdict> {
  const ask = (headers: Record<string, string>) =>
    wire.send({
      service: "dataverse",
      method: "GET",
      path: "/api/data/v9.2/WhoAmI",
      kind: "read",
      action: "asking who this is",
      headers,
    });
  const [without, wrong] = [await ask({}), await ask({ "OData-Version": "5.0", "OData-MaxVersion": "5.0" })];
  return seen(
    without.status < 400 && wrong.status >= 400,
    `without version headers HTTP ${without.status}, with version 5.0 HTTP ${wrong.status}`,
  );
}

/**
 * `dataverse.own-writes-visible`: makes a record and asks for it at once, by its id and by a filter on its address. Seen both ways
 * confirms.
 */
async function ownWritesVisible(ground: Ground): Promise<Verdict> {
  const emailaddress = ground.address();
  const id = await newRecord(ground, { emailaddress });
  const byId = await ground.wire.dataverse("GET", `/mailboxes(${id})?$select=name`);
  const filter = encodeURIComponent(`emailaddress eq '${emailaddress}'`);
  const byFilter = await ground.wire.dataverse("GET", `/mailboxes?$select=name&$filter=${filter}`);
  const isSeen = byId.status === 200 && rowsIn(byFilter).length === 1;
  return seen(isSeen, `a new row was ${isSeen ? "" : "not "}there at once, by id (HTTP ${byId.status}) and by filter`);
}

/** `dataverse.names-not-unique`: makes two teams of one name. Both taken confirms. */
async function namesNotUnique(ground: Ground): Promise<Verdict> {
  const name = `${ground.mark} twice`;
  await ground.newRow("teams", { name });
  const { reply } = await ground.tryRow("teams", { name });
  return seen(reply.status < 400, `a second team of the same name was answered with HTTP ${reply.status}`);
}

/** `dataverse.rule-error-status`: asks for a forward mailbox that sends, which its rules forbid. A 400 confirms. */
async function ruleErrorStatus(ground: Ground): Promise<Verdict> {
  const { reply } = await ground.tryRow("mailboxes", {
    emailaddress: ground.address(),
    incomingemaildeliverymethod: 2,
    outgoingemaildeliverymethod: 2,
  });
  if (reply.status < 400) {
    throw new Unprepared("a forward mailbox that sends was taken");
  }
  return seen(reply.status === 400, `a broken rule was answered with HTTP ${reply.status} ${refusalOf(reply).code}`);
}

/** `dataverse.methods-not-null`: sets the incoming method and a flag of a record to null. Both refused confirms. */
async function methodsNotNull(ground: Ground): Promise<Verdict> {
  const id = await newRecord(ground);
  const method = await ground.change("mailboxes", id, { incomingemaildeliverymethod: null });
  const flag = await ground.change("mailboxes", id, { processanddeleteemails: null });
  return seen(
    method.status >= 400 && flag.status >= 400,
    `null was answered with HTTP ${method.status} for a method and HTTP ${flag.status} for a flag`,
  );
}

/**
 * `dataverse.credentials-profile`: gives a record credentials of its own though its server profile does not take them from
 * mailboxes. A refusal confirms.
 */
async function credentialsProfile(ground: Ground): Promise<Verdict> {
  const profile = await ground.newRow("emailserverprofiles", {
    servertype: 0,
    incomingcredentialretrieval: 1,
    outgoingcredentialretrieval: 1,
    defaultserverlocation: "https://mail.example.com/EWS/Exchange.asmx",
  });
  const id = await newRecord(ground, { "emailserverprofile@odata.bind": `/emailserverprofiles(${profile})` });
  const reply = await ground.change("mailboxes", id, {
    allowemailconnectortousecredentials: true,
    username: "nobody@example.com",
    password: "not-a-password-of-anybody",
  });
  return seen(reply.status >= 400, `credentials that the profile does not use were answered with HTTP ${reply.status}`);
}

/**
 * `dataverse.test-reason`: looks where the reason of a failed test is. An alert about the record, and nothing in its
 * lastsyncerror, confirms.
 */
async function testReason(ground: Ground): Promise<Verdict> {
  const { id, row } = await ground.once(testedRecord);
  const filter = encodeURIComponent(`_regardingobjectid_value eq ${id}`);
  const isInRow = typeof row.lastsyncerror === "string" && row.lastsyncerror !== "";
  let count = 0;
  await ground.eventually(async () => {
    const alerts = await ground.wire.dataverse("GET", `/tracelogs?$select=text,level&$filter=${filter}`);
    count = rowsIn(ground.expect(alerts, "reading alerts")).length;
    // An alert may come a moment after the end of the test; where the row tells, none is waited for.
    return count > 0 || isInRow ? true : undefined;
  }, A_MINUTE);
  return seen(
    count > 0 && !isInRow,
    `after a failed test there are ${count} alerts, and lastsyncerror is ${isInRow ? "set" : "empty"}`,
  );
}

/** `dataverse.address-drops-approval`: changes the address of an approved record. Pending afterwards confirms. */
async function addressDropsApproval(ground: Ground): Promise<Verdict> {
  const id = await newRecord(ground);
  const approved = await ground.change("mailboxes", id, { emailrouteraccessapproval: 1 });
  const before = await ground.row("mailboxes", id, "emailrouteraccessapproval");
  if (before.emailrouteraccessapproval !== 1) {
    return notTried(`the address could not be approved (HTTP ${approved.status})`);
  }
  ground.expect(await ground.change("mailboxes", id, { emailaddress: ground.address() }), "changing the address");
  const after = await ground.row("mailboxes", id, "emailrouteraccessapproval");
  return seen(
    after.emailrouteraccessapproval === 2,
    `after a change of the address the approval went from 1 to ${after.emailrouteraccessapproval}`,
  );
}

/**
 * `dataverse.individual-address`: changes the address on the mailbox record of a queue. The queue has it too afterwards: confirmed. A
 * refusal contradicts.
 */
async function individualAddress(ground: Ground): Promise<Verdict> {
  const { queue, record } = await queueWithRecord(ground);
  const emailaddress = ground.address();
  const reply = await ground.change("mailboxes", record, { emailaddress });
  if (reply.status >= 400) {
    return seen(false, `an address on the record was refused with HTTP ${reply.status} ${refusalOf(reply).code}`);
  }
  const followed = await ground.eventually(async () => {
    const row = await ground.row("queues", queue, "emailaddress");
    return row.emailaddress === emailaddress ? true : undefined;
  }, A_MINUTE);
  return seen(followed === true, `the queue ${followed === true ? "took" : "did not take"} the record's new address`);
}

/**
 * `dataverse.change-resets-test`: changes the address of a record whose test has ended. Statuses back at Not Run confirm; the old
 * ones contradict.
 */
async function changeResetsTest(ground: Ground): Promise<Verdict> {
  const { id, row } = await ground.once(testedRecord);
  if (row.incomingemailstatus === 0) {
    return notTried("the test left the status Not Run");
  }
  ground.expect(await ground.change("mailboxes", id, { emailaddress: ground.address() }), "changing the address");
  const after = await ground.row("mailboxes", id, TEST_COLUMNS);
  return seen(
    after.incomingemailstatus === 0,
    `after a change of the address the status went from ${row.incomingemailstatus} to ${after.incomingemailstatus}`,
  );
}

/** How often a test is scheduled: each may end before the record could be changed. */
const TESTS = 5;

/**
 * `dataverse.test-locks`: schedules a test and renames the record while it runs. Taken confirms; 0x8005E248 contradicts; a test
 * that ended before says nothing, and is scheduled again.
 */
async function testLocks(ground: Ground): Promise<Verdict> {
  const id = await newRecord(ground);
  for (let test = 1; test <= TESTS; test += 1) {
    ground.expect(await ground.change("mailboxes", id, { testemailconfigurationscheduled: true }), "scheduling a test");
    const renamed = await ground.change("mailboxes", id, { name: `${ground.mark} renamed ${test}` });
    const after = await ground.row("mailboxes", id, TEST_COLUMNS);
    if (after.testemailconfigurationscheduled === true || renamed.status >= 400) {
      return seen(renamed.status < 400, `a change while the test ran was answered with HTTP ${renamed.status}`);
    }
  }
  return notTried(`each of ${TESTS} tests ended before the record could be changed`);
}

/** The mailbox record of a new queue on a disposable mailbox, once Dataverse has made it. */
async function queueWithRecord(ground: Ground): Promise<{ queue: string; record: string }> {
  const { address } = await ground.newMailbox();
  const queue = await ground.newRow("queues", { emailaddress: address, queueviewtype: 1 });
  const record = await ground.until("the queue's mailbox record", async () => {
    const row = await ground.row("queues", queue, "_defaultmailbox_value");
    return typeof row._defaultmailbox_value === "string" ? row._defaultmailbox_value : undefined;
  });
  return { queue, record };
}

/**
 * `dataverse.test-forward-incoming`: tests a queue's record whose incoming method is Forward Mailbox and whose outgoing one is
 * server-side synchronisation. Incoming failed and outgoing passed confirms; incoming not failed contradicts.
 */
async function testForwardIncoming(ground: Ground): Promise<Verdict> {
  const { record: id } = await queueWithRecord(ground);
  ground.expect(
    await ground.change("mailboxes", id, { incomingemaildeliverymethod: 3, outgoingemaildeliverymethod: 2 }),
    "setting the methods",
  );
  const approved = await ground.change("mailboxes", id, { emailrouteraccessapproval: 1 });
  if (approved.status >= 400) {
    return notTried(`the address could not be approved: ${refusalOf(approved).words}`);
  }
  const row = await tested(ground, id);
  if (row.incomingemailstatus === 2 && row.outgoingemailstatus !== 1) {
    return notTried("the whole test failed, so that it says nothing about incoming mail");
  }
  return seen(
    row.incomingemailstatus === 2,
    `incoming ended with status ${row.incomingemailstatus}, outgoing with ${row.outgoingemailstatus}`,
  );
}

/** Requests that are sent at once, until there are enough; a user has 52 on each server. */
const BURSTS = [80, 160, 320];

/**
 * `dataverse.retry-after`: sends more reads at once than a user may have in flight. A 429 with a Retry-After of whole seconds up to
 * the window confirms; one without contradicts; none at all says nothing.
 */
async function retryAfter({ wire }: Ground): Promise<Verdict> {
  let [refused, count]: [Reply[], number] = [[], 0];
  for (count of BURSTS) {
    refused = (await wire.burst("/api/data/v9.2/WhoAmI", count)).filter(({ status }) => status === 429);
    if (refused.length > 0) {
      break;
    }
  }
  if (refused.length === 0) {
    return notTried(
      `${count} requests at once met no limit; the limits of a local tenant are in its setting serviceProtection`,
    );
  }
  const waits = refused.map(({ headers }: Reply) => headers.get("retry-after"));
  const isTold = waits.every((wait) => /^\d+$/.test(wait ?? "") && Number(wait) >= 1 && Number(wait) <= 300);
  return seen(isTold, `${refused.length} of ${count} were refused, with Retry-After ${[...new Set(waits)].join(", ")}`);
}

/** What is tried on Dataverse. */
export const dataverseProbes: readonly Probe[] = [
  {
    row: "dataverse.version-headers",
    assumption: "Requests without the OData version headers are served; a wrong version is refused.",
    needs: ["dataverse"],
    ask: versionHeaders,
  },
  {
    row: "dataverse.retry-after",
    assumption: "A 429 says in whole seconds how long to wait.",
    needs: ["dataverse"],
    ask: retryAfter,
  },
  {
    row: "dataverse.own-writes-visible",
    assumption: "Dataverse sees its own writes at once.",
    needs: ["disposable", "dataverse"],
    ask: ownWritesVisible,
  },
  {
    row: "dataverse.names-not-unique",
    assumption: "Names of teams need not be unique.",
    needs: ["disposable", "dataverse"],
    ask: namesNotUnique,
  },
  {
    row: "dataverse.rule-error-status",
    assumption: "A broken rule of mailbox records is answered with 400.",
    needs: ["disposable", "dataverse"],
    ask: ruleErrorStatus,
  },
  {
    row: "dataverse.methods-not-null",
    assumption: "Delivery methods and flags of a mailbox record cannot be null.",
    needs: ["disposable", "dataverse"],
    ask: methodsNotNull,
  },
  {
    row: "dataverse.credentials-profile",
    assumption: "Credentials are refused where the server profile does not take them from the mailbox.",
    needs: ["disposable", "dataverse"],
    ask: credentialsProfile,
  },
  {
    row: "dataverse.test-reason",
    assumption: "A failed test leaves its reason in an alert, not in lastsyncerror.",
    needs: ["disposable", "dataverse"],
    ask: testReason,
  },
  {
    row: "dataverse.address-drops-approval",
    assumption: "A change of the address drops the approval to Pending.",
    needs: ["disposable", "dataverse"],
    ask: addressDropsApproval,
  },
  {
    row: "dataverse.individual-address",
    assumption: "An address written to the record of a queue is carried over to the queue.",
    needs: ["disposable", "dataverse"],
    ask: individualAddress,
  },
  {
    row: "dataverse.change-resets-test",
    assumption: "A change of what was tested puts the test's statuses back to Not Run.",
    needs: ["disposable", "dataverse"],
    ask: changeResetsTest,
  },
  {
    row: "dataverse.test-locks",
    assumption: "A record can be changed while its test runs.",
    needs: ["disposable", "dataverse"],
    ask: testLocks,
  },
  {
    row: "dataverse.test-forward-incoming",
    assumption: "Incoming mail of a record whose method is Forward Mailbox fails its test; outgoing mail is tested.",
    needs: ["disposable", "dataverse"],
    ask: testForwardIncoming,
  },
];
