import type { Properties } from "../../provider/core/kind";
import { remarksOnIgnored } from "../../provider/dynamic/check";
import { UNKNOWN } from "../../provider/dynamic/engine";
import { type Kind, kinds } from "../../provider/kinds";

/** What is said of one path; "" for nothing. */
function remark(kind: Kind, path: string, inputs: Properties, before?: Properties): string {
  return remarksOnIgnored(kinds[kind].reconciler, [path], inputs, before).join("\n");
}

const members = { mailbox: "support@contoso.com", members: { "ada@contoso.com": {} } };

test.each([
  "members",
  "*",
  "members.*",
  "members[*].sendAs",
  '["members"]["ada@contoso.com"]["sendAs"]',
  'members["grace@contoso.com"]',
  "exclusive",
  "__provider",
])("nothing of the path %s, which names something of the program or of the state", (path) => {
  expect(remark("MailboxMembership", path, members, { members: { "grace@contoso.com": {} } })).toBe("");
});

test("nothing of a member while members are not known yet", () => {
  const path = 'members["grace@contoso.com"]';
  expect(remark("MailboxMembership", path, { members: UNKNOWN }, {})).toBe("");
  expect(remark("MailboxMembership", path, { members: { "ada@contoso.com": { until: UNKNOWN } } }, {})).toBe("");
});

test("that a place in a map names nobody, and what to write", () => {
  for (const before of [undefined, members]) {
    expect(remark("MailboxMembership", "members[0]", members, before)).toMatch(
      /^ignoreChanges: members\[0\] has no effect: members is a map .* Write members\["<the address/,
    );
  }
  const sources = { sources: { "support@contoso.com": {} } };
  expect(remark("ForwardingMailbox", "sources[1].drift", sources, sources)).toContain("sources is a map");
});

test("that somebody is not there", () => {
  expect(remark("MailboxMembership", 'members["adda@contoso.com"].sendAs', members, members)).toContain(
    "has no effect: the state has no such entry",
  );
});

test("that there is no such input, and which is meant", () => {
  expect(remark("MailboxMembership", "Members", members, members)).toMatch(
    /has no input of this name\. Write members\.$/,
  );
  expect(remark("SharedMailbox", "forward.to", {}, {})).toMatch(/has no input of this name\. It has: .*forwarding/);
});

test("that a place in a sorted list may be another one's", () => {
  const inputs = { emailAliases: ["a@contoso.com", "b@contoso.com"], customAttributes: { "3": "x" } };
  expect(remark("SharedMailbox", "emailAliases[0]", inputs, inputs)).toContain("which is sorted");
  expect(remark("SharedMailbox", "emailAliases", inputs, inputs)).toBe("");
  expect(remark("SharedMailbox", 'customAttributes["3"]', inputs, inputs)).toBe("");
});
