import fc from "fast-check";
import type { Change, Properties } from "../../provider/core/kind";
import { type KnownForwarding, memory as memoryOfForwarding } from "../../provider/kinds/forwarding-mailbox/desired";
import { forwardingMailbox } from "../../provider/kinds/forwarding-mailbox/reconciler";
import { type Member, type MemberRights, NOBODY } from "../../provider/kinds/mailbox-membership/desired";
import { mailboxMembership } from "../../provider/kinds/mailbox-membership/reconciler";
import { mailboxProperties } from "../../provider/kinds/shared-mailbox/properties";
import { sharedMailbox } from "../../provider/kinds/shared-mailbox/reconciler";
import { incomingMethods } from "../../provider/services/dataverse";
import type { Mailbox } from "../../provider/services/mailboxes";
import type { Right } from "../../provider/services/permissions";
import { declarations, rows } from "./property-values";

const sortedPaths = (changes: Change[]) => changes.map(({ path }) => path.join("/")).sort();

describe("SharedMailbox", () => {
  type Desired = Parameters<typeof sharedMailbox.difference>[0];
  type Observed = Parameters<typeof sharedMailbox.difference>[2];

  const mailbox = (given: Partial<Mailbox>): Mailbox => ({
    id: "10000000-0000-4000-8000-000000000001",
    guid: "10000000-0000-4000-8000-000000000002",
    exchangeGuid: "10000000-0000-4000-8000-000000000003",
    name: "support-x",
    displayName: "Support",
    alias: "support-x",
    userPrincipalName: "support-x@contoso.com",
    primarySmtpAddress: "support@contoso.com",
    emailAddresses: ["SMTP:support@contoso.com", "smtp:support-x@contoso.onmicrosoft.com", "SPO:SPO_1@SPO_2"],
    hasAddressPolicy: false,
    recipientTypeDetails: "SharedMailbox",
    isDirSynced: false,
    forwardingAddress: undefined,
    forwardingSmtpAddress: undefined,
    deliversAndForwards: false,
    sendOnBehalf: [],
    createdAt: "2026-01-06T08:00:00Z",
    holds: [],
    plan: "ExchangeOnlineEnterprise",
    hasArchive: false,
    row: {},
    ...given,
  });

  /** The tenant after the changes, as they say it will be. */
  function applied(changes: Change[], { inputs }: Desired, observed: Observed): Observed {
    const after = structuredClone(observed);
    // Parameters and columns have the same names.
    Object.assign(after.mailbox.row, mailboxProperties.parameters(changes));
    for (const { path, to } of changes) {
      const [property, address] = path;
      const box = after.mailbox;
      if (property === "signInBlocked") {
        after.user.accountEnabled = to !== true;
      } else if (property === "primarySmtpAddress") {
        box.emailAddresses = [
          `SMTP:${to}`,
          ...box.emailAddresses
            .filter((one) => one.toLowerCase() !== `smtp:${to}`)
            .map((one) => one.replace(/^SMTP:/, "smtp:")),
        ];
        box.primarySmtpAddress = String(to);
      } else if (property === "forwarding") {
        const { forwarding } = inputs;
        box.forwardingSmtpAddress = forwarding === false ? undefined : forwarding?.to;
        box.deliversAndForwards = forwarding !== false && (forwarding?.keepCopy ?? false);
      } else if (property === "emailAliases") {
        box.emailAddresses = [
          ...box.emailAddresses.filter((one) => one !== `smtp:${address}`),
          ...(to === undefined ? [] : [`smtp:${address}`]),
        ];
      }
    }
    // A removed alias may have been the primary address when the changes were listed.
    const gone = changes.filter(({ path, to }) => path[0] === "emailAliases" && to === undefined);
    after.mailbox.emailAddresses = after.mailbox.emailAddresses.filter(
      (one) => !gone.some(({ path }) => one === `smtp:${path[1]}`),
    );
    return after;
  }

  const addresses = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d").map((local) => `${local}@contoso.com`));
  const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const inputs = fc.record({
    ...declarations(mailboxProperties),
    primarySmtpAddress: fc.constantFrom("support@contoso.com", "desk@contoso.com"),
    emailAliases: optional(addresses.map((list) => [...list].sort())),
    signInBlocked: fc.boolean(),
    forwarding: optional(fc.record({ to: fc.constantFrom("x@adatum.example"), keepCopy: fc.boolean() })),
  });
  const previous = fc.oneof(fc.constant({}), inputs);
  const observed = fc
    .record({
      row: rows({ table: mailboxProperties }),
      primarySmtpAddress: fc.constantFrom("support@contoso.com", "other@contoso.com"),
      aliases: addresses,
      accountEnabled: fc.boolean(),
      forwardingSmtpAddress: optional(fc.constantFrom("x@adatum.example", "y@adatum.example")),
      deliversAndForwards: fc.boolean(),
    })
    .map(({ aliases, accountEnabled, ...given }) => ({
      mailbox: mailbox({
        ...given,
        emailAddresses: [
          `SMTP:${given.primarySmtpAddress}`,
          ...aliases.map((address) => `smtp:${address}`),
          "smtp:support-x@contoso.onmicrosoft.com",
          "SPO:SPO_1@SPO_2",
        ],
      }),
      user: { id: "10000000-0000-4000-8000-000000000001", userPrincipalName: "support-x@contoso.com", accountEnabled },
      forwardsTo: undefined,
    }));
  const desiredOf = (given: Properties): Desired =>
    ({
      inputs: given,
      alias: "support-x",
      target: given.forwarding === undefined ? undefined : { address: (given.forwarding as { to: string }).to },
    }) as unknown as Desired;
  const knowing = (known: Properties) => ({ id: undefined, inputs: known, memory: sharedMailbox.memory.read({}) });
  const difference = (given: Properties, before: Properties, seen: unknown) =>
    sharedMailbox.difference(desiredOf(given), knowing(before), seen as Observed, knowing({}));

  test("applying what it says leaves nothing, in one round", () => {
    fc.assert(
      fc.property(inputs, previous, observed, (given, before, seen) => {
        const changes = difference(given, before, seen);
        const after = applied(changes, desiredOf(given), seen as unknown as Observed);
        expect(difference(given, before, after)).toEqual([]);
      }),
    );
  });

  test("the order of addresses says nothing", () => {
    fc.assert(
      fc.property(inputs, previous, observed, (given, before, seen) => {
        const turned = structuredClone(seen);
        turned.mailbox.emailAddresses.reverse();
        expect(sortedPaths(difference(given, before, turned))).toEqual(sortedPaths(difference(given, before, seen)));
      }),
    );
  });

  test("what nobody declares, now or before, is never changed", () => {
    fc.assert(
      fc.property(inputs, previous, observed, (given, before, seen) => {
        for (const { path } of difference(given, before, seen)) {
          const property = path[0] as keyof typeof given;
          expect(given[property] !== undefined || (before as Properties)[property] !== undefined).toBe(true);
        }
      }),
    );
  });

  test("of the addresses only those that were declared are taken away, never the service's own", () => {
    fc.assert(
      fc.property(inputs, previous, observed, (given, before, seen) => {
        const known = [
          ...(((before as Properties).emailAliases as string[] | undefined) ?? []),
          (before as Properties).primarySmtpAddress,
        ];
        const removed = difference(given, before, seen).filter(
          ({ path, to }) => path[0] === "emailAliases" && to === undefined,
        );
        for (const { path } of removed) {
          expect(known).toContain(path[1]);
          expect(path[1]).not.toContain("onmicrosoft");
          expect(given.emailAliases ?? []).not.toContain(path[1]);
        }
      }),
    );
  });
});

