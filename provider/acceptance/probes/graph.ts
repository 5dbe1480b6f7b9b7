import { createHash, createPrivateKey, randomUUID, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import jwt from "jsonwebtoken";
import { mapOf } from "../../http/json";
import type { Disposable, Ground } from "../made";
import { type Json, type Probe, refusalOf, rowsIn, seen, Unprepared, type Verdict } from "../wire";

/** The mailbox settings, once Graph knows the mailbox. */
function settingsOf(ground: Ground, id: string): Promise<Json> {
  return ground.until("Graph to know the mailbox", async () => {
    const reply = await ground.wire.graph("GET", `/users/${id}/mailboxSettings`);
    return reply.status === 404 ? undefined : (ground.expect(reply, "reading mailbox settings").body ?? {});
  });
}

function isUnset(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

/**
 * `graph.unset-settings`: the settings of a mailbox that nobody has opened. Language, zone and formats null or empty confirm; one
 * with a value contradicts.
 */
async function unsetSettings(ground: Ground): Promise<Verdict> {
  const { id } = await ground.newMailbox();
  const settings = await settingsOf(ground, id);
  const values: Json = {
    language: mapOf(settings.language).locale,
    timeZone: settings.timeZone,
    dateFormat: settings.dateFormat,
    timeFormat: settings.timeFormat,
  };
  const set = Object.keys(values).filter((name) => !isUnset(values[name]));
  return seen(set.length === 0, set.length === 0 ? "none of the four has a value" : `${set.join(", ")} have values`);
}

/**
 * `graph.language-formats`: sets English with formats of its own, then German alone. Formats that are no longer the English ones
 * confirm; formats that stay, or a refusal, contradict.
 */
async function languageFormats(ground: Ground): Promise<Verdict> {
  const { id } = await ground.newMailbox();
  const path = `/users/${id}/mailboxSettings`;
  const english = { language: { locale: "en-US" }, dateFormat: "M/d/yyyy", timeFormat: "h:mm tt" };
  await settingsOf(ground, id);
  ground.expect(await ground.wire.graph("PATCH", path, english), "setting English with its formats");
  const german = await ground.wire.graph("PATCH", path, { language: { locale: "de-DE" } });
  if (german.status >= 400) {
    return seen(false, `another language alone was refused with HTTP ${german.status}`);
  }
  const after = await settingsOf(ground, id);
  const kept = (["dateFormat", "timeFormat"] as const).filter((name) => after[name] === english[name]);
  return seen(kept.length === 0, kept.length === 0 ? "the old formats are gone" : `${kept.join(" and ")} stayed`);
}

/** `graph.formats-of-language`: sets English with a date format that only other languages have. A 400 confirms. */
async function formatsOfLanguage(ground: Ground): Promise<Verdict> {
  const { id } = await ground.newMailbox();
  const path = `/users/${id}/mailboxSettings`;
  await settingsOf(ground, id);
  ground.expect(await ground.wire.graph("PATCH", path, { language: { locale: "en-US" } }), "setting English");
  const reply = await ground.wire.graph("PATCH", path, { dateFormat: "dd.MM.yyyy" });
  return seen(reply.status === 400, `a date format of another language was answered with HTTP ${reply.status}`);
}

/** `graph.settings-read-only`: writes userPurpose of a mailbox. 400 ErrorInvalidPropertySet confirms. */
async function settingsReadOnly(ground: Ground): Promise<Verdict> {
  const { id } = await ground.mailbox();
  await settingsOf(ground, id);
  const reply = await ground.wire.graph("PATCH", `/users/${id}/mailboxSettings`, { userPurpose: "user" });
  const { code } = refusalOf(reply);
  return seen(
    reply.status === 400 && code === "ErrorInvalidPropertySet",
    `a write of userPurpose was answered with HTTP ${reply.status} ${code}`.trim(),
  );
}

/** `graph.rule-error-codes`: makes a rule without an action. 400 ErrorInvalidArgument confirms. */
async function ruleErrorCodes(ground: Ground): Promise<Verdict> {
  const { id } = await ground.mailbox();
  await settingsOf(ground, id);
  const reply = await ground.wire.graph("POST", rulesOf(id), {
    displayName: ground.name(),
    sequence: 1,
    isEnabled: false,
    actions: {},
  });
  const { code } = refusalOf(reply);
  return seen(
    reply.status === 400 && code === "ErrorInvalidArgument",
    `a rule without an action was answered with HTTP ${reply.status} ${code}`.trim(),
  );
}

function rulesOf(id: string): string {
  return `/users/${id}/mailFolders/inbox/messageRules`;
}

/** Whether a message whose subject has these words is in a mailbox. */
async function hasMessage(ground: Ground, id: string, words: string): Promise<true | undefined> {
  const path = `/users/${id}/mailFolders/inbox/messages?$select=subject&$top=50`;
  const reply = ground.expect(await ground.wire.graph("GET", path), "reading a mailbox's messages");
  return rowsIn(reply).some(({ subject }) => String(subject).includes(words)) ? true : undefined;
}

async function send(ground: Ground, from: Disposable, to: Disposable, subject: string): Promise<void> {
  const message = {
    subject,
    body: { contentType: "text", content: "Sent by mailboxes acceptance." },
    toRecipients: [{ emailAddress: { address: to.address } }],
  };
  const reply = await ground.wire.graph("POST", `/users/${from.id}/sendMail`, { message, saveToSentItems: false });
  if (reply.status === 403) {
    throw new Unprepared("needs the right to send and read mail (Mail.Send, Mail.Read)");
  }
  ground.expect(reply, "sending a message");
}

/**
 * `graph.rules-forwarded-mailbox`: a mailbox forwards to a second one and keeps no copy, and a rule in it forwards to a third one.
 * A message reaches the second one. The third one gets a later message, and nothing of the first: confirmed.
 */
async function rulesForwarded(ground: Ground): Promise<Verdict> {
  const [source, target, third] = [await ground.newMailbox(), await ground.newMailbox(), await ground.newMailbox()];
  for (const { id } of [source, target, third]) {
    await settingsOf(ground, id);
  }
  const rule = await ground.wire.graph("POST", rulesOf(source.id), {
    displayName: ground.name(),
    sequence: 1,
    isEnabled: true,
    actions: { forwardTo: [{ emailAddress: { address: third.address } }] },
  });
  ground.expect(rule, "making a rule");
  const forwarding = await ground.wire.cmdlet("Set-Mailbox", {
    Identity: source.guid,
    ForwardingAddress: target.address,
    DeliverToMailboxAndForward: false,
  });
  ground.expect(forwarding, "setting the forwarding");
  const [subject, later] = [ground.name(), ground.name()];
  await send(ground, target, source, subject);
  await ground.until("the forwarded message", () => hasMessage(ground, target.id, subject));
  // A copy that the rule made would be on its way by now; one more message tells when it must have come.
  await send(ground, target, third, later);
  await ground.until("the later message", () => hasMessage(ground, third.id, later));
  const isCopied = (await hasMessage(ground, third.id, subject)) === true;
  return seen(!isCopied, `the rule ${isCopied ? "ran" : "did not run"} on a message that was forwarded without a copy`);
}

/** What is tried on Microsoft Graph. */
export const graphProbes: readonly Probe[] = [
  {
    row: "graph.unset-settings",
    assumption: "Language, zone and formats that were never set read as null or empty text.",
    needs: ["disposable"],
    ask: unsetSettings,
  },
  {
    row: "graph.language-formats",
    assumption: "A new language drops formats that do not come with it.",
    needs: ["disposable"],
    ask: languageFormats,
  },
  {
    row: "graph.formats-of-language",
    assumption: "A date format that the mailbox's language does not have is refused with 400.",
    needs: ["disposable"],
    ask: formatsOfLanguage,
  },
  {
    row: "graph.settings-read-only",
    assumption: "A write of userPurpose is refused with 400 ErrorInvalidPropertySet.",
    needs: ["disposable"],
    ask: settingsReadOnly,
  },
  {
    row: "graph.rule-error-codes",
    assumption: "A rule without an action is refused with 400 ErrorInvalidArgument.",
    needs: ["disposable"],
    ask: ruleErrorCodes,
  },
  {
    row: "graph.rules-forwarded-mailbox",
    assumption: "Inbox rules do not run where a mailbox forwards and keeps no copy.",
    needs: ["disposable"],
    ask: rulesForwarded,
  },
];

/** Minutes by which an assertion is over; five are assumed to be forgiven. */
const FORGIVEN = 4;
const REFUSED = 7;

/** A client assertion of the application's certificate that ended some minutes ago. */
function endedAssertion(ground: Ground, minutes: number): string {
  const { clientId, certificatePath, audience } = ground.wire.certificate();
  const pem = readFileSync(certificatePath, "utf8");
  let key: ReturnType<typeof createPrivateKey>;
  let certificate: X509Certificate;
  try {
    key = createPrivateKey(pem);
    certificate = new X509Certificate(pem);
  } catch {
    throw new Unprepared("needs a PEM file that holds the certificate and its private key, without a password");
  }
  const end = Math.floor(Date.now() / 1000) - minutes * 60;
  const thumbprint = createHash("sha256").update(certificate.raw).digest("base64url");
  return jwt.sign(
    { aud: audience, iss: clientId, sub: clientId, jti: randomUUID(), nbf: end - 600, iat: end - 600, exp: end },
    key,
    { algorithm: "RS256", header: { alg: "RS256", typ: "JWT", "x5t#S256": thumbprint } },
  );
}

async function statusOf(ground: Ground, minutes: number): Promise<number> {
  const { clientId, scope } = ground.wire.certificate();
  const reply = await ground.wire.signIn({
    grant_type: "client_credentials",
    client_id: clientId,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: endedAssertion(ground, minutes),
    scope,
  });
  const description = String(reply.body?.error_description ?? "");
  if (reply.status !== 200 && !description.includes("AADSTS700024")) {
    throw new Unprepared(`the sign-in refused the certificate for another reason than time (HTTP ${reply.status})`);
  }
  return reply.status;
}

/**
 * `login.clock-skew`: signs in with an assertion that ended four minutes ago, and with one that ended seven minutes ago. The first
 * taken and the second refused (AADSTS700024) confirms five minutes.
 */
async function clockSkew(ground: Ground): Promise<Verdict> {
  const [early, late] = [await statusOf(ground, FORGIVEN), await statusOf(ground, REFUSED)];
  return seen(
    early === 200 && late !== 200,
    `an assertion over for ${FORGIVEN} minutes was answered with HTTP ${early}, one for ${REFUSED} minutes with HTTP ${late}`,
  );
}

/** The token with another signature of the same length: its key is known, and does not fit. */
function forged(token: string): string {
  const [header = "", payload = "", signature = ""] = token.split(".");
  const bytes = Buffer.from(signature, "base64url").map((byte) => byte ^ 0xff);
  return [header, payload, Buffer.from(bytes).toString("base64url")].join(".");
}

/**
 * `login.federated-wrong-signature`: signs in with a token of the application's federated credential whose signature was spoilt.
 * AADSTS50013 confirms; another refusal, or a token, contradicts.
 */
async function federatedSignature({ wire }: Ground): Promise<Verdict> {
  const { clientId, token, scope } = await wire.federated();
  const reply = await wire.signIn({
    grant_type: "client_credentials",
    client_id: clientId,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: forged(token),
    scope,
  });
  const code = /AADSTS\d+/.exec(String(reply.body?.error_description ?? ""))?.[0];
  return seen(code === "AADSTS50013", `a wrong signature was answered with HTTP ${reply.status} ${code ?? ""}`.trim());
}

/** What is tried on the sign-in. */
export const loginProbes: readonly Probe[] = [
  {
    row: "login.federated-wrong-signature",
    assumption: "A federated token with a wrong signature is refused with AADSTS50013.",
    needs: ["federatedToken"],
    ask: federatedSignature,
  },
  {
    row: "login.clock-skew",
    assumption: "The sign-in forgives clocks that differ by up to five minutes.",
    needs: ["certificate"],
    ask: clockSkew,
  },
];
