import { transformSync } from "@swc/core";
import fc from "fast-check";
import { programText } from "../../provider/import-file";
import { MAILBOX } from "../../provider/kinds/description";
import { declaredBy } from "./run-program";

const mailbox = (declared: Record<string, unknown>, notes: string[] = []) => ({
  variable: "support",
  name: "support",
  resources: [
    { kind: "SharedMailbox", name: "support", declared } as const,
    {
      kind: "MailboxMembership",
      name: "support-members",
      declared: { mailbox: MAILBOX, members: ["ada@contoso.com"] },
    } as const,
  ],
  notes,
});

test("a program reads as one would write it", () => {
  const declared = {
    displayName: "Contoso Support",
    primarySmtpAddress: "support@contoso.com",
    forwarding: { to: "queue@contoso.com" },
    customAttributes: { "1": "north" },
  };
  const sales = { displayName: "Sales", primarySmtpAddress: "sales@contoso.com" };
  expect(
    programText(
      ["From the tenant."],
      [
        mailbox(declared, ["A note."]),
        {
          variable: "sales",
          name: "sales",
          resources: [{ kind: "SharedMailbox", name: "sales", declared: sales }],
          notes: [],
        },
      ],
      ["One was left out."],
    ),
  ).toBe(`// From the tenant.
import { MailboxMembership, SharedMailbox } from "pulumi-mailboxes";

// A note.
const support = new SharedMailbox("support", {
  displayName: "Contoso Support",
  primarySmtpAddress: "support@contoso.com",
  forwarding: { to: "queue@contoso.com" },
  customAttributes: { "1": "north" },
});
new MailboxMembership("support-members", {
  mailbox: support.id,
  members: ["ada@contoso.com"],
});

new SharedMailbox("sales", {
  displayName: "Sales",
  primarySmtpAddress: "sales@contoso.com",
});

// One was left out.
`);
});

test("a long list stands one a line", () => {
  const emailAliases = Array.from({ length: 6 }, (_, index) => `a-rather-long-address-${index}@contoso.com`);
  expect(programText([], [mailbox({ emailAliases })], [])).toContain(
    `  emailAliases: [\n    "a-rather-long-address-0@contoso.com",\n`,
  );
});

test("no text of the tenant becomes code, in values or in comments", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom(
      '"); throw new Error("run")//',
      "a\u2028throw 1",
      "b\r\nthrow 1",
      "c */ throw 1",
      "$" + "{process.exit()}",
    ),
  );
  fc.assert(
    fc.property(text, (value) => {
      const source = programText(
        [value],
        [mailbox({ displayName: value, nested: { [`k${value}`]: [value] } }, [value])],
        [value],
      );
      expect(() => transformSync(source, { jsc: { parser: { syntax: "typescript" } } })).not.toThrow();
      expect(declaredBy(source, { support: "id" })).toMatchObject({
        support: { kind: "SharedMailbox", program: { displayName: value, nested: { [`k${value}`]: [value] } } },
        "support-members": { kind: "MailboxMembership", program: { mailbox: "id", members: ["ada@contoso.com"] } },
      });
    }),
    { numRuns: 60 },
  );
});
