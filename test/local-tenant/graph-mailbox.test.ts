import { type InboxRule, type Message, tables } from "../../provider/local-tenant/model";
import { addMailbox, addUser, type Served, serveGraph } from "./graph-tenant";

let served: Served;
let id: string;
let settings: string;
let rules: string;
beforeEach(async () => {
  served = await serveGraph();
  id = addMailbox(served.tenant, "info", "SharedMailbox").user.id;
  settings = `/v1.0/users/${id}/mailboxSettings`;
  rules = `/v1.0/users/${id}/mailFolders/inbox/messageRules`;
});
afterEach(() => served.close());

const codes = (reply: { status: number; body: { error: { code: string } } }) => [reply.status, reply.body.error.code];

describe("which mailbox", () => {
  // @shows graph.mailbox-not-served graph.mailbox-unknown-user
  test.each(["mailboxSettings", "mailFolders/inbox/messageRules", "messages"])(
    "%s: 404 unless it is there",
    async (member) => {
      const without = addUser(served.tenant, "nobody");
      expect(codes(await served.ask("GET", `/v1.0/users/${without.id}/${member}`))).toEqual([
        404,
        "MailboxNotEnabledForRESTAPI",
      ]);
      expect(codes(await served.ask("GET", `/v1.0/users/stranger@contoso.com/${member}`))).toEqual([
        404,
        "ResourceNotFound",
      ]);
      await served.ask("DELETE", `/v1.0/users/${id}`);
      expect(codes(await served.ask("GET", `/v1.0/users/${id}/${member}`))).toEqual([
        404,
        "MailboxNotEnabledForRESTAPI",
      ]);
      served.tenant.settings.lag.graph = 60_000;
      const late = addMailbox(served.tenant, "late", "SharedMailbox").user;
      expect(codes(await served.ask("GET", `/v1.0/users/${late.id}/${member}`))).toEqual([
        404,
        "MailboxNotEnabledForRESTAPI",
      ]);
    },
  );

  // @shows graph.select-mailbox-settings
  test("selecting mailboxSettings on a user asks the mailbox too", async () => {
    const reply = await served.ask("GET", `/v1.0/users/${id}?$select=id,mailboxSettings`);
    expect(reply.body.mailboxSettings.userPurpose).toBe("shared");
    const without = addUser(served.tenant, "nobody");
    expect((await served.ask("GET", `/v1.0/users/${without.id}?$select=mailboxSettings`)).status).toBe(404);
  });

  test("the mailbox store refuses missing roles with its own code", async () => {
    const authorization = `Bearer ${served.token(["User.ReadWrite.All", "MailboxSettings.Read"])}`;
    expect((await served.ask("GET", settings, undefined, { authorization })).status).toBe(200);
    expect(codes(await served.ask("PATCH", settings, { timeZone: "UTC" }, { authorization }))).toEqual([
      403,
      "ErrorAccessDenied",
    ]);
  });

  // @shows graph.mailbox-concurrency
  test("a fifth request in flight is throttled", async () => {
    served.tenant.settings.outlookLatency = 100;
    const replies = await Promise.all(Array.from({ length: 6 }, () => served.ask("GET", settings)));
    expect(replies.map((reply) => reply.status).sort()).toEqual([200, 200, 200, 200, 429, 429]);
    const throttled = replies.find((reply) => reply.status === 429);
    expect(throttled?.headers.get("retry-after")).toBe("1");
    expect(throttled?.body.error).toMatchObject({
      code: "ApplicationThrottled",
      message: "Application is over its MailboxConcurrency limit.",
    });
    expect((await served.ask("GET", settings)).status).toBe(200);
  });

  // @shows graph.mailbox-concurrency
  test("four in flight in one mailbox leave room in another", async () => {
    served.tenant.settings.outlookLatency = 100;
    const other = addMailbox(served.tenant, "other", "SharedMailbox").user;
    const both = [settings, `/v1.0/users/${other.id}/mailboxSettings`];
    const replies = await Promise.all(both.flatMap((path) => Array.from({ length: 4 }, () => served.ask("GET", path))));
    expect(replies.map((reply) => reply.status)).toEqual(Array(8).fill(200));
  });
});

