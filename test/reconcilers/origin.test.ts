import fc from "fast-check";
import { guidFor, originOf } from "../../provider/reconcilers/origin";
import { derivedAlias, markOf } from "../../provider/reconcilers/shared-mailbox/addresses";

const urn = (
  parts: { stack?: string; project?: string; parents?: string; token?: string; name?: string } = {},
): string => {
  const { stack = "dev", project = "contoso", parents = "", name = "support" } = parts;
  const { token = "pulumi-nodejs:dynamic/mailboxes:SharedMailbox" } = parts;
  return `urn:pulumi:${stack}::${project}::${parents}${token}::${name}`;
};

test("an origin is the same through either door: the type token stays out", () => {
  const door = originOf(urn());
  const plugin = originOf(urn({ token: "mailboxes:index:SharedMailbox" }));
  expect(plugin.hash).toBe(door.hash);
});

test.each([
  { stack: "prod" },
  { project: "fabrikam" },
  { parents: "contoso:index:Team$" },
  { token: "pulumi-nodejs:dynamic/mailboxes:ForwardingMailbox" },
  { name: "other" },
  { name: "support::two" },
])("an origin differs with %j", (parts) => {
  expect(originOf(urn(parts)).hash).not.toBe(originOf(urn()).hash);
  expect(guidFor(originOf(urn(parts)), "x")).not.toBe(guidFor(originOf(urn()), "x"));
});

test("hash and guid have their form for every name", () => {
  fc.assert(
    fc.property(fc.string(), (name) => {
      const origin = originOf(urn({ name }));
      expect(origin.hash).toMatch(/^[a-z0-9]{10}$/);
      expect(guidFor(origin, name)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(originOf(urn({ name }))).toEqual(origin);
    }),
  );
});

test("a derived alias suits Exchange and Entra whatever the local part", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}$/), (local) => {
      const address = `${local}@contoso.com`;
      const alias = derivedAlias(address, originOf(urn()));
      expect(alias).toMatch(/^[a-z][a-z0-9._-]*-[a-z0-9]{10}$/);
      expect(alias).not.toMatch(/\.\.|\.-[a-z0-9]{10}$/);
      expect(alias.length).toBeLessThanOrEqual(64);
      expect(alias.endsWith(markOf(address, originOf(urn())))).toBe(true);
    }),
  );
});

test("one local part in two domains has two aliases", () => {
  const origin = originOf(urn());
  expect(derivedAlias("info@contoso.com", origin)).not.toBe(derivedAlias("info@fabrikam.example", origin));
});
