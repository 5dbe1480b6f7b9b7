import { createProject, type Project, type ServedTenant, startTenant } from "./harness";
import { access, both, errors, imports, resources, sharedAddresses, spelled, writes } from "./traps";

/** A component with three mailboxes that waits for all its children. */
const team = (billing = `new SharedMailbox("billing", { ...billing }, { parent: this })`) => `
const billing = { displayName: "Contoso Billing", primarySmtpAddress: "billing@contoso.com" };
class Team extends pulumi.ComponentResource {
  readonly addresses: pulumi.Output<string[]>;
  constructor(name: string) {
    super("contoso:mail:Team", name);
    const [support, sales] = ["support", "sales"].map((name) => new SharedMailbox(name, {
      displayName: "Contoso " + name, primarySmtpAddress: name + "@contoso.com",
    }, { parent: this }));
    const third = ${billing};
    const membership = new MailboxMembership("support-members", { mailbox: support.id, members: ["ada@contoso.com"] }, { parent: this });
    this.addresses = pulumi.all([support, sales, third].map((one) => one.primarySmtpAddress));
    this.registerOutputs({ addresses: this.addresses, members: membership.memberIds });
  }
}
export const addresses = new Team("team").addresses;`;

/** A mailbox outside the component, and its members. */
const desk = ({ mailbox = "desk", membership = "desk-members", adopt = "" } = {}) => `
const desk = new SharedMailbox("${mailbox}", { displayName: "Desk", primarySmtpAddress: "desk@contoso.com", ${adopt} });
new MailboxMembership("${membership}", { mailbox: desk.id, members: ["grace@contoso.com", "alan@contoso.com"] });`;

const aliased = `new SharedMailbox("invoices", { ...billing }, { parent: this, aliases: [{ name: "billing" }] })`;

const everybody = ["billing@contoso.com", "desk@contoso.com", "sales@contoso.com", "support@contoso.com"];