describe("mailboxSettings", () => {
  // @shows graph.unset-settings graph.unset-formats graph.user-purpose
  test("nothing set yet: null or empty, replies off", async () => {
    const { body } = await served.ask("GET", settings);
    expect(body).toMatchObject({
      language: { locale: null, displayName: null },
      timeZone: "",
      dateFormat: "",
      userPurpose: "shared",
      automaticRepliesSetting: { status: "disabled", externalAudience: "all", internalReplyMessage: "" },
      workingHours: { startTime: "08:00:00.0000000" },
    });
    expect((await served.ask("GET", `${settings}/userPurpose`)).body.value).toBe("shared");
    expect((await served.ask("GET", `${settings}/automaticRepliesSetting`)).body.status).toBe("disabled");
    expect((await served.ask("GET", `${settings}/colour`)).status).toBe(400);
  });

  // @shows graph.reply-html graph.scheduled-utc graph.zones-kept
  test("PATCH answers what was given and keeps the rest", async () => {
    await served.ask("PATCH", settings, { timeZone: "W. Europe Standard Time", language: { locale: "da-DK" } });
    const patched = await served.ask("PATCH", settings, {
      dateFormat: "dd-MM-yyyy",
      automaticRepliesSetting: {
        status: "scheduled",
        internalReplyMessage: "Back soon",
        scheduledStartDateTime: { dateTime: "2036-07-01T08:00:00", timeZone: "W. Europe Standard Time" },
        scheduledEndDateTime: { dateTime: "2036-07-08T08:00:00.0000000", timeZone: "America/New_York" },
      },
    });
    expect(patched.status).toBe(200);
    expect(Object.keys(patched.body)).toEqual(["@odata.context", "automaticRepliesSetting", "dateFormat"]);
    expect(patched.body.automaticRepliesSetting).toEqual({
      status: "scheduled",
      externalAudience: "all",
      internalReplyMessage: "<html>\n<body>\nBack soon\n</body>\n</html>\n",
      externalReplyMessage: "",
      scheduledStartDateTime: { dateTime: "2036-07-01T06:00:00.0000000", timeZone: "UTC" },
      scheduledEndDateTime: { dateTime: "2036-07-08T12:00:00.0000000", timeZone: "UTC" },
    });
    const { body } = await served.ask("GET", settings);
    expect(body).toMatchObject({
      timeZone: "W. Europe Standard Time",
      dateFormat: "dd-MM-yyyy",
      language: { locale: "da-DK", displayName: "Danish (Denmark)" },
    });
    // Written back as read, nothing changes: the tags are not put around twice.
    const { automaticRepliesSetting } = body;
    const again = await served.ask("PATCH", settings, { automaticRepliesSetting });
    expect(again.body.automaticRepliesSetting).toEqual(automaticRepliesSetting);
    await served.ask("PATCH", settings, { automaticRepliesSetting: { status: "disabled", internalReplyMessage: "" } });
    expect((await served.ask("GET", `${settings}/automaticRepliesSetting`)).body.internalReplyMessage).toBe("");
  });

  // @shows graph.language-formats
  test("a new language drops the formats that do not come with it", async () => {
    await served.ask("PATCH", settings, { language: { locale: "da-DK" }, dateFormat: "dd-MM-yyyy" });
    await served.ask("PATCH", settings, { language: { locale: "en-US" } });
    expect((await served.ask("GET", settings)).body).toMatchObject({ language: { locale: "en-US" }, dateFormat: "" });
    served.tenant.configure({ contrary: ["graph.language-formats"] });
    await served.ask("PATCH", settings, { dateFormat: "M/d/yyyy" });
    await served.ask("PATCH", settings, { language: { locale: "en-GB" } });
    expect((await served.ask("GET", settings)).body).toMatchObject({ dateFormat: "M/d/yyyy" });
  });

  // @shows graph.scheduled-past
  test("replies for a time that is over are refused, given now or kept from before", async () => {
    const at = (day: number) => ({ dateTime: `2036-07-0${day}T08:00:00`, timeZone: "UTC" });
    const scheduled = { status: "scheduled", scheduledStartDateTime: at(1), scheduledEndDateTime: at(8) };
    const patch = (automaticRepliesSetting: object) => served.ask("PATCH", settings, { automaticRepliesSetting });
    const past = { dateTime: "2020-07-01T08:00:00", timeZone: "UTC" };
    expect((await patch({ ...scheduled, scheduledStartDateTime: past, scheduledEndDateTime: past })).status).toBe(400);
    expect((await patch(scheduled)).status).toBe(200);
    expect((await patch({ status: "disabled" })).status).toBe(200);
    served.tenant.clockOffset += Date.parse("2037-01-01T00:00:00Z") - Date.now();
    const authorization = `Bearer ${served.token()}`;
    const late = { automaticRepliesSetting: { status: "scheduled" } };
    expect((await served.ask("PATCH", settings, late, { authorization })).status).toBe(400);
  });

  // @shows graph.settings-read-only graph.scheduled-order graph.complex-members
  test.each([
    [{ userPurpose: "user" }, "ErrorInvalidPropertySet"],
    [{ timeZone: "Middle Earth Standard Time" }, "InvalidTimeZone"],
    [{ language: { locale: "tlh" } }, "InvalidArguments"],
    [{ language: { locale: "en-GB" }, dateFormat: "M/d/yyyy" }, "InvalidArguments"],
    [{ language: { locale: "it-IT" }, timeFormat: "HH.mm" }, "InvalidArguments"],
    [{ colour: "red" }, "RequestBodyRead"],
    [{ automaticRepliesSetting: { status: "on" } }, "InvalidArguments"],
    [{ automaticRepliesSetting: { when: "now" } }, "RequestBodyRead"],
    [
      {
        automaticRepliesSetting: {
          status: "scheduled",
          scheduledStartDateTime: { dateTime: "2036-07-08T08:00:00", timeZone: "UTC" },
          scheduledEndDateTime: { dateTime: "2036-07-01T08:00:00", timeZone: "UTC" },
        },
      },
      "ErrorInvalidTimeSettings",
    ],
    [{ workingHours: { startTime: "08" } }, "RequestBodyRead"],
    [{ workingHours: { startTime: "18:00:00", endTime: "09:00:00" } }, "ErrorInvalidTimeSettings"],
    [{ workingHours: { starts: "08:00:00" } }, "RequestBodyRead"],
    [{ workingHours: { daysOfWeek: "monday" } }, "RequestBodyRead"],
    [{ workingHours: { timeZone: { name: "Middle Earth Standard Time" } } }, "InvalidTimeZone"],
    [{ workingHours: { timeZone: { name: "UTC", bias: 60 } } }, "RequestBodyRead"],
    [{ language: { locale: "en-GB", region: "GB" } }, "RequestBodyRead"],
    [
      { automaticRepliesSetting: { scheduledEndDateTime: { dateTime: "2036-07-08T08:00:00", zone: "UTC" } } },
      "RequestBodyRead",
    ],
  ])("refuses %j", async (patch, code) => {
    expect(codes(await served.ask("PATCH", settings, patch))).toEqual([400, code]);
    expect(served.tenant.store.get(tables.mailboxSettings, id)).toBeUndefined();
  });
});

