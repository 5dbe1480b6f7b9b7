import { createProject, type Project, type ServedTenant, startTenant } from "./harness";
import { errors, imports, resources, sharedAddresses, writes } from "./traps";

const taken = { displayName: "Taken", primarySmtpAddress: "taken@contoso.com" };

/** What is wrong can be seen without the tenant: the preview says it. One program a kind, because the engine stops at the first. */
const wrong: [what: string, program: string, reasons: RegExp[]][] = [
  [
    "a mailbox without an address, with an empty name, forbidden characters and an unknown property",
    `new SharedMailbox("one", { displayName: " ", alias: "sup port", emailAliases: ["help"], colour: "blue" } as any);`,
    [
      /: primarySmtpAddress: is missing; must be text: an SMTP address/,
      /: displayName: is empty/,
      /: alias: is empty or has characters Exchange does not allow/,
      /: emailAliases\[0\]: is not an SMTP address/,
      /: colour: is not a property of SharedMailbox, which has: displayName, primarySmtpAddress/,
    ],
  ],
  [
    "a malformed address and forwarding without a target",
    `new SharedMailbox("one", { displayName: "One", primarySmtpAddress: "support@contoso", forwarding: { keepCopy: true } } as any);`,
    [/: primarySmtpAddress: is not an SMTP address; write local-part@domain/, /: forwarding\.to: must be text/],
  ],
  [
    "a mailbox that forwards to itself",
    `new SharedMailbox("one", { displayName: "One", primarySmtpAddress: "one@contoso.com", forwarding: { to: "ONE@contoso.com" } });`,
    [/: forwarding\.to: is an address of this very mailbox/],
  ],
  [
    "a list with a member in two cases and a display name",
    `new MailboxMembership("one", { mailbox: "support@contoso.com", members: ["ada@contoso.com", "Ada@Contoso.com", "Grace Hopper"] });`,
    [
      /: members\[1\]: is the same as members\[0\]; write each one once/,
      /: members\[2\]: looks like a display name; write an address/,
    ],
  ],
  [
    "a map with a member in two cases and a display name",
    `new MailboxMembership("one", { mailbox: "Support Desk", members: { "ada@contoso.com": {}, "Ada@contoso.com": {}, "Grace Hopper": {} } });`,
    [
      /: mailbox: looks like a display name/,
      /: members\["ada@contoso\.com"\]: is given twice, in two spellings/,
      /: members\["Grace Hopper"\]: looks like a display name/,
    ],
  ],
  [
    "a forward mailbox that is one of its own sources",
    `new ForwardingMailbox("one", { name: "One", emailAddress: "taken@contoso.com", sources: ["Taken@contoso.com"] });`,
    [/: sources\["taken@contoso\.com"\]: is the collecting mailbox itself/],
  ],
  [
    "an address of two mailboxes",
    `for (const name of ["one", "two"]) {
  new SharedMailbox(name, { displayName: name, primarySmtpAddress: name + "@contoso.com", emailAliases: ["Desk@contoso.com"] });
}`,
    [
      /: emailAliases\[0\]: desk@contoso\.com is declared in the SharedMailbox "(one|two)" and in the SharedMailbox "(one|two)"/,
    ],
  ],
  [
    "a member with other rights in another membership of a mailbox that is not there yet",
    `const box = new SharedMailbox("box", { displayName: "Box", primarySmtpAddress: "box@contoso.com" });
new MailboxMembership("one", { mailbox: box.id, members: ["ada@contoso.com"] });
new MailboxMembership("two", { mailbox: box.id, members: { "ada@contoso.com": { sendAs: false } } });`,
    [/: members\["ada@contoso\.com"\]\.sendAs: is (true|false) in the MailboxMembership "(one|two)" and .*"(one|two)"/],
  ],
];

/** What only the tenant can say: the resource fails before anything is written. */
const refused: Record<string, [program: string, reason: RegExp]> = {
  "unknown-domain": [
    `new SharedMailbox("unknown-domain", { displayName: "X", primarySmtpAddress: "x@tailspin.example" });`,
    /^primarySmtpAddress: the tenant has no accepted domain tailspin\.example; it has contoso\.com/,
  ],
  "persons-address": [
    `new SharedMailbox("persons-address", { displayName: "X", primarySmtpAddress: "ada@contoso.com" });`,
    /^primarySmtpAddress: ada@contoso\.com belongs to .*Ada Lovelace/,
  ],
  "alias-of-another": [
    `new SharedMailbox("alias-of-another", { displayName: "X", primarySmtpAddress: "x@contoso.com", emailAliases: ["grace@contoso.com"] });`,
    /^emailAliases\[0\]: grace@contoso\.com belongs to the user mailbox "Grace Hopper"/,
  ],
  "two-forms": [
    `new MailboxMembership("two-forms", { mailbox: taken.id, members: ["ada@contoso.com", adaId] });`,
    /^members\["[^"]+"\]: is the same person as members\["[^"]+"\]; write each member once/,
  ],
  nobody: [
    `new MailboxMembership("nobody", { mailbox: taken.id, members: ["charles@contoso.com"] });`,
    /^members\["charles@contoso\.com"\]: nobody in the tenant has the address, sign-in name or id charles@contoso\.com/,
  ],
};