describe("MailboxMembership", () => {
  type Desired = Parameters<typeof mailboxMembership.difference>[0];
  type Observed = Parameters<typeof mailboxMembership.difference>[2];

  const names = ["ada", "grace", "alan", "edsger"];
  const key = (name: string) => `${name}@contoso.com`;
  const personOf = (name: string): Member => ({
    id: `20000000-0000-4000-8000-00000000000${names.indexOf(name)}`,
    guid: `30000000-0000-4000-8000-00000000000${names.indexOf(name)}`,
    name,
    alias: name,
    displayName: name,
    primarySmtpAddress: key(name),
    emailAddresses: [`SMTP:${key(name)}`],
    recipientTypeDetails: name === "edsger" ? "MailUniversalSecurityGroup" : "UserMailbox",
    distinguishedName: `CN=${name}`,
    userPrincipalName: key(name),
    sids: [`S-1-5-21-1-2-3-${names.indexOf(name)}`],
    isDeleted: false,
    isRecoverable: false,
  });
  const all: Right[] = ["fullAccess", "sendAs", "sendOnBehalf"];
  const rights = fc.record({
    fullAccess: fc.boolean(),
    sendAs: fc.boolean(),
    sendOnBehalf: fc.boolean(),
    automapping: fc.boolean(),
  });
  const members = fc
    .uniqueArray(fc.constantFrom(...names))
    .chain((chosen) => fc.tuple(...chosen.map((name) => rights.map((value) => [key(name), value] as const))))
    .map((entries) => Object.fromEntries(entries));
  const held = fc.record(
    Object.fromEntries(names.map((name) => [key(name), fc.subarray(all).map((list) => new Set(list))])),
  );
  const kept = fc.subarray(names).map((list) => new Set(list.map((name) => personOf(name).id)));
  const worlds = fc.record({ desired: members, previous: members, held, kept });
  const none = fc.constant(new Set<string>());

  const heldBy = (seen: Record<string, Set<Right>>) =>
    Object.fromEntries(
      Object.entries(seen).map(([who, rights]) => [who, { entries: [], rights, otherRights: [] }] as const),
    );

  function difference(
    desired: Properties,
    previous: Properties,
    seen: Record<string, Set<Right>>,
    othersIds: Set<string>,
  ) {
    const people = new Map(names.map((name) => [key(name), personOf(name)]));
    const before: Parameters<typeof mailboxMembership.difference>[1] = {
      id: undefined,
      inputs: { members: previous as Record<string, MemberRights> },
      memory: mailboxMembership.memory.read({}),
    };
    return mailboxMembership.difference(
      {
        inputs: { mailbox: "support@contoso.com", members: desired },
        mailbox: {},
        members: new Map([...people].filter(([one]) => one in desired)),
      } as unknown as Desired,
      before,
      { mailbox: {}, held: heldBy(seen), orphans: [], people, keep: NOBODY, othersIds } as unknown as Observed,
      before,
    );
  }

  function applied(changes: Change[], seen: Record<string, Set<Right>>): Record<string, Set<Right>> {
    const after = structuredClone(seen);
    for (const { path, to } of changes) {
      const [, who = "", right] = path;
      if (right !== "automapping") {
        after[who]?.[to === true ? "add" : "delete"](right as Right);
      }
    }
    return after;
  }

  /** The state after the changes: what the tenant cannot show is known from having been written. */
  const remembered = (previous: Properties, changes: Change[]): Properties =>
    Object.fromEntries(
      Object.entries(previous).map(([who, value]) => {
        const change = changes.find(({ path }) => path[1] === who && path[2] === "automapping");
        return [who, change === undefined ? value : { ...(value as object), automapping: change.to }];
      }),
    );

  test("applying what it says leaves nothing", () => {
    fc.assert(
      fc.property(worlds, ({ desired, previous, held: seen, kept: keptIds }) => {
        const changes = difference(desired, previous, seen, keptIds);
        const after = applied(changes, seen);
        const left = difference(desired, remembered(previous, changes), after, keptIds);
        // Full Access that was just granted was granted with the automapping that is declared.
        const granted = changes.filter(({ path }) => path[2] === "fullAccess").map(({ path }) => path[1]);
        expect(left.filter(({ path }) => !(path[2] === "automapping" && granted.includes(path[1])))).toEqual([]);
      }),
    );
  });

  test("whoever is declared has afterwards what is declared, and more only where nobody declared it before", () => {
    fc.assert(
      fc.property(worlds, ({ desired, previous, held: seen, kept: keptIds }) => {
        const after = applied(difference(desired, previous, seen, keptIds), seen);
        for (const [who, wanted] of Object.entries(desired) as [string, Record<Right, boolean>][]) {
          for (const right of all) {
            const wasDeclared = (previous as Record<string, Record<Right, boolean>>)[who]?.[right] === true;
            if (wanted[right]) {
              expect(after[who]?.has(right)).toBe(true);
            } else if (wasDeclared && !keptIds.has(personOf(who.split("@")[0] ?? "").id)) {
              expect(after[who]?.has(right)).toBe(false);
            } else {
              expect(after[who]?.has(right)).toBe(seen[who]?.has(right));
            }
          }
        }
      }),
    );
  });

  test("whoever leaves the program has nothing afterwards, whatever was declared before", () => {
    fc.assert(
      fc.property(worlds, ({ desired, previous, held: seen, kept: keptIds }) => {
        const after = applied(difference(desired, previous, seen, keptIds), seen);
        for (const who of Object.keys(previous).filter((one) => !(one in desired))) {
          const isKept = keptIds.has(personOf(who.split("@")[0] ?? "").id);
          expect([...(after[who] ?? [])]).toEqual(isKept ? [...(seen[who] ?? [])] : []);
        }
      }),
    );
  });

  test("strangers, and what another resource declares, keep what they have", () => {
    fc.assert(
      fc.property(worlds, ({ desired, previous, held: seen, kept: keptIds }) => {
        const after = applied(difference(desired, previous, seen, keptIds), seen);
        for (const name of names) {
          const who = key(name);
          if (!(who in previous) || keptIds.has(personOf(name).id)) {
            for (const right of seen[who] ?? []) {
              expect(after[who]?.has(right)).toBe(true);
            }
          }
        }
      }),
    );
  });

  test("the order of members says nothing", () => {
    fc.assert(
      fc.property(worlds, none, ({ desired, previous, held: seen }, keptIds) => {
        const turn = (map: Properties) => Object.fromEntries(Object.entries(map).reverse());
        expect(sortedPaths(difference(turn(desired), turn(previous), seen, keptIds))).toEqual(
          sortedPaths(difference(desired, previous, seen, keptIds)),
        );
      }),
    );
  });

  test("a group is never automapped", () => {
    fc.assert(
      fc.property(worlds, none, ({ desired, previous, held: seen }, keptIds) => {
        const changes = difference(desired, previous, seen, keptIds);
        expect(changes.filter(({ path }) => path[1] === key("edsger") && path[2] === "automapping")).toEqual([]);
      }),
    );
  });
});