test("working hours take a zone of their own, with its offsets", async () => {
  const timeZone = { "@odata.type": "#microsoft.graph.customTimeZone", name: "Customized Time Zone", bias: -60 };
  const reply = await served.ask("PATCH", `/v1.0/users/${id}/mailboxSettings`, { workingHours: { timeZone } });
  expect([reply.status, reply.body.workingHours.timeZone]).toEqual([200, timeZone]);
});

describe("messageRules", () => {
  const to = (address: string) => [{ emailAddress: { address } }];
  const rule = (displayName: string, sequence = 1) => ({
    displayName,
    sequence,
    isEnabled: true,
    actions: { forwardAsAttachmentTo: to("crm@contoso.com") },
  });

  // @shows graph.rule-required graph.rule-patch-replaces
  test("made, listed in order, changed and removed", async () => {
    addMailbox(served.tenant, "crm", "SharedMailbox");
    const first = await served.ask("POST", rules, rule("first"));
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({
      ...rule("first"),
      id: expect.any(String),
      hasError: false,
      isReadOnly: false,
      actions: { forwardAsAttachmentTo: [{ emailAddress: { name: "Crm", address: "crm@contoso.com" } }] },
    });
    expect(first.body.conditions).toBeUndefined();
    await served.ask("POST", rules, rule("apart", 7));
    const before = await served.ask("POST", rules, rule("before", 1));
    const listed = await served.ask("GET", `${rules}?$select=displayName,sequence`);
    expect(listed.body.value).toEqual([
      { displayName: "first", sequence: 1 },
      { displayName: "before", sequence: 1 },
      { displayName: "apart", sequence: 7 },
    ]);
    const one = `${rules}/${before.body.id}`;
    const patched = await served.ask("PATCH", one, { isEnabled: false, conditions: { subjectContains: ["Order"] } });
    expect([patched.status, patched.body]).toEqual([
      200,
      expect.objectContaining({ isEnabled: false, conditions: { subjectContains: ["Order"] }, sequence: 1 }),
    ]);
    expect((await served.ask("GET", one)).body.isEnabled).toBe(false);
    expect((await served.ask("DELETE", one)).status).toBe(204);
    expect(codes(await served.ask("DELETE", one))).toEqual([404, "ErrorItemNotFound"]);
    expect(codes(await served.ask("GET", one))).toEqual([404, "ErrorItemNotFound"]);
  });

  // @shows graph.rule-place
  test("a sequence is written as given, beside others of the same, and orders the list", async () => {
    const ids = await Promise.all(
      ["A", "B", "C"].map(async (name, index) => (await served.ask("POST", rules, rule(name, index + 1))).body.id),
    );
    const order = async () =>
      (await served.ask("GET", rules)).body.value.map(
        (one: { displayName: string; sequence: number }) => `${one.displayName}${one.sequence}`,
      );
    await served.ask("PATCH", `${rules}/${ids[0]}`, { sequence: 2 });
    expect(await order()).toEqual(["A2", "B2", "C3"]);
    await served.ask("PATCH", `${rules}/${ids[1]}`, { sequence: 1 });
    expect(await order()).toEqual(["B1", "A2", "C3"]);
  });

  // @shows graph.rule-disabled
  test("a rule that does not say so is disabled", async () => {
    const { isEnabled: _, ...silent } = rule("silent");
    expect((await served.ask("POST", rules, silent)).body.isEnabled).toBe(false);
  });

  // @shows graph.rule-error-codes
  test.each([
    { sequence: 1, actions: { delete: true } },
    { displayName: "x", actions: { delete: true } },
    { displayName: "x", sequence: 1 },
    { displayName: "x", sequence: 1, actions: {} },
    { displayName: "x", sequence: 1, actions: { delete: false } },
    { displayName: "x", sequence: 0, actions: { delete: true } },
    { displayName: "x", sequence: 1, actions: { forwardTo: ["crm@contoso.com"] } },
    { displayName: "x", sequence: 1, actions: { forwardTo: [{ emailAddress: { address: "nowhere" } }] } },
    { displayName: "x", sequence: 1, actions: { forwardTo: [{ address: "crm@contoso.com" }] } },
    {
      displayName: "x",
      sequence: 1,
      actions: { forwardTo: [{ emailAddress: { address: "a@x.example", kind: "to" } }] },
    },
    { displayName: "x", sequence: 1, actions: { delete: true }, conditions: { withinSizeRange: { minimum: 1 } } },
    { displayName: "x", sequence: 1, actions: { delete: true }, conditions: { withinSizeRange: { minimumSize: "1" } } },
    { displayName: "x", sequence: 1, actions: { explode: true } },
    { displayName: "x", sequence: 1, actions: { delete: true }, conditions: { moon: "full" } },
    { displayName: "x", sequence: 1, actions: { delete: true }, hasError: true },
  ])("refuses %j", async (body) => {
    expect((await served.ask("POST", rules, body)).status).toBe(400);
    expect(served.tenant.store.all(tables.rules)).toEqual([]);
  });

  // @shows graph.rules-refused
  test("applications may be kept from writing them", async () => {
    served.tenant.settings.refuseRules = true;
    expect(codes(await served.ask("POST", rules, rule("x")))).toEqual([403, "ErrorAccessDenied"]);
    expect((await served.ask("GET", rules)).body.value).toEqual([]);
  });

  const locked = (more: Partial<InboxRule>): InboxRule => ({
    id: "locked",
    mailbox: id,
    displayName: "locked",
    sequence: 1,
    isEnabled: true,
    hasError: false,
    isReadOnly: false,
    conditions: null,
    exceptions: null,
    actions: { delete: true },
    ...more,
  });

  // @shows graph.rule-read-only
  test.each<[string, Partial<InboxRule>]>([
    ["is marked so", { isReadOnly: true }],
    ["does nothing", { actions: {} }],
    ["has a condition Graph has no member for", { conditions: { receivedAfterDate: "2026-01-01T00:00:00.000Z" } }],
    ["has an exception Graph has no member for", { exceptions: { receivedBeforeDate: "2026-01-01T00:00:00.000Z" } }],
    ["has an action Graph has no member for", { actions: { delete: true, pinMessage: true } }],
  ])("a rule that %s is shown as read-only and refuses every write", async (_, more) => {
    served.tenant.store.put(tables.rules, "locked", locked(more));
    const shown = (await served.ask("GET", `${rules}/locked`)).body;
    expect(shown.isReadOnly).toBe(true);
    expect(JSON.stringify(shown)).not.toMatch(/received|pinMessage/);
    const refused = [400, "ErrorNotSupportedMessageRule"];
    expect(codes(await served.ask("PATCH", `${rules}/locked`, { isEnabled: false }))).toEqual(refused);
    expect(codes(await served.ask("DELETE", `${rules}/locked`))).toEqual(refused);
    expect(served.tenant.store.get(tables.rules, "locked")).toEqual(locked(more));
  });

  test("other folders have no rules", async () => {
    expect((await served.ask("GET", rules.replace("inbox", "drafts"))).status).toBe(404);
  });

  // @shows graph.rule-quota
  test("enabled rules take 256 KB at most; disabled ones count for nothing", async () => {
    const large = (name: string, isEnabled: boolean) => ({
      ...rule(name),
      isEnabled,
      conditions: { subjectContains: ["x".repeat(140_000)] },
    });
    const overQuota = [400, "ErrorRulesOverQuota"];
    const first = await served.ask("POST", rules, large("first", true));
    expect(first.status).toBe(201);
    expect(codes(await served.ask("POST", rules, large("second", true)))).toEqual(overQuota);
    const second = await served.ask("POST", rules, large("second", false));
    expect(second.status).toBe(201);
    const enable = { isEnabled: true };
    expect(codes(await served.ask("PATCH", `${rules}/${second.body.id}`, enable))).toEqual(overQuota);
    expect((await served.ask("PATCH", `${rules}/${first.body.id}`, { isEnabled: false })).status).toBe(200);
    expect((await served.ask("PATCH", `${rules}/${second.body.id}`, enable)).status).toBe(200);
  });
});