/** Each test goes on from where the one before it left the stack. */
describe("names and places of resources", () => {
  let tenant: ServedTenant;
  let project: Project;
  let config: Record<string, unknown>;

  beforeAll(async () => {
    tenant = await startTenant();
    config = { ...tenant.config, "mailboxes:settleTimeout": "5s" };
    project = await createProject(imports + team() + desk(), { config });
  });

  afterAll(async () => {
    project?.remove();
    await tenant?.remove();
  });

  beforeEach(() => tenant.clearRequests());

  test("a component with three mailboxes and a membership deploys; what is hidden stays hidden", async () => {
    const preview = await project.preview("--diff");
    expect(errors(preview)).toEqual([]);
    expect(preview.output).toContain('primarySmtpAddress: "billing@contoso.com"');
    expect(preview.output).not.toContain("exports.handler");
    expect(preview.output).not.toMatch(/__origin\s*: "/);

    const up = await project.up();
    expect(errors(up)).toEqual([]);
    expect(up.summary).toEqual({ create: 8 });
    expect(await sharedAddresses(tenant)).toEqual(everybody);

    const state = Object.values(await resources(project));
    expect(state).toHaveLength(6);
    for (const { urn, inputs, outputs } of state) {
      expect(inputs?.__origin).toBe(urn);
      expect(outputs?.__provider).toBe(inputs?.__provider);
      expect(Buffer.byteLength(String(inputs?.__provider))).toBeLessThanOrEqual(120);
    }
    expect(state.map(({ urn }) => urn)).toContain(
      "urn:pulumi:dev::test::contoso:mail:Team$pulumi-nodejs:dynamic/mailboxes:SharedMailbox::billing",
    );
  });

  test("a renamed stack plans nothing", async () => {
    expect(await project.run("stack", "rename", "prod")).toMatchObject({ exitCode: 0 });
    project.stack = "prod";
    const preview = await project.preview();
    expect(errors(preview)).toEqual([]);
    expect(preview.summary).toEqual({ same: 8 });
    expect(await tenant.requests()).toEqual([]);
    expect((await resources(project)).desk?.urn).toMatch(/^urn:pulumi:prod::/);
  });

  test("a resource renamed with an alias plans nothing and is still the one it was born as", async () => {
    project.program(imports + team(aliased) + desk());
    expect((await project.preview()).summary).toEqual({ same: 8 });
    const up = await project.up();
    expect(up.summary).toEqual({ same: 8 });
    expect(await tenant.requests()).toEqual([]);
    const { invoices, billing } = await resources(project);
    expect(billing).toBeUndefined();
    expect(invoices?.inputs?.__origin).toMatch(/^urn:pulumi:dev::.*::billing$/);
  });

  test("a membership renamed without an alias takes nobody's access away", async () => {
    const renamed = desk({ membership: "desk-people" });
    project.program(imports + team(aliased) + renamed);
    const up = await project.up();
    expect(errors(up)).toEqual([]);
    expect(spelled(up.changes)).toEqual(["create desk-people", "delete desk-members"]);
    expect(await writes(tenant)).toEqual([]);
    expect(await access(tenant, "desk@contoso.com")).toEqual(both("alan@contoso.com", "grace@contoso.com"));
    expect((await project.preview()).changes).toEqual([]);
  });

  test("a membership under the name that another one gave up in the state takes nobody's access away", async () => {
    const urn = String((await resources(project))["desk-people"]?.urn);
    expect(await project.run("state", "rename", urn, "desk-folk", "--yes")).toMatchObject({ exitCode: 0 });
    const up = await project.up();
    expect(errors(up)).toEqual([]);
    expect(spelled(up.changes)).toEqual(["create desk-people", "delete desk-folk"]);
    expect(await access(tenant, "desk@contoso.com")).toEqual(both("alan@contoso.com", "grace@contoso.com"));
    expect((await project.preview()).changes).toEqual([]);
  });

  test("a mailbox renamed without an alias is refused with the ways out, and nothing is deleted", async () => {
    project.program(imports + team(aliased) + desk({ mailbox: "front-desk", membership: "desk-people" }));
    for (const options of [[], ["--continue-on-error"]]) {
      const up = await project.up(...options);
      expect(up.exitCode).not.toBe(0);
      const [error = ""] = errors(up);
      expect(error).toMatch(/^primarySmtpAddress: desk@contoso\.com belongs to the shared mailbox "Desk"/);
      expect(error).toContain("aliases: [{ name: <its old name> }]");
      expect(error).toContain("adopt: true");
      expect(error).toContain("pulumi import --file");
      expect(await writes(tenant)).toEqual([]);
    }
    expect(await sharedAddresses(tenant)).toEqual(everybody);
  });

  test("adopt takes a mailbox over from its old name without deleting it", async () => {
    const renamed = desk({ mailbox: "front-desk", membership: "desk-people", adopt: "adopt: true" });
    project.program(imports + team(aliased) + renamed);
    const up = await project.up();
    expect(errors(up)).toEqual([]);
    expect(await sharedAddresses(tenant)).toEqual(everybody);
    expect(await access(tenant, "desk@contoso.com")).toEqual(both("alan@contoso.com", "grace@contoso.com"));
    expect((await project.preview()).changes).toEqual([]);
  });

  test("resources moved to another stack plan nothing in either", async () => {
    const state = await resources(project);
    await project.run("stack", "init", "other");
    project.write("Pulumi.other.yaml", JSON.stringify({ config }));
    const urns = ["front-desk", "desk-people"].map((name) => String(state[name]?.urn));
    const moved = await project.run("state", "move", "--yes", "--source", "prod", "--dest", "other", ...urns);
    expect(moved).toMatchObject({ exitCode: 0 });

    project.program(imports + team(aliased));
    expect(await project.preview()).toMatchObject({ exitCode: 0, changes: [], summary: { same: 6 } });

    project.stack = "other";
    project.program(imports + desk({ mailbox: "front-desk", membership: "desk-people", adopt: "adopt: true" }));
    expect(await project.preview()).toMatchObject({ exitCode: 0, changes: [], summary: { same: 3 } });
    expect(await writes(tenant)).toEqual([]);
  });
});
