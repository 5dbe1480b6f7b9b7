import type { Disposable, Ground } from "../made";
import { type Json, type Probe, refusalOf, rowsOf, seen, Unprepared, type Verdict } from "../wire";

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
    language: (settings.language as Json | null)?.locale,
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
  const kept = ["dateFormat", "timeFormat"].filter((name) => after[name] === english[name as "dateFormat"]);
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
  return rowsOf(reply).some(({ subject }) => String(subject).includes(words)) ? true : undefined;
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
