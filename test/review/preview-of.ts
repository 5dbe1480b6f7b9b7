/** Previews made up for a test, in the form that the CLI prints. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

type Inputs = Record<string, unknown>;

/** A preview that the real CLI printed; see `scripts/previews.mjs`. */
export function recorded(name: string): string {
  return readFileSync(join(__dirname, "previews", `${name}.json`), "utf8");
}

export function urnOf(kind: string, name: string): string {
  const type = kind.includes(":") ? kind : `pulumi-nodejs:dynamic/mailboxes:${kind}`;
  return `urn:pulumi:prod::contoso::${type}::${name}`;
}

/** One step: `before` and `after` are inputs, `outputs` those of the state, and `more` goes into both states. */
export function step(
  op: string,
  [kind, name]: [string, string],
  {
    before,
    after,
    outputs = {},
    more = {},
    id = `id-of-${name}`,
  }: { before?: Inputs; after?: Inputs; outputs?: Inputs; more?: Inputs; id?: string },
): object {
  const urn = urnOf(kind, name);
  const inputs = { ...before, ...after };
  return {
    op,
    urn,
    ...(before === undefined
      ? {}
      : { oldState: { urn, id, inputs: before, outputs: { ...before, ...outputs }, ...more } }),
    ...(after === undefined ? {} : { newState: { urn, inputs: after, ...more } }),
    diffReasons: Object.keys(inputs).filter((key) => JSON.stringify(before?.[key]) !== JSON.stringify(after?.[key])),
  };
}

/** A member's rights as the state has them. */
export function rights(changed: Inputs = {}): Inputs {
  return { fullAccess: true, sendAs: true, sendOnBehalf: false, automapping: true, ...changed };
}

/** Members with the usual rights. */
export function members(...keys: string[]): Inputs {
  return Object.fromEntries(keys.map((key) => [key, rights()]));
}

/** A step of a membership on the mailbox `support@contoso.com`, whose id is `mailbox-id`. */
export function membership(
  op: string,
  before: Inputs | undefined,
  after: Inputs | undefined,
  { name = "support-members", outputs = {}, inputs = {} }: { name?: string; outputs?: Inputs; inputs?: Inputs } = {},
): object {
  const side = (people: Inputs | undefined) =>
    people === undefined ? {} : { mailbox: "mailbox-id", ...inputs, members: people };
  return step(op, ["MailboxMembership", name], {
    ...(before === undefined ? {} : { before: side(before) }),
    ...(after === undefined ? {} : { after: side(after) }),
    outputs: { mailboxId: "mailbox-id", mailboxAddresses: ["support@contoso.com"], ...outputs },
  });
}

export function previewOf(...steps: object[]): string {
  return JSON.stringify({ steps, changeSummary: {} });
}