describe("ForwardingMailbox", () => {
  type Desired = Parameters<typeof forwardingMailbox.difference>[0];
  type Observed = Parameters<typeof forwardingMailbox.difference>[2];

  const profiles = ["40000000-0000-4000-8000-000000000001", "40000000-0000-4000-8000-000000000002"];
  const keys = ["support@contoso.com", "ada@contoso.com", "alan@contoso.com"];
  const recipient = (key: string) => ({
    id: `id of ${key}`,
    primarySmtpAddress: key,
    emailAddresses: [`SMTP:${key}`],
  });
  const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const sourceMap = fc.subarray(keys).map((list) => Object.fromEntries(list.map((key) => [key, {}])));
  const inputs = fc.record({
    name: fc.constantFrom("Intake", "Renamed"),
    emailAddress: fc.constantFrom("c@contoso.com", "d@contoso.com"),
    deleteAfterProcessing: optional(fc.boolean()),
    incomingEmail: optional(fc.constantFrom("None", "ServerSideSynchronization")),
    sources: optional(sourceMap),
  });
  const rows = fc.record({
    id: fc.constant("row"),
    name: fc.constantFrom("Intake", "Somebody's"),
    emailAddress: fc.constantFrom("c@contoso.com", "e@contoso.com"),
    serverProfileId: fc.constantFrom(...profiles),
    deleteAfterProcessing: fc.boolean(),
    incomingEmail: fc.constantFrom(0, 2),
  });
  const sources = fc.record(
    Object.fromEntries(
      keys.map((key) => [
        key,
        fc.record({
          hasRule: fc.boolean(),
          damage: optional(fc.constant("the rule is disabled")),
          methods: fc.array(fc.constantFrom(0, 2, 3), { maxLength: 2 }),
        }),
      ]),
    ),
  );
  type Sources = Record<string, { hasRule: boolean; damage: string | undefined; methods: number[] }>;
  const worlds = fc.record({
    given: inputs,
    previous: fc.oneof(fc.constant({}), inputs),
    row: rows,
    sources,
    profile: optional(fc.constantFrom(...profiles)),
  });

  function difference(
    given: Properties,
    previous: Properties,
    row: object,
    seen: Sources,
    profile: string | undefined,
  ) {
    const declared = Object.keys((given.sources ?? {}) as object);
    const observed = Object.entries(seen).map(([key, { hasRule, damage, methods }]) => [
      key,
      {
        recipient: recipient(key),
        rule: hasRule ? { id: `rule of ${key}` } : undefined,
        damage: hasRule ? damage : undefined,
        records: methods.map((method, index) => ({
          id: `${key} ${index}`,
          name: key,
          emailAddress: key,
          incomingEmail: incomingMethods[method],
        })),
        copies: [],
        stoppers: [],
        isPlaced: false,
      },
    ]);
    return forwardingMailbox.difference(
      {
        inputs: given,
        serverProfileId: profile,
        sources: new Map(declared.map((key) => [key, recipient(key)])),
      } as unknown as Desired,
      { id: "row", inputs: previous, memory: memoryOfForwarding.read({}) } as KnownForwarding,
      { row, sources: new Map(observed as []), keptIds: new Set() } as unknown as Observed,
      { id: "row", inputs: {}, memory: memoryOfForwarding.read({}) },
    );
  }

  function applied(changes: Change[], row: Record<string, unknown>, seen: Sources) {
    const names: Record<string, string> = { serverProfile: "serverProfileId" };
    const after = { row: { ...row }, sources: structuredClone(seen) };
    for (const { path, to } of changes) {
      const [property = "", key = "", part] = path;
      const source = after.sources[key];
      if (property !== "sources") {
        after.row[names[property] ?? property] = to;
      } else if (source !== undefined && part === "rule") {
        Object.assign(source, { hasRule: true, damage: undefined });
      } else if (source !== undefined && part === "record") {
        source.methods = source.methods.map(() => incomingMethods.indexOf("ForwardMailbox"));
      } else if (source !== undefined) {
        source.hasRule = false;
      }
    }
    return after;
  }

  test("applying what it says leaves nothing", () => {
    fc.assert(
      fc.property(worlds, ({ given, previous, row, sources: seen, profile }) => {
        const changes = difference(given, previous, row, seen, profile);
        const after = applied(changes, row, seen);
        expect(difference(given, previous, after.row, after.sources, profile)).toEqual([]);
      }),
    );
  });

  test("only sources that were declared before lose their rule", () => {
    fc.assert(
      fc.property(worlds, ({ given, previous, row, sources: seen, profile }) => {
        for (const { path, to } of difference(given, previous, row, seen, profile)) {
          if (path[0] === "sources" && to === undefined) {
            expect(Object.keys(((previous as Properties).sources ?? {}) as object)).toContain(path[1]);
            expect(Object.keys((given.sources ?? {}) as object)).not.toContain(path[1]);
          }
        }
      }),
    );
  });

  test("undeclared columns stay as they are", () => {
    fc.assert(
      fc.property(worlds, ({ given, previous, row, sources: seen, profile }) => {
        const paths = difference(given, previous, row, seen, profile).map(({ path }) => path[0]);
        for (const property of ["deleteAfterProcessing", "incomingEmail"] as const) {
          if (given[property] === undefined && (previous as Properties)[property] === undefined) {
            expect(paths).not.toContain(property);
          }
        }
      }),
    );
  });
});