test("messages, newest first, filtered, with the attached original", async () => {
  const base = { mailbox: id, to: "info@contoso.com" };
  const plain: Message = {
    ...base,
    id: "m1",
    receivedDateTime: "2026-01-01T10:00:00.000Z",
    from: "o'neil@else.example",
    subject: "Order 1",
    attachment: null,
  };
  const carrying: Message = {
    ...base,
    id: "m2",
    receivedDateTime: "2026-01-02T10:00:00.000Z",
    from: "ada@contoso.com",
    subject: "FW: Order 2",
    attachment: { from: "x@else.example", to: "ada@contoso.com", subject: "Order 2" },
  };
  served.tenant.store.commit([
    [tables.messages, "m1", plain],
    [tables.messages, "m2", carrying],
  ]);
  const path = `/v1.0/users/${id}/messages`;
  const subjects = async (query: string) =>
    (await served.ask("GET", `${path}?${query}`)).body.value.map((message: Message) => message.subject);
  expect(await subjects("$select=subject")).toEqual(["FW: Order 2", "Order 1"]);
  expect(await subjects("$filter=hasAttachments eq true")).toEqual(["FW: Order 2"]);
  expect(await subjects("$filter=from/emailAddress/address eq 'o''neil@else.example'")).toEqual(["Order 1"]);
  expect(await subjects("$filter=receivedDateTime ge 2026-01-02T00:00:00Z")).toEqual(["FW: Order 2"]);
  expect(await subjects("$filter=contains(subject,'order')&$orderby=receivedDateTime")).toEqual([
    "Order 1",
    "FW: Order 2",
  ]);
  expect(await subjects("$top=1&$skip=1")).toEqual(["Order 1"]);
  // @shows graph.option-values
  for (const skip of ["-1", "one", "1.5"]) {
    expect((await served.ask("GET", `${path}?$skip=${skip}`)).body.error?.message).toBe(
      `Invalid value '${skip}' for $skip query option found. The $skip query option requires a non-negative integer value.`,
    );
  }
  const attachments = await served.ask("GET", `${path}/m2/attachments?$expand=microsoft.graph.itemAttachment/item`);
  expect(attachments.body.value).toMatchObject([
    { "@odata.type": "#microsoft.graph.itemAttachment", name: "Order 2", item: { subject: "Order 2" } },
  ]);
  expect((await served.ask("GET", `${path}/m1/attachments`)).body.value).toEqual([]);
  expect((await served.ask("GET", `${path}/m2?$expand=attachments`)).body.attachments).toHaveLength(1);
  expect((await served.ask("GET", `${path}/nope`)).status).toBe(404);
  const inbox = await served.ask("GET", `/v1.0/users/${id}/mailFolders/Inbox`);
  expect(inbox.body.totalItemCount).toBe(2);
});
