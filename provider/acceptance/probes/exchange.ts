import { randomUUID } from "node:crypto";
import type { Ground } from "../ground";
import { type Probe, seen, Unprepared, type Verdict } from "../probe";
import { type Json, type Reply, rowsOf } from "../wire";

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

function batch(ground: Ground, requests: Json[]): Promise<Reply> {
  return ground.wire.send({
    service: "exchange",
    method: "POST",
    path: `/adminapi/beta/${ground.wire.tenantId}/$batch`,
    kind: "read",
    action: "asking several things at once",
    cmdlet: "$batch",
    body: { requests },
  });
}

function responsesOf({ body }: Reply): Json[] {
  return Array.isArray(body?.responses) ? (body.responses as Json[]) : [];
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
 * `exchange.batch-first-error`: a batch whose first read finds nothing, without the preference to go on. No answer to the second
 * read confirms; an answer contradicts.
 */
async function batchFirstError(ground: Ground): Promise<Verdict> {
  const reply = await batch(ground, [
    batched(ground, 0, "Get-Mailbox", { Identity: randomUUID() }),
    batched(ground, 1, "Get-AcceptedDomain"),
  ]);
  const answers = responsesOf(ground.expect(reply, "a batch of two"));
  if (!answers.some(({ id, status }) => id === "0" && Number(status) >= 400)) {
    throw new Unprepared("the first request of the batch did not fail");
  }
  const isAnswered = answers.some(({ id, status }) => id === "1" && Number(status) < 400);
  return seen(
    !isAnswered,
    `after one that failed, the next request of the batch was ${isAnswered ? "" : "not "}answered`,
  );
}

/** `exchange.message-size`: limits of 150 MB and 151 MB for messages. The first taken and the second refused confirms. */
async function messageSize(ground: Ground): Promise<Verdict> {
  const { id } = await ground.mailbox();
  const most = await ground.wire.cmdlet("Set-Mailbox", { Identity: id, MaxSendSize: "150 MB" });
  const more = await ground.wire.cmdlet("Set-Mailbox", { Identity: id, MaxSendSize: "151 MB" });
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
  const { id } = await ground.mailbox();
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
    const reply = await ground.wire.cmdlet("Get-InboxRule", { Mailbox: id });
    return rowsOf(reply).length === 0 ? undefined : /"RuleIdentity":\s*"?(\d+)/.exec(reply.text)?.[1];
  });
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(digits)));
  const isSame = bytes.toString("base64") === made.body?.id;
  return seen(isSame, `RuleIdentity and Graph's id of a rule are ${isSame ? "the same eight bytes" : "different"}`);
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
