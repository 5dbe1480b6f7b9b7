import type { Flow } from "../../provider/core/claims";
import { Registry } from "../../provider/core/registry";

const note = (registry: Registry, name: string, flows: Flow[], address = `${name}@contoso.com`) =>
  registry.mailFlow.note(
    { urn: `urn:pulumi:dev::p::pulumi-nodejs:dynamic/mailboxes:SharedMailbox::${name}` },
    {
      flows,
      mailbox: {
        names: [{ path: "primarySmtpAddress", name: address }],
        forwards: flows.length > 0 ? "declared" : "left",
        isDelivered: true,
      },
    },
    "Take one out",
  );

describe("the mail flow of many resources", () => {
  test("what one resource sends on is not looked at when others send mail elsewhere", () => {
    const registry = new Registry();
    let looks = 0;
    const watched: Flow = {
      path: "forwarding.to",
      isByRule: true,
      get from() {
        looks += 1;
        return ["first@contoso.com"];
      },
      to: ["elsewhere@contoso.com"],
    };
    note(registry, "first", [watched]);
    const own = looks;
    for (let number = 0; number < 200; number += 1) {
      const [from, to] = [[`box${number}@contoso.com`], [`box${number + 1}@contoso.com`]];
      expect(note(registry, `box${number}`, [{ path: "forwarding.to", isByRule: true, from, to }])).toEqual([]);
      registry.claims.learn(`recipient/box${number}@contoso.com`, `recipient/id-${number}`, true);
    }
    expect(looks).toBe(own);
  });

  test("a loop through a name that was learned later is found, and names each step", () => {
    const registry = new Registry();
    const send = (from: string, to: string): Flow[] => [{ path: "forwarding.to", from: [from], to: [to] }];
    expect(note(registry, "a", send("a@contoso.com", "B-id"))).toEqual([]);
    expect(note(registry, "c", send("c@contoso.com", "a@contoso.com"))).toEqual([]);
    registry.claims.learn("recipient/b@contoso.com", "recipient/b-ID", true);
    expect(note(registry, "b", send("b@contoso.com", "c@contoso.com"))).toEqual([
      {
        path: "forwarding.to",
        reason:
          'mail would go round in a loop: b@contoso.com → c@contoso.com (forwarding.to of the SharedMailbox "b"), ' +
          'c@contoso.com → a@contoso.com (forwarding.to of the SharedMailbox "c"), ' +
          'a@contoso.com → B-id (forwarding.to of the SharedMailbox "a"). Take one out',
      },
    ]);
    expect(note(registry, "c", [])).toEqual([]);
    expect(note(registry, "b", send("b@contoso.com", "c@contoso.com"))).toEqual([]);
  });
});