/** Each test goes on from where the one before it left the stack. */
describe("bad input", () => {
  let tenant: ServedTenant;
  let project: Project;

  beforeAll(async () => {
    tenant = await startTenant();
    project = await createProject(imports, { config: { ...tenant.config, "mailboxes:settleTimeout": "1s" } });
  });

  afterAll(async () => {
    project?.remove();
    await tenant?.remove();
  });

  test.each(wrong)("%s", async (_what, program, reasons) => {
    project.program(imports + program);
    const preview = await project.preview();
    expect(preview.exitCode).not.toBe(0);
    const said = errors(preview);
    for (const reason of reasons) {
      expect(said).toContainEqual(expect.stringMatching(reason));
    }
    expect(said).toHaveLength(reasons.length);
    expect(await tenant.requests()).toEqual([]);
  });

  test("what the tenant does not have or somebody else holds is refused before anything is sent", async () => {
    const first = `const adaId = "${String((await tenant.graph("GET", "/users/ada@contoso.com")).id)}";
const taken = new SharedMailbox("taken", ${JSON.stringify(taken)});`;
    project.program(imports + first);
    expect(errors(await project.up())).toEqual([]);

    await tenant.clearRequests();
    project.program(
      imports +
        first +
        Object.values(refused)
          .map(([program]) => program)
          .join("\n"),
    );
    const up = await project.up("--continue-on-error");
    expect(up.exitCode).not.toBe(0);
    for (const [name, [, reason]] of Object.entries(refused)) {
      const said = up.diagnostics.filter(({ severity, urn }) => severity === "error" && urn?.endsWith(`::${name}`));
      expect(said.map(({ message }) => message.trim())).toEqual([expect.stringMatching(reason)]);
    }
    expect(await writes(tenant)).toEqual([]);
    expect(await sharedAddresses(tenant)).toEqual(["taken@contoso.com"]);
    expect(Object.keys(await resources(project))).toEqual(["taken"]);

    const ownSource = `new ForwardingMailbox("one", { name: "One", emailAddress: taken.primarySmtpAddress, sources: [taken.id] });`;
    project.program(imports + first + ownSource);
    expect(errors(await project.preview())).toEqual([
      expect.stringMatching(/: sources\["[^"]+"\]: mail would go round in a loop: .* Take this source out/),
    ]);
  });

  test("two resources with one address, without a preview: one gets the mailbox at most, the other one names both", async () => {
    project.program(`${imports}
for (const name of ["left", "right"]) {
  new SharedMailbox(name, { displayName: "Both " + name, primarySmtpAddress: "both@contoso.com" });
}
new SharedMailbox("taken", ${JSON.stringify(taken)});`);
    const up = await project.up();
    expect(up.exitCode).not.toBe(0);
    // The other one stops as well where it was about to be made.
    expect(errors(up).length).toBeGreaterThan(0);
    for (const error of errors(up)) {
      expect(error).toMatch(
        /primarySmtpAddress: both@contoso\.com is declared in .*"(left|right)" and in .*"(left|right)"/,
      );
    }
    // Whether the engine had begun with the other one when it stopped is up to its timing.
    const made = Object.keys(await resources(project)).filter((name) => name !== "taken");
    expect(made.length).toBeLessThanOrEqual(1);
    expect(await sharedAddresses(tenant)).toEqual([...made.map(() => "both@contoso.com"), "taken@contoso.com"]);
  });

  test("an unknown configuration key is named once, and nothing is sent", async () => {
    await tenant.clearRequests();
    project.configure({ ...tenant.config, "mailboxes:settelTimeout": "1s" });
    project.program(`${imports}
new SharedMailbox("taken", ${JSON.stringify(taken)});
new MailboxMembership("members", { mailbox: "taken@contoso.com", members: ["ada@contoso.com"] });`);
    const preview = await project.preview();
    expect(preview.exitCode).not.toBe(0);
    const said = errors(preview).filter((message) => message.includes("mailboxes:settelTimeout"));
    expect(said).toEqual([
      expect.stringMatching(/mailboxes:settelTimeout: is not a setting of pulumi-mailboxes; do you mean|the keys are/),
    ]);
    expect(await tenant.requests()).toEqual([]);
  });
});
